// A browser that is started again and again on one profile, and does not always end well.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";
import { computing, family, gone, kill, killAll, signalAll } from "./processes.mjs";

const CHROMIUM = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-breakpad",
];
// A browser that died often is neither to ask whether it should start safely nor to bring the old tabs back.
const FIREFOX = {
  "toolkit.startup.max_resumed_crashes": -1,
  "browser.sessionstore.resume_from_crash": false,
};

/** Waits for something that may never come; what it was stands in the error. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing after ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A profile of one of the browsers, and the browser while it runs. */
export class Profile {
  #browser = null;
  #directory;
  #own;

  constructor(name, directory, own) {
    this.name = name;
    this.#directory = directory;
    this.#own = own;
  }

  /** A fresh profile; in a directory that is given, or in one of its own. */
  static async make(name, directory) {
    const own = directory === undefined;
    return new Profile(name, own ? await mkdtemp(join(tmpdir(), `aludel-crash-${name}-`)) : directory, own);
  }

  /** Whether the browser runs. */
  get running() {
    return this.#browser !== null;
  }

  /** The process of the browser. */
  get pid() {
    return this.#browser.process().pid;
  }

  /** Starts the browser, if it does not run. */
  async start() {
    if (this.#browser !== null) return;
    const firefox = this.name === "firefox";
    const executablePath = firefox ? process.env.FIREFOX || "/usr/bin/firefox-esr" : process.env.CHROMIUM || "/usr/bin/chromium";
    const options = firefox
      ? { browser: "firefox", extraPrefsFirefox: FIREFOX }
      : { browser: "chrome", args: CHROMIUM };
    // Signals are for this program to hand on: it kills what it started.
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
    this.#browser = await puppeteer.launch({
      ...options, ...signals, executablePath, headless: true, userDataDir: this.#directory, timeout: 120_000, protocolTimeout: 120_000,
    });
  }

  /** Opens a page. */
  async open(url) {
    const page = await this.#browser.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(`page error: ${error?.message ?? error}`));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(`console: ${message.text()}`);
    });
    // A page that crashes says so here; without a listener that would be an error of this program.
    page.on("error", () => undefined);
    await page.goto(url);
    return { page, complaints };
  }

  /** Kills the browser with SIGKILL, all of its processes at once. */
  async kill() {
    const browser = this.#browser;
    this.#browser = null;
    const { pid } = browser.process();
    // Its pages will not answer any more, which is nobody's fault.
    await killAll(pid);
    browser.disconnect().catch(() => undefined);
  }

  /** Stops all of its processes where they are. */
  freeze() {
    signalAll(this.pid, "SIGSTOP");
  }

  /** Closes the browser as a user would. */
  async close() {
    if (this.#browser === null) return;
    const browser = this.#browser;
    this.#browser = null;
    const pids = family(browser.process().pid).map(({ pid }) => pid);
    try {
      await within(20_000, "closing the browser", browser.close());
      await within(20_000, "the end of the browser", gone(pids));
    } catch {
      await killAll(browser.process().pid);
    }
  }

  /** Kills what runs and removes the profile, if it has a directory of its own. */
  async discard() {
    if (this.#browser !== null) await this.kill();
    if (this.#own) await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Kills the process that a page runs in, which `processOf` has found: what a crash of the tab does. */
  async crash(page, process_) {
    if (process_ !== undefined) {
      kill(process_);
      return;
    }
    const session = await page.createCDPSession();
    // The page cannot answer: it is gone.
    session.send("Page.crash").catch(() => undefined);
    await within(10_000, "the crash of a page", new Promise((resolve) => page.once("error", resolve)));
  }

  /**
   * The process that a page runs in: the one that computes while the page does, as long as no other page does anything. It is asked
   * for because tabs may share a process, of Chromium's as of Firefox's, and who dies with whom has to be known. Where the
   * times of processes cannot be read (anywhere but on Linux), Chromium is asked to crash the page by itself.
   */
  async processOf(page) {
    if (process.platform !== "linux" && this.name !== "firefox") return undefined;
    return computing(this.pid, (...work) => page.evaluate(...work));
  }
}
