// The schema tree at the side, after the ARIA pattern for trees: arrows move, right and left open and close, Enter acts.

import { h, icon } from "../dom.js";
import { count } from "../format.js";

/** Shows what `schemaTree` made. */
export class Tree {
  #root;
  #open = new Set();
  #onBrowse;
  #onName;
  #counts = new Map();

  /**
   * @param {(table: string) => void} onBrowse is called for the table that was chosen.
   * @param {(name: string) => void} onName is called for the column or index that was chosen.
   */
  constructor(root, onBrowse, onName) {
    this.#root = root;
    this.#onBrowse = onBrowse;
    this.#onName = onName;
    root.addEventListener("keydown", (event) => this.#onKey(event));
    root.addEventListener("click", (event) => this.#onClick(event));
    root.addEventListener("focusin", (event) => this.#hold(event.target.closest("[role=treeitem]")));
  }

  /** Draws the tree anew; what was open stays open. */
  show(tables) {
    const key = this.#root.querySelector("[tabindex='0']")?.dataset.key;
    const held = this.#root.contains(document.activeElement);
    this.#root.replaceChildren(...tables.flatMap((table, i) => this.#table(table, i + 1, tables.length)));
    const items = [...this.#root.children];
    const again = items.find((item) => item.dataset.key === key && !item.hidden) ?? items[0];
    this.#hold(again ?? null);
    if (held) again?.focus();
  }

  /** Says how many rows a table has, once that is known. */
  setCount(table, rows) {
    this.#counts.set(table, rows);
    for (const item of this.#root.children) if (item.dataset.key === table) this.#fillCount(item.querySelector(".tree-count"), table);
  }

  // The items stand side by side and say their level, so that a table's name is its own line and not all that is below it.
  #table({ name, type, columns, indexes }, position, size) {
    const open = this.#open.has(name);
    const tally = h("span", { class: "tree-count" });
    this.#fillCount(tally, name);
    const item = h("li", { role: "treeitem", class: "tree-line", tabIndex: -1, title: `Show the rows of ${name}`, "aria-expanded": String(open),
      "aria-level": "1", "aria-posinset": String(position), "aria-setsize": String(size) },
    h("span", { class: "tree-twist" }, icon("chevron")), icon(type), h("span", { class: "tree-name", textContent: name }), tally);
    Object.assign(item.dataset, { key: name, name, kind: "table" });
    const leaves = [
      ...columns.map((column) => leaf("column", `${name}\0${column.name}`, column.name, column.words,
        h("span", { class: "tree-type", textContent: column.type.toLowerCase() }),
        ...column.marks.map((mark) => h("span", { class: "tree-mark", textContent: mark })))),
      ...indexes.map((index) => leaf("index", `${name}\0index\0${index.name}`, index.name,
        `${index.unique ? "unique index" : "index"} on ${index.columns.join(", ")}`,
        h("span", { class: "tree-type", textContent: `(${index.columns.join(", ")})` }))),
    ];
    leaves.forEach((each, i) => {
      each.hidden = !open;
      each.dataset.table = name;
      each.setAttribute("aria-posinset", String(i + 1));
      each.setAttribute("aria-setsize", String(leaves.length));
    });
    return [item, ...leaves];
  }

  #fillCount(tally, table) {
    const rows = this.#counts.get(table);
    if (rows !== undefined) tally.replaceChildren(count(rows), h("span", { class: "offscreen", textContent: " rows" }));
  }

  #hold(item) {
    if (item === null) return;
    for (const other of this.#root.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    item.tabIndex = 0;
  }

  #toggle(item, open) {
    if (item.dataset.kind !== "table") return;
    item.setAttribute("aria-expanded", String(open));
    for (const other of this.#root.children) if (other.dataset.table === item.dataset.name) other.hidden = !open;
    if (open) this.#open.add(item.dataset.name);
    else this.#open.delete(item.dataset.name);
  }

  #act(item) {
    if (item.dataset.kind === "table") this.#onBrowse(item.dataset.name);
    else this.#onName(item.dataset.name);
  }

  #onClick(event) {
    const item = event.target.closest("[role=treeitem]");
    if (item === null) return;
    item.focus();
    if (event.target.closest(".tree-twist") !== null) this.#toggle(item, item.getAttribute("aria-expanded") !== "true");
    else this.#act(item);
  }

  #onKey(event) {
    const item = event.target.closest("[role=treeitem]");
    if (item === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const seen = [...this.#root.children].filter((other) => !other.hidden);
    const at = seen.indexOf(item);
    const open = item.getAttribute("aria-expanded");
    const go = (other) => other?.focus();
    switch (event.key) {
      case "ArrowDown": go(seen[at + 1]); break;
      case "ArrowUp": go(seen[at - 1]); break;
      case "Home": go(seen[0]); break;
      case "End": go(seen[seen.length - 1]); break;
      case "ArrowRight":
        if (open === "true") go(seen[at + 1]);
        else this.#toggle(item, true);
        break;
      case "ArrowLeft":
        if (open === "true") this.#toggle(item, false);
        else go(seen.find((other) => other.dataset.key === item.dataset.table));
        break;
      case " ": this.#toggle(item, open !== "true"); break;
      case "Enter": this.#act(item); break;
      default: {
        if (event.key.length !== 1) return;
        const after = [...seen.slice(at + 1), ...seen.slice(0, at)];
        go(after.find((other) => other.dataset.name.toLowerCase().startsWith(event.key.toLowerCase())));
      }
    }
    event.preventDefault();
  }
}

function leaf(kind, key, name, words, ...rest) {
  const item = h("li", { role: "treeitem", class: "tree-line", tabIndex: -1, title: words, "aria-level": "2" },
    icon(kind), h("span", { class: "tree-name", textContent: name }), ...rest, h("span", { class: "offscreen", textContent: `, ${words}` }));
  Object.assign(item.dataset, { key, name, kind });
  return item;
}
