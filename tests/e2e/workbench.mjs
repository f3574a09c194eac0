// The demo in a browser, as its user sees it.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A name that leads to this machine but is no secure context, as a page on plain http is not: there OPFS is missing. */
export const PLAIN_HOST = "plain.test";

const CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", `--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`];

/** The browsers to drive: `$ALUDEL_BROWSERS` ("chromium,firefox"), Chromium unless given. */
export const browsers = (process.env.ALUDEL_BROWSERS || "chromium").split(",");

/** Starts a browser with a new profile. A browser that is not there is an error, never a skip. */
export async function launch(name) {
  const firefox = name === "firefox";
  const names = firefox ? ["firefox-esr", "firefox"] : ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const given = firefox ? process.env.FIREFOX : process.env.CHROMIUM;
  const found = given || names.flatMap((file) => process.env.PATH.split(":").map((directory) => join(directory, file))).find(existsSync);
  if (found === undefined) throw new Error(`${name} is not installed: neither ${names.join(" nor ")} is on the path`);
  const downloads = mkdtempSync(join(tmpdir(), "aludel-e2e-"));
  const browser = await puppeteer.launch({
    browser: firefox ? "firefox" : "chrome",
    executablePath: found,
    args: firefox ? [] : CHROMIUM,
    ...(firefox ? {} : { downloadBehavior: { policy: "allow", downloadPath: downloads } }),
    extraPrefsFirefox: {
      "browser.download.folderList": 2,
      "browser.download.dir": downloads,
      "browser.download.useDownloadDir": true,
      "browser.helperApps.neverAsk.saveToDisk": "application/vnd.sqlite3,application/octet-stream",
      "browser.download.alwaysOpenPanel": false,
      "network.dns.localDomains": PLAIN_HOST,
      "dom.security.https_first": false,
      "dom.security.https_only_mode": false,
      // Nobody is there to be asked: storage that is asked for to stay, stays.
      "dom.storageManager.prompt.testing": true,
      "dom.storageManager.prompt.testing.allow": true,
    },
  });
  return {
    browser,
    downloads,
    async close() {
      await browser.close();
      rmSync(downloads, { recursive: true, force: true });
    },
  };
}

/** One page with the demo, and what can be done on it. */
export class Workbench {
  /** What went wrong on the page: errors on the console, exceptions, violations of its policy, foreign requests. */
  complaints = [];

  constructor(page) {
    this.page = page;
  }

  /** Opens the demo in a new tab. */
  static async open(browser, url, { width = 1280, height = 800 } = {}) {
    const page = await browser.newPage();
    const bench = new Workbench(page);
    await page.setViewport({ width, height });
    page.on("console", (message) => message.type() === "error" && bench.complaints.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => bench.complaints.push(`exception: ${error.message}`));
    page.on("request", (request) => {
      const to = new URL(request.url());
      if (to.protocol.startsWith("http") && to.origin !== new URL(url).origin) bench.complaints.push(`request to ${to.origin}`);
    });
    await page.evaluateOnNewDocument(() => {
      window.covers = [];
      window.steps = [];
      document.addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
      document.addEventListener("DOMContentLoaded", () => {
        const title = document.getElementById("cover-title");
        const note = () => window.covers.at(-1) !== title.textContent && window.covers.push(title.textContent);
        new MutationObserver(note).observe(title, { childList: true });
        const bar = document.getElementById("progress");
        new MutationObserver(() => window.steps.push(bar.value)).observe(bar, { attributes: true });
        note();
      });
    });
    await page.goto(url);
    return bench;
  }

  /** Runs a function on the page. */
  see(look, ...values) {
    return this.page.evaluate(look, ...values);
  }

  /** Waits until a function on the page gives something true, and gives that. It looks once per frame. */
  async until(look, ...values) {
    const source = `(async () => {
      const look = ${look};
      const end = performance.now() + 45000;
      for (;;) {
        const found = look(...${JSON.stringify(values)});
        if (found) return found;
        if (performance.now() > end) return undefined;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })()`;
    const found = await this.page.evaluate(source);
    if (found) return found;
    const state = await this.see(() => document.body.innerText.slice(0, 1500));
    throw new Error(`waited in vain for ${look}\nThe page said:\n${state}\n${this.complaints.join("\n")}`);
  }

