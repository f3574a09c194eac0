// wa-sqlite on OPFSWriteAheadVFS, its fastest one; `normal` is what it has unless told otherwise.
import { openWith } from "./wa-sqlite.js";

export const open = (path, { durability = "normal", single = false } = {}) => openWith("ahead", path, durability, !single);
