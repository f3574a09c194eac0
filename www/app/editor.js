// The SQL editor: a plain textarea, so that undo, spelling, dictation and screen readers work as everywhere, over a
// coloured copy of its text. The box around both scrolls; neither scrolls itself, so they cannot drift apart.

import { h } from "./dom.js";
import { pieces } from "./highlight.js";

/** Longer scripts are shown in one colour. */
const COLOURED = 60_000;

/** The editor over the elements of index.html. */
export class Editor {
  #area;
  #paint;
  #flaw;
  #onEdit;

  constructor(area, paint, onEdit) {
    this.#area = area;
    this.#paint = paint;
    this.#onEdit = onEdit;
    area.addEventListener("input", () => {
      this.clearFlaw();
      onEdit(this.text);
    });
    this.#colour();
  }

  /** The whole script. */
  get text() {
    return this.#area.value;
  }

  /** What a run is about: the selection, or everything, and where in the editor it begins. */
  get chosen() {
    const { selectionStart, selectionEnd, value } = this.#area;
    const some = selectionEnd > selectionStart && value.slice(selectionStart, selectionEnd).trim() !== "";
    return some ? { text: value.slice(selectionStart, selectionEnd), from: selectionStart } : { text: value, from: 0 };
  }

  /** Puts another script in place of the present one; undo brings that back. */
  replace(text) {
    this.#area.focus();
    this.#area.select();
    this.#type(text);
    this.#area.setSelectionRange(0, 0);
    this.#area.parentElement.parentElement.scrollTop = 0;
  }

  /** Adds a statement at the end and selects it, so that what the user wrote stays and only the new one runs. */
  append(text) {
    const lead = this.text.trim() === "" ? "" : `${this.text.endsWith("\n") ? "" : "\n"}\n`;
    this.#area.focus();
    this.#area.setSelectionRange(this.text.length, this.text.length);
    this.#type(lead + text);
    this.#area.setSelectionRange(this.text.length - text.length, this.text.length);
  }

  /** Types a text where the caret is. */
  insert(text) {
    this.#area.focus();
    this.#type(text);
  }

  /** Sets the script without a way back, as on loading. */
  load(text) {
    this.#area.value = text;
    this.clearFlaw();
  }

  /** Marks the word at an offset as wrong; with `move` the caret goes there. */
  showFlaw(offset, move = true) {
    this.#flaw = Math.min(offset, this.text.length);
    this.#area.setAttribute("aria-invalid", "true");
    this.#colour();
    if (!move) return;
    this.#area.focus({ preventScroll: true });
    this.#area.setSelectionRange(this.#flaw, this.#flaw);
    this.#paint.querySelector(".flaw")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Takes the mark away. */
  clearFlaw() {
    this.#flaw = undefined;
    this.#area.removeAttribute("aria-invalid");
    this.#colour();
  }

  focus() {
    this.#area.focus();
  }

  #type(text) {
    // The only way of typing that keeps the undo history; the other one is for browsers that have dropped it.
    if (document.execCommand("insertText", false, text)) return;
    this.#area.setRangeText(text, this.#area.selectionStart, this.#area.selectionEnd, "end");
    this.clearFlaw();
    this.#onEdit(this.text);
  }

  #colour() {
    const { text } = this;
    const parts = text.length > COLOURED ? [{ kind: "word", start: 0, end: text.length }] : pieces(text);
    const nodes = parts.map(({ kind, start, end }) => {
      const piece = text.slice(start, end);
      const flawed = this.#flaw !== undefined && this.#flaw >= start && this.#flaw < end && kind !== "space";
      if (flawed) return h("span", { class: `${kind} flaw`, textContent: piece });
      return kind === "word" || kind === "space" || kind === "mark" ? piece : h("span", { class: kind, textContent: piece });
    });
    if (this.#flaw !== undefined && !nodes.some((node) => typeof node !== "string" && node.classList.contains("flaw"))) {
      // The statement ended too early: there is no word to underline, so the place itself is marked.
      let at = 0;
      const index = parts.findIndex(({ end }) => (at = end) >= this.#flaw);
      nodes.splice(index < 0 ? nodes.length : index + (at === this.#flaw ? 1 : 0), 0, h("span", { class: "flaw end" }));
    }
    // The last line end needs something behind it, or the copy is one line shorter than the text.
    this.#paint.replaceChildren(...nodes, "\u200b");
  }
}
