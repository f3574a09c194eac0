// The workbench: opens the database, makes the store on the first visit, and joins the parts of the page.

import { splitStatements } from "aludel";
import { cover, progress, uncover } from "./cover.js";
import { describeStorage, open, readAll, settled } from "./database.js";
import { close, confirmLoss, showExamples, showKeys, showStorage, showValue } from "./dialog.js";
import { byId, h, toast } from "./dom.js";
import { Editor } from "./editor.js";
import { isCancel, obstacle } from "./errors.js";
import { EXAMPLES } from "./examples.js";
import { bytes } from "./format.js";
import { layOut } from "./layout.js";
import { recall, remember } from "./memory.js";
import { Results } from "./results.js";
import { run } from "./runner.js";
import { mayChange, quoted } from "./statements.js";
import { clear, seed, storeState } from "./store/seed.js";
import { SCHEMA_QUERIES, schemaTree } from "./tree/model.js";
import { Tree } from "./tree/tree.js";

const COMMAND = /Mac|iPhone|iPad/u.test(navigator.platform) ? "⌘" : "Ctrl";

let engine;
let running;
/** The last script that the page itself wrote; it may be replaced without loss. */
let own = EXAMPLES[0].sql;
let refreshed = 0;

const editor = new Editor(byId("sql"), document.querySelector(".paint"), (text) => remember("script", text));
const results = new Results(showValue, (offset) => editor.showFlaw(offset));
const tree = new Tree(byId("tree"), browse, (name) => {
  closeDrawer();
  editor.insert(quoted(name));
});
const { closeDrawer } = layOut();

byId("run-key").textContent = `${COMMAND} ↵`;
byId("run").addEventListener("click", () => void runChosen());
byId("cancel").addEventListener("click", cancel);
byId("examples").addEventListener("click", () => showExamples(EXAMPLES, (sql) => void runScript(sql)));
byId("keys").addEventListener("click", () => showKeys(COMMAND));
byId("download").addEventListener("click", () => void download());
byId("storage").addEventListener("click", () => void storageDialog());
byId("sql").addEventListener("select", nameRun);
document.addEventListener("selectionchange", nameRun);
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
    event.preventDefault();
    void runChosen();
  } else if (event.key === "Escape" && running !== undefined && !byId("dialog").open) {
    event.preventDefault();
    cancel();
  }
});

editor.load(recall("script") ?? own);
await start(false);

/** Opens the database; whatever stands in the way is said, with what can be done about it. */
async function start(memory) {
  cover("Opening the database", memory ? "In memory" : "music.db, in this browser's own storage");
  try {
    await engine?.dispose();
    engine = await open(memory);
    await fill(false);
  } catch (error) {
    hinder(error);
  }
}

/** Makes the store, or goes on making it, unless it is complete. */
async function fill(anew) {
  if (anew || await storeState(engine) !== "complete") {
    cover("Making a music store", "Artists, albums, tracks, customers and their invoices, invented here and kept in your browser. It happens once.");
    if (anew) await clear(engine);
    await seed(engine, progress);
  }
  await Promise.all([refreshTree(), refreshStorage()]);
  uncover();
  for (const id of ["run", "examples", "download", "storage"]) byId(id).disabled = false;
  // A script of the user's own is never run unasked.
  if (editor.text === EXAMPLES[0].sql) await runChosen();
}

function hinder(error) {
  const { kind, title, text } = obstacle(error);
  const again = { name: kind === "in-use" ? "Retry" : "Try again", act: () => void start(false) };
  const actions = { unavailable: [{ name: "Use memory", act: () => void start(true) }, again] }[kind] ?? [again];
  if (engine !== undefined && ["damaged", "other"].includes(kind)) {
    actions.push({ name: "Start over", act: () => void startOver() });
  }
  byId("storage-text").textContent = "Not open";
  byId("storage-size").textContent = "";
  cover(title, text, actions);
}

async function startOver() {
  try {
    await fill(true);
  } catch (error) {
    hinder(error);
  }
}

async function runScript(sql) {
  own = sql;
  editor.replace(sql);
  await runChosen();
}

