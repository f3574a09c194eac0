// The rows of one statement, in the forms that they allow: as a grid, as a chart, and as a plan if they are one.

import { Chart } from "./chart/chart.js";
import { Grid } from "./grid/grid.js";
import { isPlan } from "./plan/model.js";
import { planView } from "./plan/plan.js";

/** A view for the tabs that has several forms. */
export class RowsView {
  id;
  label;
  tally;
  pinned = false;
  grid;
  #names;
  #mode = "rows";
  #done = false;
  #chart;
  #frame;

  /**
   * @param {number | string} id
   * @param {string} label of its tab.
   * @param {Grid} grid that gets the rows.
   * @param {string[]} names of its columns.
   * @param {(element: Element) => Element} frame what is put around each form.
   */
  constructor(id, label, grid, names, frame = (element) => element) {
    Object.assign(this, { id, label, grid });
    this.#names = names;
    this.#frame = frame;
    grid.setColumns(names);
  }

  /** The forms that can be chosen. */
  get modes() {
    if (!this.#done) return [];
    if (isPlan(this.#names)) return [["plan", "Plan"], ["rows", "Rows"]];
    return this.#names.length > 1 ? [["rows", "Rows"], ["chart", "Chart"]] : [];
  }

  get mode() {
    return this.#mode;
  }

  set mode(mode) {
    this.#mode = mode;
  }

  get element() {
    if (this.#mode === "chart") return this.#frame((this.#chart ??= new Chart(this.#names, this.grid.rows)).element);
    return this.#frame(this.#mode === "plan" ? planView(this.grid.rows) : this.grid.element);
  }

  /** Says that all rows are here. */
  complete() {
    this.#done = true;
    this.grid.complete();
    if (isPlan(this.#names)) this.#mode = "plan";
  }

  /** Shows other rows in place of those that it has. */
  replace(rows) {
    this.grid.replace(rows);
    this.#chart?.update(rows);
    this.#done = true;
  }

  /** Is called when it is on the page. */
  shown() {
    if (this.#mode === "rows") this.grid.shown();
  }
}

/** A grid as all views have it. */
export const newGrid = (onOpen, onCell) => new Grid("Rows of the result", onOpen, onCell);
