// Tabs that write, and waiting for what they do.
import { setTimeout as sleep } from "node:timers/promises";
import { within } from "./browser.mjs";

/** How long what was promised may take before it counts as hung: longer than the engine waits for a lock. */
export const PATIENCE = 45_000;
/** How long a tab may take to go on by itself. */
export const RECOVERY = 30_000;

/** Waits until something is so. */
export async function until(ms, what, check) {
  for (const end = Date.now() + ms; ; await sleep(15)) {
    const value = await check();
    if (value) return value;
    if (Date.now() > end) throw new Error(`${what}: not after ${ms} ms`);
  }
}

/** A tab that writes. */
export class Tab {
  constructor(name, { page, complaints }) {
    Object.assign(this, { name, page, complaints });
  }

  /** Opens one; `build` says which copy of the package it loads. */
  static async open(name, profile, server, build = "a") {
    const tab = new Tab(name, await profile.open(`${server.origin}/page/writer.html?build=${build}`));
    const loaded = tab.page.waitForFunction("globalThis.crash !== undefined", { timeout: 2 * PATIENCE });
    await within(PATIENCE, `${name} loads`, loaded).catch((error) => {
      throw new Error(`${error.message}: ${tab.complaints.join("; ")}`);
    });
    return tab;
  }

  /** Calls a function of `globalThis.crash` in the page. */
  call(name, ...args) {
    const run = this.page.evaluate((name, ...args) => globalThis.crash[name](...args), name, ...args);
    return within(PATIENCE, `${name}() in ${this.name}`, run);
  }
}
