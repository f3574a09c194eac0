// A table of any length: only what is visible is in the document.

import { copyText, h, perFrame, toast } from "../dom.js";
import { asTsv, kind, shown } from "./cells.js";
import { counted } from "../format.js";
import { columnEdges, moved, scrolledInto, visibleColumns, visibleRows, widthInCharacters } from "./viewport.js";

const ROW_HEIGHT = 28;
/** Column widths follow this many of the first rows, and so many of each later part. */
const SAMPLE = 200;
const LATER = 40;
const MOST_COPIED = 2_000_000;

/** Shows the rows of one result, keeps its scroll position and selection, and grows while rows stream in. */
export class Grid {
  /** The element to put on the page. */
  element;
  #names = [];
  #rows = [];
  #widths = [];
  #lefts = [];
  #total = 0;
  #gutter = 0;
  #sampled = 0;
  #resized = false;
  #extent = "";
  #scrolled = { top: 0, left: 0 };
  #active;
  #anchor;
  #drawn = new Map();
  #columns = { first: 0, last: 0 };
  #body;
  #head;
  #character = 8;
  #changed;
  #onOpen;
  #onActive;
  #dragging = false;

  /**
   * @param {string} label what screen readers call the table.
   * @param {(value: unknown, name: string) => void} onOpen shows a value at full length.
   * @param {(cell: { row: number, column: number } | undefined) => void} onActive is told of the current cell.
   */
  constructor(label, onOpen, onActive) {
    this.#onOpen = onOpen;
    this.#onActive = onActive;
    this.#head = h("div", { role: "row", class: "grid-head", "aria-rowindex": "1" });
    this.#body = h("div", { role: "rowgroup", class: "grid-body" });
    this.element = h("div", { role: "grid", class: "grid", tabIndex: 0, "aria-label": label, "aria-multiselectable": "true", "aria-busy": "true" },
      h("div", { role: "rowgroup", class: "grid-top" }, this.#head), this.#body);
    this.#changed = perFrame(() => this.#draw());
    this.element.addEventListener("scroll", () => {
      if (this.element.isConnected) this.#scrolled = { top: this.element.scrollTop, left: this.element.scrollLeft };
      this.#changed();
    }, { passive: true });
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.element.addEventListener("focus", () => this.#active === undefined && this.#rows.length > 0 && this.#select({ row: 0, column: 0 }));
    this.element.addEventListener("dblclick", (event) => this.#cellAt(event) && this.open());
    this.element.addEventListener("mousedown", (event) => this.#onDown(event));
    this.element.addEventListener("mousemove", (event) => this.#dragging && this.#onDrag(event));
    this.element.addEventListener("mouseup", () => (this.#dragging = false));
    new ResizeObserver(this.#changed).observe(this.element);
  }

  /** How many rows there are so far. */
  get size() {
    return this.#rows.length;
  }

  /** The rows so far; they are the grid's own. */
  get rows() {
    return this.#rows;
  }

  /** Shows other rows of the same columns, from the same place on and with the same cell. */
  replace(rows) {
    this.#rows = [...rows];
    const last = this.#rows.length - 1;
    const within = (cell) => (cell === undefined || last < 0 ? undefined : { ...cell, row: Math.min(cell.row, last) });
    const before = this.#active;
    this.#active = within(before);
    this.#anchor = within(this.#anchor);
    if (this.element.isConnected && before?.row !== this.#active?.row) this.#onActive(this.#active);
    if (this.#sampled > 0 && !this.#resized) this.#grow(this.#rows);
    this.#redrawAll();
    this.complete();
  }

  /** Says what the columns are called; they come before the first row. */
  setColumns(names) {
    this.#names = names;
    this.element.setAttribute("aria-colcount", String(names.length + 1));
    this.element.setAttribute("aria-rowcount", "-1");
    this.#changed();
  }

  /** Adds rows at the end. */
  append(rows) {
    for (const row of rows) this.#rows.push(row);
    if (this.#sampled > 0 && !this.#resized) this.#grow(rows);
    this.#changed();
  }

  /** Says that no more rows come. */
  complete() {
    this.element.setAttribute("aria-rowcount", String(this.#rows.length + 1));
    this.element.setAttribute("aria-busy", "false");
    this.#changed();
  }

  /** Is called when the grid is back on the page: browsers forget how far a removed element was scrolled. */
  shown() {
    this.element.scrollTop = this.#scrolled.top;
    this.element.scrollLeft = this.#scrolled.left;
    if (this.#active !== undefined) this.#onActive(this.#active);
    this.#changed();
  }

  /** Opens the current cell at full length. */
  open() {
    if (this.#active !== undefined) this.#onOpen(this.#rows[this.#active.row][this.#active.column], this.#names[this.#active.column]);
  }

  /** Copies the selected cells. */
  async copy() {
    if (this.#active === undefined) return;
    const { top, bottom, left, right } = this.#selection();
    if ((bottom - top + 1) * (right - left + 1) > MOST_COPIED) {
      toast("That is too much for the clipboard: download the database instead");
      return;
    }
    const rows = [];
    for (let row = top; row <= bottom; row += 1) {
      const values = [];
      for (let column = left; column <= right; column += 1) values.push(this.#rows[row][column]);
      rows.push(values);
    }
    const one = rows.length === 1 && rows[0].length === 1;
    await copyText(one ? asTsv(rows).replace(/^"([^]*)"$/u, (_, text) => text.replaceAll('""', '"')) : asTsv(rows));
    toast(one ? "Copied the cell" : `Copied ${counted(rows.length, "row")} of ${counted(rows[0].length, "column")}`);
  }

  #layout() {
    const probe = h("span", { class: "grid-probe", textContent: "0".repeat(20), "aria-hidden": "true" });
    this.element.append(probe);
    this.#character = probe.getBoundingClientRect().width / 20 || 8;
    probe.remove();
    const sample = this.#rows.slice(0, SAMPLE);
    this.#sampled = sample.length;
    this.#widths = this.#names.map((name, column) => this.#fit(name, column, sample));
    this.#edges();
  }

  // Later rows may be longer; columns then grow, but never shrink under the reader's eyes.
  #grow(rows) {
    const some = rows.filter((_, i) => i % Math.ceil(rows.length / LATER) === 0);
    const wanted = this.#names.map((name, column) => Math.max(this.#widths[column], this.#fit(name, column, some)));
    if (wanted.every((width, column) => width === this.#widths[column])) return;
    this.#widths = wanted;
    this.#edges();
  }

  #fit(name, column, rows) {
    return Math.ceil(widthInCharacters(name, rows.map((row) => shown(row[column]))) * this.#character) + 24;
  }

  #edges() {
    const { lefts, total } = columnEdges(this.#widths);
    this.#lefts = lefts;
    this.#total = total;
    this.#redrawAll();
  }

  #redrawAll() {
    for (const row of this.#drawn.values()) row.remove();
    this.#drawn.clear();
    this.#columns = { first: 0, last: 0 };
    this.#changed();
  }

  #draw() {
    if (!this.element.isConnected || this.element.clientHeight === 0) return;
    if (this.#widths.length !== this.#names.length || (this.#sampled === 0 && this.#rows.length > 0)) this.#layout();
    const gutter = Math.ceil(Math.max(3, String(this.#rows.length).length) * this.#character) + 20;
    if (gutter !== this.#gutter) {
      this.#gutter = gutter;
      this.#redrawAll();
    }
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.element;
    const extent = `${gutter + this.#total} ${this.#rows.length}`;
    if (extent !== this.#extent) {
      // Only when they change: every write of a style costs a layout.
      this.#extent = extent;
      this.#body.style.height = `${this.#rows.length * ROW_HEIGHT}px`;
      this.#body.style.width = this.#head.style.width = `${gutter + this.#total}px`;
    }
    const columns = visibleColumns({ scrollLeft, width: clientWidth, lefts: this.#lefts, widths: this.#widths });
    if (columns.first !== this.#columns.first || columns.last !== this.#columns.last || this.#head.childElementCount === 0) {
      for (const row of this.#drawn.values()) row.remove();
      this.#drawn.clear();
      this.#columns = columns;
      this.#drawHead();
    }
    const { first, last } = visibleRows({ scrollTop, height: clientHeight, rowHeight: ROW_HEIGHT, count: this.#rows.length });
    for (const [row, element] of this.#drawn) {
      if (row < first || row >= last) {
        element.remove();
        this.#drawn.delete(row);
      }
    }
    let after = null;
    for (let row = last - 1; row >= first; row -= 1) {
      let element = this.#drawn.get(row);
      if (element === undefined) {
        element = this.#row(row);
        this.#drawn.set(row, element);
        this.#body.insertBefore(element, after);
      }
      after = element;
    }
    this.#mark();
  }

  #drawHead() {
    const corner = h("div", { role: "columnheader", class: "grid-number", "aria-colindex": "1" }, h("span", { class: "offscreen", textContent: "Row" }));
    corner.style.width = `${this.#gutter}px`;
    this.#head.replaceChildren(corner);
    for (let column = this.#columns.first; column < this.#columns.last; column += 1) {
      const name = this.#names[column];
      const cell = h("div", { role: "columnheader", class: name === "" ? "grid-title unnamed" : "grid-title", "aria-colindex": String(column + 2), title: name },
        h("span", { class: "grid-name", textContent: name === "" ? "no name" : name }),
        h("span", { class: "grid-handle", "aria-hidden": "true", onpointerdown: (event) => this.#resize(event, column), ondblclick: () => this.#refit(column) }));
      const typical = this.#rows.slice(0, SAMPLE).find((row) => row[column] !== null);
      if (typical !== undefined && kind(typical[column]) === "number") cell.classList.add("number");
      this.#place(cell, column);
      this.#head.append(cell);
    }
  }

  #row(row) {
    const number = h("div", { role: "rowheader", class: "grid-number", "aria-colindex": "1", textContent: String(row + 1) });
    number.style.width = `${this.#gutter}px`;
    const element = h("div", { role: "row", class: row % 2 === 1 ? "grid-row odd" : "grid-row", "aria-rowindex": String(row + 2) }, number);
    element.style.transform = `translateY(${row * ROW_HEIGHT}px)`;
    element.style.width = `${this.#gutter + this.#total}px`;
    for (let column = this.#columns.first; column < this.#columns.last; column += 1) {
      const value = this.#rows[row][column];
      const cell = document.createElement("div");
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-colindex", String(column + 2));
      cell.className = `grid-cell ${kind(value)}`;
      cell.textContent = shown(value);
      cell.dataset.row = row;
      cell.dataset.column = column;
      this.#place(cell, column);
      element.append(cell);
    }
    return element;
  }

  #place(cell, column) {
    cell.style.left = `${this.#gutter + this.#lefts[column]}px`;
    cell.style.width = `${this.#widths[column]}px`;
  }

  #selection() {
    const from = this.#anchor ?? this.#active;
    const to = this.#active;
    return {
      top: Math.min(from.row, to.row), bottom: Math.max(from.row, to.row),
      left: Math.min(from.column, to.column), right: Math.max(from.column, to.column),
    };
  }

  #mark() {
    if (this.#active === undefined) {
      this.element.removeAttribute("aria-activedescendant");
      return;
    }
    const box = this.#selection();
    let current = null;
    for (const [row, element] of this.#drawn) {
      for (const cell of element.querySelectorAll(".grid-cell")) {
        const column = Number(cell.dataset.column);
        const inside = row >= box.top && row <= box.bottom && column >= box.left && column <= box.right;
        const active = inside && row === this.#active.row && column === this.#active.column;
        if (inside) cell.setAttribute("aria-selected", "true");
        else cell.removeAttribute("aria-selected");
        cell.classList.toggle("active", active);
        if (active) {
          cell.id = "active-cell";
          current = cell;
        } else if (cell.id !== "") cell.removeAttribute("id");
      }
    }
    if (current === null) this.element.removeAttribute("aria-activedescendant");
    else this.element.setAttribute("aria-activedescendant", "active-cell");
  }

  #select(cell, extend = false) {
    this.#anchor = extend ? this.#anchor ?? this.#active ?? cell : cell;
    this.#active = cell;
    const inner = this.element.clientHeight - this.#head.offsetHeight;
    this.element.scrollTop = scrolledInto({
      start: cell.row * ROW_HEIGHT, end: (cell.row + 1) * ROW_HEIGHT, position: this.element.scrollTop, size: inner });
    this.element.scrollLeft = scrolledInto({
      start: this.#lefts[cell.column], end: this.#lefts[cell.column] + this.#widths[cell.column],
      position: this.element.scrollLeft, size: this.element.clientWidth - this.#gutter });
    this.#draw();
    this.#onActive(cell);
  }

  #onKey(event) {
    const far = event.ctrlKey || event.metaKey;
    if (far && event.key.toLowerCase() === "c" && this.#active !== undefined) {
      event.preventDefault();
      void this.copy();
    } else if (far && event.key.toLowerCase() === "a" && this.#rows.length > 0) {
      event.preventDefault();
      this.#anchor = { row: 0, column: 0 };
      this.#active = { row: this.#rows.length - 1, column: this.#names.length - 1 };
      this.#mark();
      this.#onActive(this.#active);
    } else if ((event.key === "Enter" || event.key === " ") && !far && this.#active !== undefined) {
      event.preventDefault();
      this.open();
    } else if (event.altKey && this.#active !== undefined && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      this.#widen(this.#active.column, this.#widths[this.#active.column] + (event.key === "ArrowRight" ? 16 : -16));
    } else if (this.#rows.length > 0) {
      const page = Math.max(1, Math.floor((this.element.clientHeight - this.#head.offsetHeight) / ROW_HEIGHT) - 1);
      const next = moved(this.#active ?? { row: 0, column: 0 }, event.key,
        { rows: this.#rows.length, columns: this.#names.length, page, far });
      if (next === undefined) return;
      event.preventDefault();
      this.#select(next, event.shiftKey);
    }
  }

  #cellAt(event) {
    const cell = event.target.closest(".grid-cell");
    return cell === null ? undefined : { row: Number(cell.dataset.row), column: Number(cell.dataset.column) };
  }

  #onDown(event) {
    const cell = this.#cellAt(event);
    if (cell === undefined || event.button !== 0) return;
    this.#dragging = true;
    this.#select(cell, event.shiftKey);
  }

  #onDrag(event) {
    const cell = this.#cellAt(event);
    if ((event.buttons & 1) === 0) this.#dragging = false;
    else if (cell !== undefined && (cell.row !== this.#active.row || cell.column !== this.#active.column)) this.#select(cell, true);
  }

  #resize(event, column) {
    event.preventDefault();
    const start = event.clientX - this.#widths[column];
    const move = ({ clientX }) => this.#widen(column, clientX - start);
    addEventListener("pointermove", move);
    addEventListener("pointerup", () => removeEventListener("pointermove", move), { once: true });
  }

  #refit(column) {
    const rows = [...this.#drawn.keys()].map((row) => this.#rows[row]);
    this.#widen(column, this.#fit(this.#names[column], column, rows));
  }

  #widen(column, width) {
    this.#resized = true;
    this.#widths[column] = Math.max(40, Math.min(1200, width));
    this.#edges();
  }
}
