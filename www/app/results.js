// What a run brought: a grid per statement that returns rows, a line per statement that does not, the error in place.

import { announce, byId, h } from "./dom.js";
import { advice, excerpt, message, position } from "./errors.js";
import { count, counted, duration } from "./format.js";
import { newGrid, RowsView } from "./rows_view.js";
import { inShort, verb } from "./statements.js";
import { Tabs } from "./tabs.js";

/** More results than this are counted, not kept. */
const MOST_GRIDS = 20;
/** The overview lists this many statements. */
const MOST_LINES = 200;

/** The lower half of the desk. */
export class Results {
  #statements = [];
  #tabs = new Tabs((view) => this.#onView(view));
  #grids = 0;
  #overview;
  #running;
  #onOpen;
  #goTo;

  /**
   * @param {(value: unknown, name: string) => void} onOpen shows a cell at full length.
   * @param {(offset: number) => void} goTo moves the editor's caret.
   */
  constructor(onOpen, goTo) {
    this.#onOpen = onOpen;
    this.#goTo = goTo;
    byId("cell-open").addEventListener("click", () => this.#tabs.chosen?.grid?.open());
    byId("cell-copy").addEventListener("click", () => this.#tabs.chosen?.grid?.copy());
    byId("modes").addEventListener("click", (event) => this.#onMode(event.target.closest("button")));
  }

  /** Forgets the last run and begins one of these statements. */
  begin(statements) {
    this.#statements = statements.map(({ sql }) => ({ sql, state: "waiting", note: "" }));
    this.#grids = 0;
    this.#overview = statements.length > 1 ? h("ol", { class: "overview", tabIndex: 0, "aria-label": "Statements of this run" }) : undefined;
    this.#tabs.clear(this.#overview !== undefined);
    byId("spinner").hidden = false;
    if (this.#overview !== undefined) this.#tabs.put({ id: "all", label: "Overview", element: this.#overview });
    this.#running = { started: performance.now(), rows: 0, frame: 0, word: "Running…" };
    this.#tick();
  }

  /** A statement begins. */
  start(index) {
    this.#statements[index].state = "running";
    this.#line(index);
  }

  /** Its columns are known: it returns rows. */
  columns(index, names) {
    if (this.#grids >= MOST_GRIDS) return;
    this.#grids += 1;
    const view = new RowsView(index, verb(this.#statements[index].sql), newGrid(this.#onOpen, (cell) => this.onCell(cell)), names);
    this.#statements[index].view = view;
    this.#tabs.put(view);
  }

  /** More of its rows are here. */
  rows(index, rows) {
    this.#running.rows += rows.length;
    this.#statements[index].view?.grid.append(rows);
  }

  /** It is done. */
  end(index, { returnsRows, rows, rowcount, cut, ms, firstMs }) {
    const entry = this.#statements[index];
    entry.state = "done";
    const time = rows > 5000 ? `${duration(ms)}, the first after ${duration(firstMs)}` : duration(ms);
    if (!returnsRows) entry.note = `${rowcount >= 0 ? `${counted(rowcount, "row")} changed` : "Done"} in ${duration(ms)}`;
    else if (cut) entry.note = `The first ${count(rows)} rows in ${time}; the query was stopped there`;
    else entry.note = `${counted(rows, "row")} in ${time}`;
    if (entry.view !== undefined) {
      entry.view.tally = count(rows);
      entry.view.complete();
      this.#tabs.refresh(entry.view);
    }
    this.#line(index);
  }

  /**
   * Pins a view that stays when something else is run; `undefined` takes it away. It comes to the front the first time; after
   * that the reader may have gone elsewhere.
   */
  pin(view, first = false) {
    if (view === undefined) this.#tabs.remove("live");
    else {
      this.#tabs.put(view, first);
      if (first && this.#running === undefined) byId("status-text").textContent = "A live query";
    }
  }

  /** Draws the tabs anew: what a view says of itself has changed. */
  changed() {
    this.#tabs.draw();
    this.#onView(this.#tabs.chosen, false);
  }

  /** A note in place of results. */
  note(text) {
    this.#overview = undefined;
    this.#tabs.clear(false);
    this.#tabs.put({ id: 0, label: "Note", element: h("p", { class: "message", textContent: text }) });
    byId("status-text").textContent = text;
  }

  /** The user asked to cancel; until SQLite has stopped, the line below says so. */
  cancelling() {
    if (this.#running !== undefined) this.#running.word = "Cancelling…";
  }

  /** The run has come to its end. */
  finish() {
    const total = performance.now() - this.#running.started;
    const [only] = this.#statements;
    const one = this.#statements.length === 1;
    if (one && only.view === undefined) this.#say(0, h("p", { class: "message", textContent: only.note }));
    this.#stop(one ? only.note : `${counted(this.#statements.length, "statement")} in ${duration(total)}`);
  }

  /** The user cancelled it. */
  cancelled(index, rolledBack) {
    const rows = this.#statements[index]?.view?.grid.size ?? 0;
    const text = `Cancelled after ${duration(performance.now() - this.#running.started)}${rows > 0 ? `, ${counted(rows, "row")} so far` : ""}`;
    this.#abandon(index, "cancelled", "Cancelled");
    if (this.#statements[index]?.view === undefined) {
      this.#say(index, h("p", { class: "message", textContent: `${text}. ${rolledBack ? "Everything in this run was rolled back." : ""}` }));
    }
    this.#stop(text);
  }

  /**
   * It failed.
   * @param {{ index: number, from: number | undefined, script: string, rolledBack: boolean }} where `from` is where the
   *   statement begins in the editor.
   */
  fail(error, { index, from, script, rolledBack }) {
    this.#abandon(index, "failed", message(error));
    const element = this.#failure(error, this.#statements[index]?.sql ?? "", { from, script, rolledBack });
    this.#tabs.put({ id: index, label: "Error", element, failed: true }, true);
    this.#stop(`${error?.name ?? "Error"}: ${message(error)}`, "Failed");
  }

  #abandon(index, state, note) {
    const entry = this.#statements[index];
    if (entry === undefined) return;
    entry.state = state;
    entry.note = note;
    entry.view?.complete();
    if (entry.view !== undefined) this.#tabs.refresh(entry.view);
    this.#line(index);
    for (let i = index + 1; i < this.#statements.length; i += 1) {
      this.#statements[i].state = "skipped";
      this.#statements[i].note = "Not run";
      this.#line(i);
    }
  }

  #failure(error, sql, { from, script, rolledBack }) {
    const parts = [h("h2", { textContent: error?.name ?? "Error" }), h("p", { class: "failure-text", textContent: message(error) })];
    const words = [];
    if (typeof error?.offset === "number") {
      const { source, pointer } = excerpt(sql, error.offset);
      parts.push(h("pre", { class: "excerpt", tabIndex: 0, "aria-label": "Where the error is" }, `${source}\n`, h("b", { textContent: pointer })));
      const { line, column } = position(script, from + error.offset);
      byId("flaw-text").textContent = `${message(error)}, line ${line}, column ${column}`;
      parts.push(h("p", {}, h("button", { class: "button small", type: "button", textContent: `Go to line ${line}, column ${column}`,
        onclick: () => this.#goTo(from + error.offset) })));
    } else if (sql !== "") parts.push(h("pre", { class: "excerpt", tabIndex: 0, "aria-label": "The statement", textContent: inShort(sql, 200) }));
    if (error?.constraint?.columns?.length > 0) words.push(`It is about ${error.constraint.columns.join(", ")} of ${error.constraint.table}.`);
    if (rolledBack) words.push("The statements before it were rolled back: nothing of this run was kept.");
    const hint = advice(error);
    if (hint !== "") words.push(hint);
    if (words.length > 0) parts.push(h("p", { textContent: words.join(" ") }));
    const codes = [error?.sqliteCodeName, error?.code === undefined || error?.code === null ? undefined : `code ${error.code}`].filter(Boolean);
    if (codes.length > 0) parts.push(h("p", { class: "quiet-text", textContent: codes.join(" · ") }));
    return h("div", { class: "failure", role: "alert" }, ...parts);
  }

  #stop(text, spoken = "") {
    cancelAnimationFrame(this.#running.frame);
    this.#running = undefined;
    byId("spinner").hidden = true;
    byId("status-text").textContent = text;
    if (spoken === "") announce(text);
    this.#tabs.draw();
  }

  #tick() {
    const { started, rows, word } = this.#running;
    const time = performance.now() - started;
    byId("status-text").textContent = time < 120 ? word : `${word} ${rows > 0 ? `${counted(rows, "row")}, ` : ""}${(time / 1000).toFixed(1)} s`;
    this.#running.frame = requestAnimationFrame(() => this.#tick());
  }

  #say(index, element) {
    this.#tabs.put({ id: this.#overview === undefined ? index : "said", label: this.#overview === undefined ? verb(this.#statements[index]?.sql ?? "") : "Note", element });
  }

  // What is below the panel follows what is in it: the forms to choose from, and the current cell.
  #onView(view, anew = true) {
    if (anew) byId("cell-tools").hidden = true;
    const modes = view?.modes ?? [];
    const box = byId("modes");
    box.hidden = modes.length === 0;
    const key = modes.map(([name]) => name).join();
    if (box.dataset.modes !== key) {
      box.dataset.modes = key;
      box.replaceChildren(...modes.map(([name, text]) => h("button", { class: "segment", type: "button", id: `mode-${name}`, textContent: text, "data-mode": name })));
    }
    for (const button of box.children) button.setAttribute("aria-pressed", String(button.dataset.mode === view.mode));
  }

  #onMode(button) {
    const view = this.#tabs.chosen;
    if (button === null || view === undefined || view.mode === button.dataset.mode) return;
    view.mode = button.dataset.mode;
    this.#tabs.refresh(view);
  }

  #line(index) {
    if (this.#overview === undefined || index > MOST_LINES) return;
    if (index === MOST_LINES) {
      this.#overview.lastElementChild?.classList.contains("more")
        || this.#overview.append(h("li", { class: "more", textContent: `and ${count(this.#statements.length - MOST_LINES)} more` }));
      return;
    }
    const { sql, state, note } = this.#statements[index];
    const line = h("li", { class: state }, h("code", { textContent: inShort(sql, 120) }), h("span", { textContent: state === "running" ? "Running…" : note }));
    const old = this.#overview.children[index];
    if (old === undefined) this.#overview.append(line);
    else old.replaceWith(line);
  }

  /** Says which cell is current. */
  onCell(cell) {
    byId("cell-tools").hidden = cell === undefined;
    if (cell !== undefined) byId("cell-text").textContent = `row ${count(cell.row + 1)}, column ${cell.column + 1}`;
  }
}
