// One of several tabs on one database: what whoever drives the browser can have it do. `?package=/other/` is the package to use.
import { tabOf } from "./tab.js";

const directory = new URLSearchParams(location.search).get("package") ?? "/node_modules/aludel/";
const aludel = await import(`${directory}index.js`);
globalThis.aludel = aludel;
globalThis.tab = tabOf(aludel, { worker: `${directory}worker.js` });
