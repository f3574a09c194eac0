// Imported before a process and each of its threads: a thread that finds a file in use, and waits for it, says so on the process's
// standard output.
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { load } from "./pkg.mjs";

if (!isMainThread) {
  const { NodeFile } = await load("node_files.js");
  const open = NodeFile.prototype.createSyncAccessHandle;
  NodeFile.prototype.createSyncAccessHandle = async function () {
    try {
      return await open.call(this);
    } catch (error) {
      if (error.name === "NoModificationAllowedError") writeSync(1, "waits\n");
      throw error;
    }
  };
}
