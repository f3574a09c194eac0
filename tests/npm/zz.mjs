import { launch } from "./lib/browser.mjs";
import { openTab, tabsApp } from "./lib/tabs.mjs";
const app = await tabsApp();
const { browser, close } = await launch(process.argv[2] ?? "chromium");
const trace = () => {
  const log = (globalThis.log = []);
  const B = globalThis.BroadcastChannel;
  globalThis.BroadcastChannel = class extends B {
    constructor(name) { super(name); super.addEventListener("message", (e) => log.push([Math.round(performance.now()), "hears", name.slice(0, 30), typeof e.data === "string" ? e.data : "frame"])); }
    postMessage(m) { log.push([Math.round(performance.now()), "says", this.name.slice(0, 30), typeof m === "string" ? m : "frame"]); super.postMessage(m); }
  };
  const W = globalThis.Worker;
  globalThis.Worker = class extends W {
    constructor(...a) { super(...a); log.push([Math.round(performance.now()), "worker made"]); super.addEventListener("message", (e) => log.push([Math.round(performance.now()), "from worker", typeof e.data === "string" ? e.data : "frame " + (new Uint8Array(e.data)[2]).toString(16)])); }
    postMessage(m, t) { log.push([Math.round(performance.now()), "to worker", m instanceof Uint8Array ? "frame " + m[2].toString(16) : JSON.stringify(m)]); super.postMessage(m, t); }
  };
};
const [a, b] = [await openTab(browser, app.origin, undefined, trace), await openTab(browser, app.origin, undefined, trace)];
await a.call("open", "closes.db");
await b.call("open", "closes.db");
await a.call("insert", "a");
await b.call("insert", "b");
await a.close();
await b.call("begin", 1, "insert", "b");
await new Promise((r) => setTimeout(r, 3000));
console.log((await b.page.evaluate(() => globalThis.log)).map((l) => l.join(" ")).join("\n"));
console.log(b.complaints);
console.log(await Promise.race([b.call("ended", 1), new Promise((r) => setTimeout(r, 2000, "hangs"))]));
await close(); await app.close(); process.exit();
