// EXPLAIN QUERY PLAN as a tree with a word about each step. Pure: rows in, plain objects out.

/** What asks SQLite for the plan of a statement, in place of running it. */
export const EXPLAIN = "EXPLAIN QUERY PLAN ";

/** Whether a result is a plan. */
export const isPlan = (names) => names.join() === "id,parent,notused,detail";

/**
 * The steps as a tree.
 * @param {unknown[][]} rows of id, parent, notused and detail.
 * @returns {{ detail: string, mark: { kind: string, text: string } | undefined, steps: object[] }[]}
 */
export function planTree(rows) {
  const top = [];
  const byId = new Map();
  for (const [id, parent, , detail] of rows) {
    const step = { detail: String(detail), mark: mark(String(detail)), steps: [] };
    // A parent always comes before its children, so what it makes is a tree.
    (byId.get(parent)?.steps ?? top).push(step);
    byId.set(id, step);
  }
  return top;
}

const MARKS = [
  [/\bUSING AUTOMATIC\b/u, "slow", "index made for this run"],
  [/^SEARCH\b/u, "good", "finds by index"],
  [/^SCAN CONSTANT ROW\b/u, "plain", "one row"],
  [/^SCAN .* USING COVERING INDEX\b/u, "plain", "whole index"],
  [/^SCAN .* USING INDEX\b/u, "plain", "whole table, in order"],
  [/^SCAN .* VIRTUAL TABLE INDEX\b/u, "plain", "virtual table"],
  [/^SCAN (?:\(|\d+-ROW|SUBQUERY)/u, "plain", "rows of a step"],
  [/^SCAN\b/u, "slow", "whole table"],
  [/^USE TEMP B-TREE\b/u, "slow", "sorts"],
  [/^BLOOM FILTER\b/u, "good", "skips early"],
  [/^CORRELATED\b/u, "slow", "once per row"],
];

/** A few words about a step, where there is something to say. */
function mark(detail) {
  const found = MARKS.find(([pattern]) => pattern.test(detail));
  return found === undefined ? undefined : { kind: found[1], text: found[2] };
}

/** The plan in one sentence: what costs. */
export function planInShort(tree) {
  const whole = [];
  let sorts = 0;
  const walk = (steps) => {
    for (const { detail, mark: { text } = {}, steps: below } of steps) {
      if (text === "whole table") whole.push(detail.slice(5).split(" USING ")[0]);
      if (text === "sorts") sorts += 1;
      walk(below);
    }
  };
  walk(tree);
  if (tree.length === 0) return "Nothing to plan: the statement reads no table.";
  const reads = whole.length === 0 ? "No table is read from end to end" : `Read from end to end: ${whole.join(", ")}`;
  return `${reads}${sorts === 0 ? "." : `; ${sorts === 1 ? "one sort" : `${sorts} sorts`}.`}`;
}
