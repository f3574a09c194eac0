// The page of every app: offers its checks, and the package, to whoever drives the browser.
import * as aludel from "aludel";
import { run } from "./check.js";
import { core } from "./core.js";
import { files } from "./files.js";
import { lite } from "./lite.js";
import { pool } from "./pool.js";
import { programs } from "./programs.js";
import { session } from "./session.js";

globalThis.aludel = aludel;
const groups = { core, files, lite, pool, programs, session };
globalThis.names = (group) => Object.keys(groups[group]);
globalThis.checks = (group, name) => run({ [name]: groups[group][name] });
