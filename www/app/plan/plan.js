// The plan of a statement as a tree on the page: arrows move, right and left open and close.

import { h, icon } from "../dom.js";
import { planInShort, planTree } from "./model.js";

/** The element that shows the rows of EXPLAIN QUERY PLAN. */
export function planView(rows) {
  const tree = planTree(rows);
  const list = h("ul", { class: "plan-tree", role: "tree", "aria-label": "Plan of the statement" });
  draw(list, tree, 1);
  const first = list.querySelector("[role=treeitem]");
  if (first !== null) first.tabIndex = 0;
  list.addEventListener("keydown", (event) => onKey(list, event));
  list.addEventListener("click", (event) => {
    const item = event.target.closest("[role=treeitem]");
    if (item === null) return;
    hold(list, item);
    if (event.target.closest(".tree-twist") !== null) toggle(list, item, item.getAttribute("aria-expanded") !== "true");
  });
  return h("div", { class: "plan" }, h("p", { class: "plan-short", textContent: planInShort(tree) }), ...(tree.length > 0 ? [list] : []));
}

// As in the tree of tables, the items stand side by side and say their level.
function draw(list, steps, level) {
  steps.forEach(({ detail, mark, steps: below }, i) => {
    const [verb, ...rest] = detail.split(" ");
    const item = h("li", { role: "treeitem", class: "plan-step", tabIndex: -1, "aria-level": String(level), "aria-posinset": String(i + 1), "aria-setsize": String(steps.length),
      "aria-expanded": below.length > 0 ? "true" : undefined },
    h("span", { class: "tree-twist" }, below.length > 0 ? icon("chevron") : null),
    h("span", { class: "plan-detail" }, h("b", { textContent: verb }), rest.length > 0 ? ` ${rest.join(" ")}` : ""),
    mark === undefined ? null : h("span", { class: `plan-mark ${mark.kind}`, textContent: mark.text }));
    item.style.setProperty("--level", String(Math.min(level, 12)));
    list.append(item);
    draw(list, below, level + 1);
  });
}

const level = (item) => Number(item.getAttribute("aria-level"));

function hold(list, item) {
  for (const other of list.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
  item.tabIndex = 0;
  item.focus();
}

function toggle(list, item, open) {
  if (!item.hasAttribute("aria-expanded")) return;
  item.setAttribute("aria-expanded", String(open));
  // Below a step that is closed, everything is hidden; below one that is open, what closed steps do not hide.
  let closed = Infinity;
  for (const other of list.children) {
    if (level(other) <= closed) closed = Infinity;
    other.hidden = level(other) > closed;
    if (closed === Infinity && other.getAttribute("aria-expanded") === "false") closed = level(other);
  }
}

function onKey(list, event) {
  const item = event.target.closest("[role=treeitem]");
  if (item === null || event.ctrlKey || event.metaKey || event.altKey) return;
  const seen = [...list.children].filter((other) => !other.hidden);
  const at = seen.indexOf(item);
  const open = item.getAttribute("aria-expanded");
  const go = (other) => other !== undefined && hold(list, other);
  switch (event.key) {
    case "ArrowDown": go(seen[at + 1]); break;
    case "ArrowUp": go(seen[at - 1]); break;
    case "Home": go(seen[0]); break;
    case "End": go(seen.at(-1)); break;
    case "ArrowRight":
      if (open === "true") go(seen[at + 1]);
      else toggle(list, item, true);
      break;
    case "ArrowLeft":
      if (open === "true") toggle(list, item, false);
      else go(seen.slice(0, at).findLast((other) => level(other) < level(item)));
      break;
    default: return;
  }
  event.preventDefault();
}
