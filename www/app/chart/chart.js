// A chart of two columns of a result: bars or a line, drawn by hand in SVG. The arrow keys walk through its points as through the
// values of a slider, which is what it is to screen readers; the same numbers are below it as a table.

import { h, perFrame } from "../dom.js";
import { count } from "../format.js";
import { columns, cut, form, MOST_BARS, MOST_POINTS, numeric, plot, ticks, tickText } from "./model.js";

const HEIGHT = 150;
const CHARACTER = 6.6;
const MARGIN = { top: 10, right: 14, bottom: 26 };

/** The chart of one result. */
export class Chart {
  /** The element to put on the page. */
  element;
  #names;
  #rows;
  #choice;
  #form;
  #data = { points: [] };
  #current = -1;
  #plot;
  #readout;
  #body;
  #draw;

  /**
   * @param {string[]} names what the columns are called.
   * @param {unknown[][]} rows
   */
  constructor(names, rows) {
    this.#names = names.map((name) => (name === "" ? "no name" : name));
    this.#rows = rows;
    this.#choice = columns(names, rows);
    this.#form = this.#choice === undefined ? "bars" : form(rows, this.#choice.label);
    this.element = h("figure", { class: "chart" });
    this.#draw = perFrame(() => this.#paint());
    new ResizeObserver(this.#draw).observe(this.element);
    this.#build();
  }

  /** Shows other rows of the same columns. */
  update(rows) {
    const before = this.#choice;
    this.#rows = rows;
    this.#choice ??= columns(this.#names, rows);
    if (before === undefined) this.#build();
    else this.#load();
  }

  #build() {
    if (this.#choice === undefined) {
      const why = this.#rows.length === 0 ? "There are no rows to draw." : "A chart needs a column of numbers, and there is none.";
      this.element.replaceChildren(h("p", { class: "message", textContent: why }));
      return;
    }
    this.#readout = h("p", { class: "chart-readout", "aria-hidden": "true" });
    this.#plot = h("div", { class: "chart-plot", role: "slider", tabIndex: 0, "aria-orientation": "horizontal", "aria-valuemin": "1",
      onkeydown: (event) => this.#onKey(event), onpointermove: (event) => this.#point(event), onpointerdown: (event) => this.#point(event) });
    this.#body = h("div", { class: "chart-numbers", tabIndex: 0, role: "region", "aria-label": "The numbers of the chart" });
    const details = h("details", { class: "chart-table", ontoggle: () => this.#table() }, h("summary", { textContent: "The numbers as a table" }), this.#body);
    this.element.replaceChildren(h("div", { class: "chart-head" }, h("figcaption", { class: "chart-title" }), this.#tools()),
      this.#readout, this.#plot, h("p", { class: "chart-note" }), details);
    this.#load();
  }

  #tools() {
    const button = (name, text) => h("button", { class: "segment", type: "button", textContent: text, "aria-pressed": String(this.#form === name),
      onclick: (event) => {
        this.#form = name;
        for (const other of event.target.parentElement.children) other.setAttribute("aria-pressed", String(other === event.target));
        this.#load();
      } });
    const tools = h("div", { class: "chart-tools" },
      h("div", { class: "segments", role: "group", "aria-label": "Form of the chart" }, button("bars", "Bars"), button("line", "Line")));
    if (this.#names.length === 2) return tools;
    const pick = (what, which, among) => h("label", { class: "chart-pick" }, h("span", { textContent: what }), h("select", {
      onchange: (event) => {
        this.#choice = { ...this.#choice, [which]: Number(event.target.value) };
        this.#load();
      } }, ...among.map((column) => h("option", { value: String(column), textContent: cut(this.#names[column]), selected: this.#choice[which] === column }))));
    tools.append(pick("Of", "value", numeric(this.#names, this.#rows)), pick("By", "label", this.#names.map((_, column) => column)));
    return tools;
  }

  #load() {
    const bars = this.#form === "bars";
    this.#data = plot(this.#rows, this.#choice, bars ? MOST_BARS : MOST_POINTS, !bars);
    this.#current = Math.min(this.#current, this.#data.points.length - 1);
    const title = `${this.#names[this.#choice.value]} by ${this.#names[this.#choice.label]}`;
    this.element.querySelector(".chart-title").textContent = title;
    this.element.querySelector(".chart-note").textContent = this.#note();
    const { points } = this.#data;
    this.#plot.setAttribute("aria-label", `Chart: ${title}. ${bars ? "Bars" : "A line"}, ${count(points.length)} points; the arrow keys go through them`);
    this.#plot.setAttribute("aria-valuemax", String(Math.max(1, points.length)));
    this.#say();
    this.#table();
    this.#draw();
  }

  #note() {
    const { shown, total, without } = this.#data;
    const parts = [shown < total ? `The first ${count(shown)} of ${count(total)} rows.` : `All ${count(total)} rows.`];
    if (without > 0) parts.push(`${count(without)} without a number ${without === 1 ? "is" : "are"} left out.`);
    return parts.join(" ");
  }

  #say() {
    const { points } = this.#data;
    const point = points[Math.max(0, this.#current)];
    const text = point === undefined ? "No numbers" : `${point.label}: ${point.exact}`;
    this.#plot.setAttribute("aria-valuenow", String(Math.max(0, this.#current) + 1));
    this.#plot.setAttribute("aria-valuetext", text);
    this.#readout.textContent = this.#current < 0 ? "Point at it, or use the arrow keys" : text;
    this.#readout.classList.toggle("idle", this.#current < 0);
  }

  #go(to) {
    const { points } = this.#data;
    if (points.length === 0) return;
    this.#current = Math.max(0, Math.min(points.length - 1, to));
    this.#say();
    this.#draw();
  }

  #onKey(event) {
    const page = Math.max(2, Math.round(this.#data.points.length / 10));
    const now = this.#current;
    const to = { ArrowRight: now + 1, ArrowUp: now + 1, ArrowLeft: now - 1, ArrowDown: now - 1, Home: 0, End: Infinity,
      PageUp: now + page, PageDown: now - page }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#go(to);
  }

  #point(event) {
    const { points } = this.#data;
    if (points.length === 0 || this.#drawn === undefined) return;
    const x = event.clientX - this.#plot.getBoundingClientRect().left;
    let best = 0;
    for (let i = 1; i < points.length; i += 1) {
      if (Math.abs(this.#drawn(i) - x) < Math.abs(this.#drawn(best) - x)) best = i;
    }
    if (best !== this.#current) this.#go(best);
  }

  /** Where a point is, from the left. */
  #drawn;

  #paint() {
    if (this.#choice === undefined || !this.element.isConnected) return;
    const width = this.#plot.clientWidth;
    const height = Math.max(HEIGHT, this.#plot.clientHeight);
    if (width === 0) return;
    const { points } = this.#data;
    const bars = this.#form === "bars";
    const marks = ticks(points.map(({ value }) => value), Math.max(2, Math.floor(height / 56)), bars);
    const left = Math.ceil(Math.max(...marks.map((mark) => tickText(mark).length)) * CHARACTER) + 14;
    const inner = { width: Math.max(20, width - left - MARGIN.right), height: height - MARGIN.top - MARGIN.bottom };
    const [low, high] = [marks[0], marks.at(-1)];
    const y = (value) => MARGIN.top + inner.height * (1 - (value / 2 - low / 2) / (high / 2 - low / 2));
    const band = inner.width / Math.max(1, points.length);
    const x = bars ? (i) => left + band * (i + 0.5) : (i) => left + inner.width * (points.length === 1 ? 0.5 : points[i].at);
    this.#drawn = x;
    const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
    for (const mark of marks) {
      svg.append(s("line", { class: mark === 0 ? "chart-base" : "chart-rule", x1: left, x2: width - MARGIN.right, y1: y(mark), y2: y(mark) }),
        s("text", { class: "chart-tick", x: left - 8, y: y(mark) + 4, "text-anchor": "end" }, tickText(mark)));
    }
    if (bars) svg.append(...points.map((point, i) => bar(point, i === this.#current, x(i), band, y)));
    else svg.append(...line(points, this.#current, x, y));
    svg.append(...this.#labels(points, x, height, inner.width, left));
    this.#plot.replaceChildren(svg);
  }

  #labels(points, x, height, width, left) {
    const longest = points.reduce((most, { label }) => Math.max(most, label.length), 1);
    const room = Math.max(44, Math.min(110, longest * CHARACTER + 12));
    const every = Math.max(1, Math.ceil(points.length / Math.max(1, Math.floor(width / room))));
    const fits = Math.max(3, Math.floor(Math.max(room, width / Math.max(1, points.length) - 4) / CHARACTER));
    const found = [];
    let end = -Infinity;
    for (let i = 0; i < points.length; i += every) {
      const text = cut(points[i].label, fits);
      const half = (text.length * CHARACTER) / 2;
      const middle = Math.max(left - 6 + half, Math.min(left + width + MARGIN.right - half, x(i)));
      // Unequal distances may bring two labels together.
      if (middle - half < end + 6) continue;
      end = middle + half;
      found.push(s("text", { class: "chart-tick", x: middle, y: height - 8, "text-anchor": "middle" }, text));
    }
    return found;
  }

  #table() {
    const details = this.element.querySelector(".chart-table");
    if (!details.open) return this.#body.replaceChildren();
    const head = h("tr", {}, h("th", { scope: "col", textContent: this.#names[this.#choice.label] }), h("th", { scope: "col", textContent: this.#names[this.#choice.value] }));
    const rows = this.#data.points.map(({ label, exact }) => h("tr", {}, h("th", { scope: "row", textContent: label }), h("td", { textContent: exact })));
    return this.#body.replaceChildren(h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)));
  }
}

function bar(point, current, middle, band, y) {
  const width = Math.max(1, Math.min(56, band * 0.74));
  const top = Math.min(y(point.value), y(0));
  const height = Math.max(1, Math.abs(y(point.value) - y(0)));
  return s("rect", { class: current ? "chart-bar current" : "chart-bar", x: middle - width / 2, y: top, width, height, rx: Math.min(3, width / 4) });
}

function line(points, current, x, y) {
  const path = points.map(({ value }, i) => `${i === 0 ? "M" : "L"}${x(i).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const found = [s("path", { class: "chart-line", d: path })];
  if (points.length <= 60) found.push(...points.map(({ value }, i) => s("circle", { class: "chart-dot", cx: x(i), cy: y(value), r: 2.5 })));
  if (current >= 0) found.push(s("circle", { class: "chart-dot current", cx: x(current), cy: y(points[current].value), r: 5 }));
  return found;
}

/** An element of SVG. */
function s(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, typeof value === "number" ? String(Math.round(value * 100) / 100) : value);
  if (text !== undefined) element.textContent = text;
  return element;
}
