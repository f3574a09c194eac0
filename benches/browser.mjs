// One headless browser with a profile on disk: storage behaves otherwise in incognito windows.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../tests/package.json", import.meta.url));
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));

const CHROMIUM = {
  asked: "CHROMIUM",
  known: ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"],
  options: {
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
      // A page in the background must run as fast as one in front.
      "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"],
  },
};
const FIREFOX = {
  asked: "FIREFOX",
  known: ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/Applications/Firefox.app/Contents/MacOS/firefox"],
  options: {
    browser: "firefox",
    extraPrefsFirefox: {
      // Its clock ticks in milliseconds otherwise.
      "privacy.reduceTimerPrecision": false,
      // A page in the background must run as fast as one in front.
      "dom.min_background_timeout_value": 4,
      "dom.min_background_timeout_value_without_budget_throttling": 4,
      "dom.timeout.enable_budget_timer_throttling": false,
    },
  },
};
export const BROWSERS = { chromium: CHROMIUM, firefox: FIREFOX };

function pathOf(name) {
  const { asked, known } = BROWSERS[name];
  const found = process.env[asked] || known.find((path) => existsSync(path));
  if (!found) throw new Error(`no ${name} was found; set ${asked} to its path`);
  return found;
}

/** The version of a package in tests/node_modules. */
export const versionOf = (name) => require(`./node_modules/${name}/package.json`).version;

/**
 * Launches a browser. `inspected`: it can be asked for memory, and told to forget what it cached and stored; `close` ends it and
 * removes its profile.
 */
export async function launch(name = "chromium") {
  const inspected = name === "chromium";
  const profile = await mkdtemp(join(tmpdir(), "aludel-bench-"));
  const browser = await puppeteer.launch({
    executablePath: pathOf(name),
    userDataDir: profile,
    headless: true,
    protocolTimeout: 600_000,
    ...BROWSERS[name].options,
  });
  const version = await browser.version();
  const session = inspected && (await (await browser.pages())[0].createCDPSession());
  let origins = 0;
  return {
    name,
    browser,
    version,
    inspected,
    /** Where a measurement finds a server; one that nothing is stored or cached for, where that cannot be cleared. */
    originOf: ({ origin }) => (inspected ? origin : origin.replace("localhost", `b${origins++}.localhost`)),
    clearCache: async () => session && session.send("Network.clearBrowserCache"),
    clearStorage: async (origin) => session && session.send("Storage.clearDataForOrigin", { origin, storageTypes: "file_systems" }),
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
