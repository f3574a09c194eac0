// The history on the page: kept by the browser for all tabs, looked through in the dialog.

import { close, confirmLoss, show } from "../dialog.js";
import { h } from "../dom.js";
import { counted } from "../format.js";
import { recall, remember } from "../memory.js";
import { inShort } from "../statements.js";
import { added, ago, found, parsed } from "./model.js";

const NAME = "history";
/** So many are listed; a search finds the others. */
const LISTED = 60;

/** Remembers a run. What other tabs have kept meanwhile stays. */
export function keep(sql, ok, note) {
  remember(NAME, JSON.stringify(added(parsed(recall(NAME)), { sql, at: Date.now(), ok, note })));
}

/**
 * Shows the history.
 * @param {{ edit: (sql: string) => void, run: (sql: string) => void }} act what is done with the chosen statement.
 */
export function showHistory(act) {
  const entries = parsed(recall(NAME));
  if (entries.length === 0) {
    show("History", h("p", { textContent: "What you run is kept here, in this browser only." }));
    return;
  }
  const list = h("ul", { class: "cards history", "aria-label": "Statements, the latest first" });
  const tally = h("p", { class: "quiet-text", role: "status" });
  const search = h("input", { type: "search", id: "history-search", class: "search", placeholder: "Search", "aria-label": "Search the history", oninput: () => fill() });
  const fill = () => {
    const hits = found(entries, search.value);
    list.replaceChildren(...hits.slice(0, LISTED).map((entry) => card(entry, act)));
    tally.textContent = `${counted(hits.length, "statement")}${hits.length > LISTED ? `, the latest ${LISTED} are listed` : ""}`;
  };
  fill();
  // From the search on, the arrows go through what was found.
  const onKey = (event) => {
    const stops = [search, ...list.querySelectorAll(".history-main")];
    const to = stops[stops.indexOf(document.activeElement) + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? NaN)];
    if (to === undefined) return;
    event.preventDefault();
    to.focus();
  };
  show("History", h("div", { onkeydown: onKey }, search, tally, list), h("div", { class: "dialog-actions" },
    h("button", { class: "button danger", type: "button", textContent: "Clear…", onclick: () =>
      confirmLoss("Clear the history", "All statements in it are forgotten, in this browser.", "Clear it", () => remember(NAME, "[]")) })));
  search.focus();
}

function card({ sql, at, ok, note }, act) {
  const main = h("button", { class: "example history-main", type: "button", title: "Put it into the editor", onclick: () => {
    close();
    act.edit(sql);
  } }, h("code", { textContent: inShort(sql, 160) }), h("span", { class: ok ? "" : "failed", textContent: `${ago(at, Date.now())} · ${note}` }));
  const again = h("button", { class: "button small", type: "button", textContent: "Run", "aria-label": `Run again: ${inShort(sql, 60)}`, onclick: () => {
    close();
    act.run(sql);
  } });
  return h("li", {}, main, again);
}