/** Shows a table's rows; a script of the user's own stays, and the query comes below it. */
async function browse(table) {
  closeDrawer();
  const sql = `SELECT * FROM ${quoted(table)};\n`;
  if (editor.text === own || editor.text.trim() === "") await runScript(sql);
  else {
    editor.append(sql);
    await runChosen();
  }
}

async function runChosen() {
  if (engine === undefined || running !== undefined || byId("run").disabled) return;
  const whole = editor.text;
  const { text: script, from } = editor.chosen;
  let statements;
  editor.clearFlaw();
  byId("flaw-text").textContent = "";
  try {
    statements = splitStatements(script);
  } catch (error) {
    results.begin([{ sql: script }]);
    failed(error, { index: 0, from, script: whole, rolledBack: false });
    return;
  }
  if (statements.length === 0) {
    toast("There is nothing to run");
    return;
  }
  const { signal } = (running = new AbortController());
  busy(true);
  results.begin(statements);
  try {
    await run(engine, statements, {
      signal,
      onStart: (index) => results.start(index),
      onColumns: (index, names) => results.columns(index, names),
      onRows: (index, rows) => results.rows(index, rows),
      onEnd: (index, outcome) => results.end(index, outcome),
    });
    results.finish();
  } catch (error) {
    const { statement = 0, rolledBack = false, cause = error } = error;
    const stopped = isCancel(cause, signal) ? await settled(engine) : cause;
    if (stopped === undefined) results.cancelled(statement, rolledBack);
    else failed(stopped, { index: statement, from: from + (statements[statement]?.offset ?? 0), script: whole, rolledBack });
  } finally {
    running = undefined;
    busy(false);
  }
  if (statements.some(({ sql }) => mayChange(sql))) await Promise.allSettled([refreshTree(), refreshStorage()]);
}

function failed(error, where) {
  results.fail(error, where);
  // Who went on typing meanwhile keeps the caret.
  if (typeof error?.offset === "number" && editor.text === where.script) editor.showFlaw(where.from + error.offset);
}

function cancel() {
  if (running === undefined) return;
  results.cancelling();
  running.abort();
}

function busy(now) {
  // The focus must not fall off a button that is switched off under it.
  const active = document.activeElement;
  byId("run").disabled = now;
  byId("cancel").disabled = !now;
  byId("desk").setAttribute("aria-busy", String(now));
  if (now && active === byId("run")) byId("cancel").focus();
  if (!now && active === byId("cancel")) byId("run").focus();
}

function nameRun() {
  byId("run-part").hidden = editor.chosen.text === editor.text;
}

async function refreshTree() {
  const turn = ++refreshed;
  const outdated = () => turn !== refreshed;
  byId("tree").setAttribute("aria-busy", "true");
  const tables = schemaTree(...await readAll(engine, SCHEMA_QUERIES));
  if (outdated()) return;
  tree.show(tables);
  for (const { name, type } of tables) {
    if (type !== "table") continue;
    const [[[rows]]] = await readAll(engine, [`SELECT count(*) FROM "${name.replaceAll('"', '""')}"`]);
    if (outdated()) return;
    tree.setCount(name, rows);
  }
  byId("tree").setAttribute("aria-busy", "false");
}

async function refreshStorage() {
  const { kept, short, size } = await describeStorage(engine);
  byId("storage").classList.toggle("warn", !kept);
  byId("storage-text").textContent = short;
  byId("storage-size").textContent = bytes(size);
}

async function storageDialog() {
  const { kept, lines, persisted } = await describeStorage(engine);
  const actions = [];
  if (kept && !persisted) {
    actions.push(h("button", { class: "button", type: "button", textContent: "Ask the browser to keep it", onclick: async () => {
      const granted = await engine.storage.persist();
      close();
      toast(granted ? "The browser keeps it" : "The browser does not promise it for now");
    } }));
  }
  actions.push(h("button", { class: "button danger", type: "button", textContent: "Start over…", onclick: () =>
    confirmLoss("Start over", "Every table in the database is removed, yours too, and the music store is made anew.", "Remove and make anew", startOver) }));
  showStorage(lines, actions);
}

async function download() {
  const button = byId("download");
  button.disabled = true;
  try {
    await engine.download("music.db");
    toast("music.db is downloaded");
  } catch (error) {
    toast(`The download failed: ${error.message}`);
  } finally {
    button.disabled = false;
  }
}
