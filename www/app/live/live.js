// A query that is followed: its rows as they are after each commit, of this tab or another, that changed them.

import { text } from "aludel";
import { announce, byId, h, icon } from "../dom.js";
import { message } from "../errors.js";
import { count, counted } from "../format.js";
import { newGrid, RowsView } from "../rows_view.js";
import { inShort, mayChange, verb } from "../statements.js";

/** So many rows are followed; a live query reads all of them again after each commit. */
export const MOST_FOLLOWED = 10_000;

/** Whether a statement can be followed. */
export const canFollow = (sql) => ["SELECT", "VALUES", "WITH"].includes(verb(sql)) && !mayChange(sql);

/** Who changed the rows, if only one tab can have. */
function committer(tabs) {
  if (tabs.size !== 1 || tabs.has("unknown")) return "";
  return tabs.has("other") ? " by another tab" : " by this tab";
}

/** One live query and its view. */
export class Live {
  #query;
  #stopListening;
  /** The tabs that have committed something since the last step. */
  #by = new Set();
  #steps = 0;
  #rows = 0;
  #view;
  #names = [];
  #shown;
  #head;
  #dot;
  #words;
  #stop;
  #onChange;
  #ended = false;

  /**
   * @param {import("aludel").Engine} engine
   * @param {string} sql one statement that reads.
   * @param {{ onView: (view: object, first: boolean) => void, onChange: () => void, onOpen: (value: unknown, name: string) => void,
   *   onCell: (cell: object | undefined) => void, onStop: () => void }} listener
   */
  constructor(engine, sql, { onView, onChange, onOpen, onCell, onStop }) {
    this.#onChange = onChange;
    this.#dot = h("span", { class: "live-dot", "aria-hidden": "true" });
    this.#words = h("span", { class: "live-words", textContent: "Waiting for the first rows…" });
    this.#stop = h("button", { class: "button small", type: "button", id: "live-stop", onclick: onStop }, icon("stop"), "Stop");
    this.#head = h("div", { class: "live-head" }, this.#dot, this.#words, h("code", { class: "live-sql", textContent: inShort(sql, 200), title: sql }), this.#stop);
    this.#show(onView, h("p", { class: "message", textContent: "No rows yet" }), true);
    this.#query = engine.watch(text(`SELECT * FROM (\n${sql}\n) LIMIT ${MOST_FOLLOWED + 1}`));
    this.#stopListening = engine.onChange(({ tab, missed }) => this.#by.add(missed ? "unknown" : tab));
    void this.#follow(onView, onOpen, onCell);
  }

  /** Whether it goes on. */
  get follows() {
    return !this.#ended;
  }

  /** Ends it; its last rows stay. */
  async stop() {
    this.#end("Stopped", "");
    this.#onChange();
    await this.#query.return();
  }

  async #follow(onView, onOpen, onCell) {
    try {
      for await (const result of this.#query) {
        const names = [...result.keys()];
        const rows = result.all();
        const cut = rows.length > MOST_FOLLOWED;
        if (cut) rows.length = MOST_FOLLOWED;
        // A change of the schema may have changed the columns as well: their rows are other rows.
        if (this.#view === undefined || names.join("\0") !== this.#names.join("\0")) {
          this.#names = names;
          this.#view = new RowsView("live", "Live", newGrid(onOpen, onCell), names, (element) => h("div", { class: "live-view" }, this.#head, element));
          this.#view.pinned = true;
          this.#shown = this.#view;
          onView(this.#view, false);
        }
        this.#say(rows.length, cut);
        this.#view.tally = count(rows.length);
        this.#view.replace(rows);
        this.#onChange();
      }
      this.#end("Ended", "");
    } catch (error) {
      this.#end("Ended", message(error));
      if (this.#view === undefined) this.#show(onView, h("p", { class: "message", role: "alert", textContent: message(error) }), false);
      else announce(`The live query has ended: ${message(error)}`);
      this.#onChange();
    }
  }

  #show(onView, element, first) {
    this.#shown = { id: "live", label: "Live", pinned: !this.#ended, element: h("div", { class: "live-view" }, this.#head, element) };
    onView(this.#shown, first);
  }

  #say(rows, cut) {
    this.#steps += 1;
    const size = cut ? `the first ${counted(rows, "row")}` : counted(rows, "row");
    const by = `changed${committer(this.#by)} at ${new Date().toLocaleTimeString("en-GB")}`;
    this.#by.clear();
    const delta = rows - this.#rows;
    const sign = delta === 0 ? "" : ` (${delta > 0 ? "+" : "−"}${count(Math.abs(delta))})`;
    const words = this.#steps === 1 ? `${size}; waiting for changes` : `${size}${sign}, ${by}`;
    this.#rows = rows;
    this.#words.textContent = words;
    if (this.#steps === 1) return;
    announce(`The live query: ${words}`);
    if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.#dot.animate([{ transform: "scale(1)" }, { transform: "scale(2)" }, { transform: "scale(1)" }], { duration: 500 });
    }
  }

  #end(word, why) {
    if (this.#ended) return;
    this.#ended = true;
    // The next run takes its place.
    this.#shown.pinned = false;
    this.#stopListening?.();
    this.#dot.classList.add("off");
    // The focus must not fall off the button that goes.
    if (document.activeElement === this.#stop) byId("follow").focus();
    this.#stop.remove();
    this.#words.textContent = why === "" ? `${word}: these rows are followed no more` : `${word}: ${why}`;
  }
}
