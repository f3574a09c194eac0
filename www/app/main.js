// The workbench: opens the database, makes the store on the first visit, and joins the parts of the page.

import { splitStatements } from "aludel";
import { cover, progress, uncover } from "./cover.js";
import { open, readAll, settled } from "./database.js";
import { close, confirmLoss, showExamples, showKeys, showValue } from "./dialog.js";
import { byId, h, toast } from "./dom.js";
import { Editor } from "./editor.js";
import { isCancel, obstacle } from "./errors.js";
import { EXAMPLES } from "./examples.js";
import { importFile, offerImport } from "./files/import.js";
import { chip, facts, showPanel, Witness } from "./files/panel.js";
import { bytes, counted } from "./format.js";
import { keep, showHistory } from "./history/history.js";
import { layOut } from "./layout.js";
import { canFollow, Live } from "./live/live.js";
import { recall, remember } from "./memory.js";
import { EXPLAIN } from "./plan/model.js";
import { Results } from "./results.js";
import { run } from "./runner.js";
import { mayChange, quoted, verb } from "./statements.js";
import { clear, seed, storeState } from "./store/seed.js";
import { SCHEMA_QUERIES, schemaTree } from "./tree/model.js";
import { Tree } from "./tree/tree.js";

const CONTROLS = ["run", "explain", "follow", "history", "examples", "import", "download", "storage"];
const COMMAND = /Mac|iPhone|iPad/u.test(navigator.platform) ? "⌘" : "Ctrl";

let engine;
let witness;
let live;
let running;
/** The last script that the page itself wrote; it may be replaced without loss. */
let own = EXAMPLES[0].sql;
let refreshed = 0;
let refreshing = true;
let importing = false;

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
byId("storage").addEventListener("click", () => void showStorage());
byId("explain").addEventListener("click", () => void runChosen(true));
byId("follow").addEventListener("click", follow);
byId("history").addEventListener("click", () => showHistory({ edit: (sql) => editor.replace(sql), run: (sql) => void runScript(sql) }));
offerImport(takeFile);
byId("sql").addEventListener("select", nameRun);
document.addEventListener("selectionchange", nameRun);
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) {
    event.preventDefault();
    void runChosen(event.shiftKey);
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
    engine = await open(memory, (fresh) => {
      witness = new Witness(fresh);
      // Another tab may make tables, or bring in a whole database.
      fresh.onChange(({ tab, schema, missed }) => tab === "other" && (schema || missed) && !refreshing && void refreshAll());
    });
    await fill(false);
  } catch (error) {
    hinder(error);
  }
}

/** Makes the store, or goes on making it, unless it is complete. */
async function fill(anew) {
  refreshing = true;
  // The header stays in reach while the card is over the rest.
  for (const id of CONTROLS) byId(id).disabled = true;
  if (anew || ["absent", "partial"].includes(await storeState(engine))) {
    cover("Making a music store", "Artists, albums, tracks, customers and their invoices, invented here and kept in your browser. It happens once.");
    if (anew) await clear(engine);
    await seed(engine, progress);
  }
  await Promise.all([refreshTree(), refreshStorage()]);
  refreshing = false;
  uncover();
  for (const id of CONTROLS) byId(id).disabled = false;
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

async function runChosen(explain = false) {
  if (engine === undefined || running !== undefined || byId("run").disabled) return;
  const whole = editor.text;
  const { text: script, from } = editor.chosen;
  let statements;
  editor.clearFlaw();
  byId("flaw-text").textContent = "";
  try {
    statements = splitStatements(script);
    // What is a plan's own statement already is run as it is.
    if (explain) statements = statements.map((each) => (verb(each.sql) === "EXPLAIN" ? each : { ...each, sql: EXPLAIN + each.sql, shift: EXPLAIN.length }));
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
    if (!explain) keep(script, true, byId("status-text").textContent);
  } catch (error) {
    const { statement = 0, rolledBack = false, cause = error } = error;
    const stopped = isCancel(cause, signal) ? await settled(engine) : cause;
    if (stopped === undefined) results.cancelled(statement, rolledBack);
    else {
      const { offset = 0, shift = 0 } = statements[statement] ?? {};
      failed(stopped, { index: statement, from: from + offset - shift, script: whole, rolledBack });
    }
    if (!explain) keep(script, false, byId("status-text").textContent);
  } finally {
    running = undefined;
    busy(false);
  }
  if (statements.some(({ sql }) => mayChange(sql))) await refreshAll();
}

/** Follows the chosen query: its rows stay on the page and change with the database. */
function follow() {
  if (engine === undefined || byId("follow").disabled) return;
  let statements = [];
  try {
    statements = splitStatements(editor.chosen.text);
  } catch {
    // What is wrong with it, running it says.
  }
  if (statements.length !== 1 || !canFollow(statements[0].sql)) {
    toast("One SELECT can be followed: select it, or leave it alone in the editor");
    return;
  }
  void live?.stop();
  results.pin(undefined);
  live = new Live(engine, statements[0].sql, {
    onView: (view, first) => results.pin(view, first),
    onChange: () => results.changed(),
    onOpen: showValue,
    onCell: (cell) => results.onCell(cell),
    onStop: () => void live?.stop(),
  });
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

async function showStorage() {
  try {
    await showPanel(() => facts(engine, witness, live?.follows === true), storageActions);
  } catch (error) {
    toast(`That cannot be said now: ${error.message}`);
  }
}

async function refreshStorage() {
  const { kept, short, size } = await chip(engine);
  byId("storage").classList.toggle("warn", !kept);
  byId("storage-text").textContent = short;
  byId("storage-size").textContent = bytes(size);
}

const refreshAll = () => Promise.allSettled([refreshTree(), refreshStorage()]);

function storageActions({ kept, persisted }) {
  const actions = [];
  if (kept && !persisted) {
    actions.push(h("button", { class: "button", type: "button", id: "persist", textContent: "Ask the browser to keep it", onclick: async () => {
      try {
        const granted = await engine.storage.persist();
        close();
        toast(granted ? "The browser keeps it" : "The browser does not promise it for now");
      } catch (error) {
        toast(`The browser could not be asked: ${error.message}`);
      }
    } }));
  }
  actions.push(h("button", { class: "button", type: "button", textContent: "Import a database…", onclick: () => byId("import").click() }));
  actions.push(h("button", { class: "button danger", type: "button", textContent: "Start over…", onclick: () =>
    confirmLoss("Start over", "Every table in the database is removed, yours too, and the music store is made anew.", "Remove and make anew", startOver) }));
  return actions;
}

function takeFile(file) {
  // To ask would close what is shown, and that would cancel the import that is under way.
  if (running !== undefined || importing) {
    toast(`${importing ? "A file is being imported" : "A query is running"}: wait for it, or cancel it`);
    return;
  }
  importFile(engine, file, {
    begin: () => (importing = true),
    end: () => (importing = false),
    done: async ({ name }) => {
      await refreshAll();
      const tables = document.querySelectorAll("#tree [aria-level='1']").length;
      results.note(`${name} is here: ${counted(tables, "table")}`);
    },
  });
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