  /** Notes from now on what is announced to screen readers; the function that it gives tells all of it. */
  async announced() {
    await this.see(() => {
      window.said = [];
      new MutationObserver((records) => window.said.push(...records.flatMap(({ addedNodes }) => [...addedNodes].map((node) => node.textContent))))
        .observe(document.getElementById("announcer"), { childList: true });
    });
    return () => this.see(() => window.said);
  }

  /** Waits until the database is open, the store is there and nothing runs. */
  ready() {
    return this.until(() => document.getElementById("cover").hidden && !document.getElementById("run").disabled);
  }

  /** Waits until the run is over. */
  idle() {
    return this.until(() => document.getElementById("spinner").hidden && !document.getElementById("run").disabled);
  }

  /** Puts a script into the editor as typing would, and selects a part of it if told. */
  async type(sql, from = 0, to = 0) {
    await this.see((text, start, end) => {
      const area = document.getElementById("sql");
      area.focus();
      area.select();
      document.execCommand("insertText", false, text) || area.setRangeText(text, 0, area.value.length, "end");
      area.dispatchEvent(new Event("input", { bubbles: true }));
      area.setSelectionRange(start, end);
    }, sql, from, to);
  }

  /** Presses keys together, `"Control+Enter"` for instance. */
  async press(keys) {
    const parts = keys.split("+");
    const last = parts.pop();
    for (const key of parts) await this.page.keyboard.down(key);
    await this.page.keyboard.press(last);
    for (const key of parts.reverse()) await this.page.keyboard.up(key);
  }

  /** Types a script and runs it, by the keyboard; gives what the line below says. */
  async run(sql, { wait = true } = {}) {
    await this.type(sql);
    await this.press("Control+Enter");
    if (!wait) return "";
    await this.idle();
    return this.status();
  }

  status() {
    return this.see(() => document.getElementById("status-text").textContent);
  }

  /** The rows of the grid that are in the document, as texts; the first is the names of the columns. */
  async rows(most = 12) {
    await this.until(() => {
      const grid = document.querySelector("#panel [role=grid]");
      return grid === null || (grid.querySelector("[role=columnheader] + [role=columnheader]") !== null
        && (grid.getAttribute("aria-rowcount") === "1" || grid.querySelector(".grid-row") !== null));
    });
    return this.see((limit) => {
      const text = (row) => [...row.children].slice(1).map((cell) => cell.textContent);
      return [...document.querySelectorAll("#panel [role=row]")].slice(0, limit + 1).map(text);
    }, most);
  }

  /** The only value of the only row of a query. */
  async value(sql) {
    await this.run(sql);
    const [, row] = await this.rows(1);
    return row?.[0];
  }

  /** The tables at the side with their row counts. */
  async tables() {
    await this.until(() => document.getElementById("tree").getAttribute("aria-busy") === "false");
    return this.see(() => Object.fromEntries([...document.querySelectorAll("#tree [aria-level='1']")].map((item) =>
      [item.dataset.name, Number(item.querySelector(".tree-count").firstChild.textContent.replaceAll(",", ""))])));
  }

  /** What axe-core finds wrong, in words. */
  async violations() {
    // Half-faded things have half the contrast; the toast is always on its way out, and announced elsewhere.
    await this.until(() => document.getAnimations().every(({ playState, effect }) => playState !== "running" || effect.target.id === "toast"));
    if (!await this.see(() => "axe" in window)) await this.page.evaluate(axe);
    return this.page.evaluate(`axe.run({ exclude: ["#toast"] }, { resultTypes: ["violations"] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target.join(" ") + ": " + failureSummary.replace(/\\s+/g, " "))))`);
  }
}

/** Waits until the browser has saved a file, and gives its bytes. */
export async function saved(directory, name) {
  const end = Date.now() + 60_000;
  for (;;) {
    const files = readdirSync(directory);
    if (files.includes(name) && files.length === 1) {
      const bytes = readFileSync(join(directory, name));
      if (bytes.length > 0) return bytes;
    }
    if (Date.now() > end) throw new Error(`${name} was not saved; there is: ${files.join(", ") || "nothing"}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
