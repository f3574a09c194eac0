// The browsers of this machine, each with a profile of its own that lasts as long as it runs.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

/** The browsers to test. */
export const browsers = (process.env.ALUDEL_BROWSERS || "chromium").split(",");
/** The browsers to test where it is about tabs that share a database: all that are there. */
export const tabBrowsers = (process.env.ALUDEL_TAB_BROWSERS || "chromium").split(",");

const CHROMIUM = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Starts a browser; `close()` also removes its profile. Chromium can be given other options of puppeteer. */
export async function launch(name, more = {}) {
  const firefox = name === "firefox";
  const executablePath = firefox ? process.env.FIREFOX || "/usr/bin/firefox-esr" : process.env.CHROMIUM || "/usr/bin/chromium";
  const profile = await mkdtemp(join(tmpdir(), `aludel-${name}-`));
  const options = firefox
    ? { browser: "firefox", executablePath, headless: true }
    : { browser: "chrome", executablePath, headless: true, userDataDir: profile, args: CHROMIUM, ...more };
  const browser = await puppeteer.launch({ ...options, protocolTimeout: 180_000, timeout: 120_000 });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Opens a page and notes what it complains of; `before` runs in it before everything else. */
export async function open(browser, url, before) {
  const page = await browser.newPage();
  if (before !== undefined) await page.evaluateOnNewDocument(before);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`page error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warn") complaints.push(`console: ${message.text()}`);
  });
  await page.goto(url);
  return { page, complaints };
}
