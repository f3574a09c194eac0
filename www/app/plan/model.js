// EXPLAIN QUERY PLAN as a tree with a word about each step. Pure: rows in, plain objects out.

/** What asks SQLite for the plan of a statement, in place of running it. */
export const EXPLAIN = "EXPLAIN QUERY PLAN ";

/** Whether a result is a plan. */
export const isPlan = (names) => names.join() === "id,parent,notused,detail";

/**
 * The steps as a tree.
 * @param {unknown[][]} rows of id, parent, notused and detail.
 * @returns {{ detail: string, mark: { kind: string, text: string } | undefined, whole: string | undefined, steps: object[] }[]}
 *   `whole` is the table that a step reads from end to end.
 */
export function planTree(rows) {
  const top = [];
  const byId = new Map();
  const made = new Set();
  for (const [id, parent, , what] of rows) {
    const detail = String(what);
    // What a step makes is no table, though it is read by its name afterwards.
    const [, name] = /^(?:CO-ROUTINE|MATERIALIZE) (.*)$/u.exec(detail) ?? [];
    if (name !== undefined) made.add(name);
    const [, read] = /^(?:SCAN|SEARCH) (.*?)(?: USING .*| LEFT-JOIN)?$/u.exec(detail) ?? [];
    const ofStep = made.has(read);
    const found = mark(detail);
    const step = { detail, mark: ofStep && found?.text === WHOLE ? ROWS_OF_A_STEP : found, whole: !ofStep && READ_WHOLE.has(found?.text) ? read : undefined, steps: [] };
    // A parent always comes before its children, so what it makes is a tree.
    (byId.get(parent)?.steps ?? top).push(step);
    byId.set(id, step);
  }
  return top;
}

const [WHOLE, IN_ORDER, MADE] = ["whole table", "whole table, in order", "index made for this run"];
/** To make an index, all of the table is read. */
const READ_WHOLE = new Set([WHOLE, IN_ORDER, MADE]);
const ROWS_OF_A_STEP = { kind: "plain", text: "rows of a step" };

const MARKS = [
  [/\bUSING AUTOMATIC\b/u, "slow", MADE],
  [/^SEARCH\b/u, "good", "finds by index"],
  [/^SCAN CONSTANT ROW\b/u, "plain", "one row"],
  [/^SCAN .* USING COVERING INDEX\b/u, "plain", "whole index"],
  [/^SCAN .* USING INDEX\b/u, "plain", IN_ORDER],
  [/^SCAN .* VIRTUAL TABLE INDEX\b/u, "plain", "virtual table"],
  [/^SCAN (?:\(|\d+-ROW|SUBQUERY)/u, ROWS_OF_A_STEP.kind, ROWS_OF_A_STEP.text],
  [/^SCAN\b/u, "slow", WHOLE],
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
    for (const { mark: { text } = {}, whole: table, steps: below } of steps) {
      if (table !== undefined) whole.push(table);
      if (text === "sorts") sorts += 1;
      walk(below);
    }
  };
  walk(tree);
  if (tree.length === 0) return "Nothing to plan: the statement reads no table.";
  const reads = whole.length === 0 ? "No table is read from end to end" : `Read from end to end: ${whole.join(", ")}`;
  return `${reads}${sorts === 0 ? "." : `; ${sorts === 1 ? "one sort" : `${sorts} sorts`}.`}`;
}
