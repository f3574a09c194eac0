// The same as tabs.js in a dedicated worker: there are no shared workers in it, and no page to be left.
import * as aludel from "/node_modules/aludel/index.js";
import { tabOf } from "./tab.js";

const tab = tabOf(aludel);
onmessage = async ({ data: { id, name, args } }) => postMessage({ id, ...(await tab.attempt(name, ...args)) });
