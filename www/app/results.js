// What a run brought: a grid per statement that returns rows, a line per statement that does not, the error in place.

import { announce, byId, h } from "./dom.js";
import { advice, excerpt, message, position } from "./errors.js";
import { count, counted, duration } from "./format.js";
import { Grid } from "./grid/grid.js";
import { inShort, verb } from "./statements.js";

/** More results than this are counted, not kept. */
const MOST_GRIDS = 20;
/** The overview lists this many statements. */
const MOST_LINES = 200;

/** The lower half of the desk. */
export class Results {
  #statements = [];
  #views = [];
  #chosen;
  #picked = false;
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
    byId("tabs").addEventListener("keydown", (event) => this.#onTabKey(event));
    byId("cell-open").addEventListener("click", () => this.#chosen?.grid?.open());
    byId("cell-copy").addEventListener("click", () => this.#chosen?.grid?.copy());
  }

  /** Forgets the last run and begins one of these statements. */
  begin(statements) {
    this.#statements = statements.map(({ sql }) => ({ sql, state: "waiting", note: "" }));
    this.#views = [];
    this.#chosen = undefined;
    this.#picked = false;
    this.#overview = statements.length > 1 ? h("ol", { class: "overview", tabIndex: 0, "aria-label": "Statements of this run" }) : undefined;
    byId("cell-tools").hidden = true;
    byId("panel").replaceChildren();
    byId("spinner").hidden = false;
    if (this.#overview !== undefined) this.#add({ id: "all", label: "Overview", element: this.#overview });
    this.#tabs();
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
    if (this.#views.length > MOST_GRIDS) return;
    const grid = new Grid("Rows of the result", this.#onOpen, (cell) => this.#onCell(cell));
    grid.setColumns(names);
    this.#statements[index].grid = grid;
    this.#add({ id: index, label: verb(this.#statements[index].sql), element: grid.element, grid });
  }

  /** More of its rows are here. */
  rows(index, rows) {
    this.#running.rows += rows.length;
    this.#statements[index].grid?.append(rows);
  }

  /** It is done. */
  end(index, { returnsRows, rows, rowcount, cut, ms, firstMs }) {
    const entry = this.#statements[index];
    entry.state = "done";
    entry.grid?.complete();
    const time = rows > 5000 ? `${duration(ms)}, the first after ${duration(firstMs)}` : duration(ms);
    if (!returnsRows) entry.note = `${rowcount >= 0 ? `${counted(rowcount, "row")} changed` : "Done"} in ${duration(ms)}`;
    else if (cut) entry.note = `The first ${count(rows)} rows in ${time}; the query was stopped there`;
    else entry.note = `${counted(rows, "row")} in ${time}`;
    const view = this.#views.find(({ id }) => id === index);
    if (view !== undefined) view.tally = count(rows);
    this.#line(index);
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
    if (one && only.grid === undefined) this.#say(h("p", { class: "message", textContent: only.note }));
    this.#stop(one ? only.note : `${counted(this.#statements.length, "statement")} in ${duration(total)}`);
  }

  /** The user cancelled it. */
  cancelled(index, rolledBack) {
    const rows = this.#statements[index]?.grid?.size ?? 0;
    const text = `Cancelled after ${duration(performance.now() - this.#running.started)}${rows > 0 ? `, ${counted(rows, "row")} so far` : ""}`;
    this.#abandon(index, "cancelled", "Cancelled");
    if (this.#statements[index]?.grid === undefined) {
      this.#say(h("p", { class: "message", textContent: `${text}. ${rolledBack ? "Everything in this run was rolled back." : ""}` }));
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
    if (this.#overview === undefined) this.#say(element);
    else {
      this.#picked = false;
      this.#add({ id: index, label: "Error", element, failed: true });
    }
    this.#stop(`${error?.name ?? "Error"}: ${message(error)}`, "Failed");
  }

  #abandon(index, state, note) {
    const entry = this.#statements[index];
    if (entry === undefined) return;
    entry.state = state;
    entry.note = note;
    entry.grid?.complete();
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
    this.#tabs();
  }

  #tick() {
    const { started, rows, word } = this.#running;
    const time = performance.now() - started;
    byId("status-text").textContent = time < 120 ? word : `${word} ${rows > 0 ? `${counted(rows, "row")}, ` : ""}${(time / 1000).toFixed(1)} s`;
    this.#running.frame = requestAnimationFrame(() => this.#tick());
  }

  #say(element) {
    byId("panel").replaceChildren(element);
    byId("cell-tools").hidden = true;
  }

  #add(view) {
    this.#views.push(view);
    if (!this.#picked) this.#choose(view);
    this.#tabs();
  }

  #choose(view) {
    this.#chosen = view;
    const panel = byId("panel");
    panel.replaceChildren(view.element);
    byId("cell-tools").hidden = true;
    view.grid?.shown();
  }

  #tabs() {
    const bar = byId("tabs");
    bar.hidden = this.#overview === undefined;
    const panel = byId("panel");
    if (bar.hidden) {
      panel.removeAttribute("role");
      panel.removeAttribute("aria-labelledby");
      return;
    }
    const held = bar.contains(document.activeElement);
    bar.replaceChildren(...this.#views.map((view) => {
      const chosen = view === this.#chosen;
      return h("button", { role: "tab", type: "button", id: `tab-${view.id}`, class: view.failed ? "tab failed" : "tab", "aria-selected": String(chosen),
        "aria-controls": "panel", tabIndex: chosen ? 0 : -1, onclick: () => this.#pick(view) },
      view.id === "all" ? null : h("span", { class: "tab-number", textContent: String(view.id + 1) }), view.label,
      view.tally === undefined ? null : h("span", { class: "tab-tally", textContent: view.tally }));
    }));
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${this.#chosen.id}`);
    const current = bar.querySelector("[aria-selected=true]");
    current?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (held) current?.focus();
  }

  #pick(view) {
    this.#picked = true;
    this.#choose(view);
    this.#tabs();
  }

  #onTabKey(event) {
    const at = this.#views.indexOf(this.#chosen);
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: this.#views.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#pick(this.#views[(to + this.#views.length) % this.#views.length]);
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

  #onCell(cell) {
    byId("cell-tools").hidden = cell === undefined;
    byId("cell-text").textContent = `row ${count(cell.row + 1)}, column ${cell.column + 1}`;
  }
}
