// The panel of storage and connections: where the data is, how safe it is, who hosts it, and who holds whom up.

import { FILE, size } from "../database.js";
import { byId, h } from "../dom.js";
import { message } from "../errors.js";
import { bytes, count, duration } from "../format.js";
import { onClosed, show } from "../dialog.js";

/** While the panel is open it is read anew after so many milliseconds. */
const EVERY_MS = 1_000;
/** So many of the latest waits are listed. */
const WAITS = 5;

/** What an engine has told of tabs and of who waits, from its first connection on. */
export class Witness {
  host = undefined;
  blocked = [];
  versions = undefined;

  constructor(engine) {
    engine.listen("host", ({ tab }) => (this.host = tab));
    engine.listen("versionSkew", (event) => (this.versions = event));
    engine.listen("blocked", (event) => (this.blocked = [{ ...event, at: Date.now() }, ...this.blocked].slice(0, WAITS)));
  }
}

/** The facts, in groups of name and text. */
export async function facts(engine, witness, live) {
  const { storage, pool } = engine;
  const kept = storage.durable;
  const [held, persisted, estimate, log] = await Promise.all([size(engine), kept && storage.persisted(), storage.estimate(), kept ? logSize() : undefined]);
  const where = [
    ["Where", kept ? `A file in this browser's private file system (OPFS), ${storage.path.replace(/^\//u, "")}` : "The memory of this tab; this browser has no file storage here"],
    ["Database", bytes(held)],
    ["Log (WAL)", log === undefined ? "Not known" : `${bytes(log)}; commits go there first, and into the database later`],
    ["Kept", kept ? durability(storage.durability) : "No. Closing or reloading the tab loses everything; download it to keep it"],
  ];
  if (kept) {
    if (!storage.settled) where.push(["Power cut", "The file is new: until the browser has written its name, a minute or so, a power failure may lose it"]);
    where.push(["Eviction", persisted ? "The browser has promised to keep it until you clear the site's data" : "The browser may clear it when the disk is nearly full"]);
  }
  const { usage, quota } = estimate;
  const room = quota > 0 ? { usage, quota } : undefined;
  const limit = pool.size();
  const busy = pool.checkedout();
  const connections = [
    ["Host", hostWords(kept, witness.host)],
    ["Connections", `${count(busy)} in use, ${count(pool.checkedin())} idle, ${limit > 0 ? `at most ${count(limit)}` : "no limit"}, of this tab`],
    ["Live query", live ? "One is followed" : "None"],
    ["Who waits", witness.blocked.length === 0 ? "Nobody has waited for one who does nothing" : witness.blocked.map(waitWords).join("\n")],
  ];
  if (witness.versions !== undefined) connections.push(["Versions", `This tab has ${witness.versions.ours}, another one ${witness.versions.theirs}: reload the older`]);
  return { where, connections, room, kept, persisted };
}

const durability = (level) => (level === "full"
  ? "Yes. An acknowledged change survives a crash of the browser and a power failure"
  : "Yes. An acknowledged change survives closing and crashing of the browser");

function hostWords(kept, host) {
  if (!kept) return "This tab has the database for itself";
  if (host === null) return "Looking for the tab that has the files open";
  return host === "other" ? "Another tab has the files open; this one uses its worker" : "This tab has the files open, and serves others";
}

function waitWords({ what, waited, holders, logBytes, at }) {
  const thing = { pool: "a connection of the pool", writeLock: "the write lock", snapshot: `the end of a snapshot, while the log grows (${bytes(logBytes)})` }[what];
  const who = holders.map(({ tab, age, idle }) => `${tab === "this" ? "this tab" : "another tab"} has it for ${duration(age)}${idle > 0 ? `, idle for ${duration(idle)}` : ""}`);
  return `${new Date(at).toLocaleTimeString("en-GB")}: waited ${duration(waited)} for ${thing}; ${who.join("; ") || "the holder is gone"}`;
}

// The engine does not tell; the file is the site's own, and its size can be read while the worker has it open.
async function logSize() {
  try {
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle(`${FILE.replace("sqlite:///", "")}-wal`);
    return (await handle.getFile()).size;
  } catch {
    return undefined;
  }
}

const list = (id, rows) => h("dl", { class: "facts", id }, ...rows.flatMap(([name, text]) => [h("dt", { textContent: name }), h("dd", { textContent: text })]));

function meter({ usage, quota }) {
  return h("div", { class: "room" }, h("meter", { min: 0, max: quota, value: usage, "aria-label": "Room that is used" }),
    h("p", { class: "quiet-text", textContent: `${bytes(usage)} used of ${bytes(quota)} that the browser gives this site` }));
}

/**
 * Shows the panel until it is closed; it follows what happens.
 * @param {() => Promise<object>} read gives the facts.
 * @param {(facts: object) => Element[]} actions are the buttons below.
 */
export async function showPanel(read, actions) {
  const first = await read();
  const where = h("div", {});
  const who = h("div", {});
  const fill = ({ where: place, connections, room }) => {
    where.replaceChildren(list("facts-storage", place), ...(room === undefined ? [] : [meter(room)]));
    who.replaceChildren(list("facts-connections", connections));
  };
  fill(first);
  show("Storage and connections", h("h3", { class: "facts-title", textContent: "Storage" }), where, h("h3", { class: "facts-title", textContent: "Connections" }), who,
    h("div", { class: "dialog-actions" }, ...actions(first)));
  let timer;
  // The next reading waits for the one before it: a database that is busy would be asked ever more.
  const again = async () => {
    try {
      const now = await read();
      if (!byId("dialog").contains(where)) return;
      fill(now);
      timer = setTimeout(again, EVERY_MS);
    } catch (error) {
      // The database is being made anew, or is gone: what was said last stays until the panel is closed.
      who.append(h("p", { class: "quiet-text", role: "status", textContent: `Not read anew since ${new Date().toLocaleTimeString("en-GB")}: ${message(error)}` }));
    }
  };
  timer = setTimeout(again, EVERY_MS);
  onClosed(() => clearTimeout(timer));
}

/** What the chip in the header says. */
export async function chip(engine) {
  const kept = engine.storage.durable;
  return { kept, short: kept ? "Kept in this browser" : "In memory only", size: await size(engine) };
}
