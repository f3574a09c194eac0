// wa-sqlite on OPFSCoopSyncVFS, which knows no durability but the full one.
import { openWith } from "./wa-sqlite.js";

export const open = (path) => openWith("coop", path, "full", false);
