// One headless Chromium with a profile on disk: storage behaves otherwise in incognito windows.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(new URL("../tests/package.json", import.meta.url));
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));

function chromium() {
  const known = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];
  const found = process.env.CHROMIUM || known.find((path) => existsSync(path));
  if (!found) throw new Error("no Chromium was found; set CHROMIUM to its path");
  return found;
}

/** The version of a package in tests/node_modules. */
export const versionOf = (name) => require(`./node_modules/${name}/package.json`).version;

/** Launches Chromium; `close` ends it and removes its profile. */
export async function launch() {
  const profile = await mkdtemp(join(tmpdir(), "aludel-bench-"));
  const browser = await puppeteer.launch({
    executablePath: chromium(),
    userDataDir: profile,
    headless: true,
    protocolTimeout: 600_000,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
      // A page in the background must run as fast as one in front.
      "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--disable-backgrounding-occluded-windows"],
  });
  return {
    browser,
    version: await browser.version(),
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
