// A tab as tabs.js is one, for apps that bundlers made: with the package that was built into it.
import * as aludel from "aludel";
import { tabOf } from "./tab.js";

globalThis.aludel = aludel;
globalThis.tab = tabOf(aludel);
