/**
 * What traces say of a text of SQL: the text without its literals, what it does, and to which table. It is a reading of words for
 * people who look at traces; what a statement is, SQLite says.
 *
 * @module
 */

/**
 * A text of SQL in short.
 * @internal
 */
export interface SqlSummary {
  /** The text with `?` for each literal, without comments. */
  readonly text: string;
  /** `"SELECT"`, `"INSERT"`, `"CREATE"`; empty where there is none. */
  readonly operation: string;
  /** The table, where it is one; else undefined. */
  readonly table: string | undefined;
}

const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?)`,
    String.raw`(?<literal>[xX]?'(?:[^']|'')*(?:'|$)|0[xX][0-9a-fA-F_]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)`,
    String.raw`(?<name>"(?:[^"]|"")*(?:"|$)|${"`"}(?:[^${"`"}]|${"``"})*(?:${"`"}|$)|\[[^\]]*(?:\]|$))`,
    String.raw`(?<parameter>\?\d*|[:@$][\p{L}\p{N}_$]+)`,
    String.raw`(?<word>[\p{L}_][\p{L}\p{N}_$]*)`,
    String.raw`(?<mark>[^])`,
  ].join("|"),
  "gu",
);

interface Token {
  readonly kind: "literal" | "name" | "parameter" | "word" | "mark";
  readonly text: string;
  readonly upper: string;
}

const MAIN = new Set(["SELECT", "VALUES", "INSERT", "REPLACE", "UPDATE", "DELETE"]);
/** Words that end the list of tables after FROM. */
const ENDS = new Set(["WHERE", "GROUP", "ORDER", "LIMIT", "HAVING", "WINDOW", "UNION", "INTERSECT", "EXCEPT", "SET", "RETURNING", "SELECT", "VALUES", "ON", "USING", "DO"]);
/** Words between a verb and its table. */
const BETWEEN = new Set(["IF", "NOT", "EXISTS", "OR", "ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE", "ONLY"]);

/**
 * A text of SQL in short; at most so many of its characters are read.
 * @internal
 */
export function summary(sql: string, most = 20_000): SqlSummary {
  const tokens: Token[] = [];
  let text = "";
  for (const match of sql.slice(0, most).matchAll(TOKEN)) {
    const [kind = "mark"] = Object.entries(match.groups ?? {}).find(([, found]) => found !== undefined) ?? [];
    if (kind === "space") {
      if (text !== "" && !text.endsWith(" ")) text += " ";
      continue;
    }
    text += kind === "literal" ? "?" : match[0];
    tokens.push({ kind: kind as Token["kind"], text: match[0], upper: kind === "word" ? match[0].toUpperCase() : match[0] });
  }
  if (sql.length > most) text += "\u2026";
  return { text: text.trim(), operation: operation(tokens), table: onlyTable(tokens) };
}

function operation(tokens: readonly Token[]): string {
  const [first] = tokens;
  if (first?.kind !== "word") return "";
  if (first.upper !== "WITH") return first.upper;
  let depth = 0;
  for (const { upper } of tokens) {
    if (upper === "(") depth++;
    else if (upper === ")") depth--;
    else if (depth === 0 && MAIN.has(upper)) return upper;
  }
  return first.upper;
}

/** The table that a statement names, if it names one and no more. */
function onlyTable(tokens: readonly Token[]): string | undefined {
  const found = new Set<string>();
  const named = withNames(tokens);
  const lists: boolean[] = [false];
  for (let i = 0; i < tokens.length; i++) {
    const { upper } = tokens[i] as Token;
    const depth = lists.length - 1;
    if (upper === "(") {
      lists.push(false);
      continue;
    }
    if (upper === ")") {
      if (depth > 0) lists.pop();
      continue;
    }
    const follows = introduces(tokens, i) || (upper === "," && lists[depth] === true);
    if (upper === "FROM") lists[depth] = true;
    else if (ENDS.has(upper)) lists[depth] = false;
    if (!follows) continue;
    const table = nameAt(tokens, i + 1);
    if (table !== undefined && !named.has(table.toLowerCase())) found.add(table);
  }
  const [only] = found;
  return found.size === 1 ? only : undefined;
}

/** Whether the name of a table comes after a word. */
function introduces(tokens: readonly Token[], i: number): boolean {
  const { upper } = tokens[i] as Token;
  const before = tokens[i - 1]?.upper;
  switch (upper) {
    case "FROM":
      return before !== "DISTINCT";
    case "UPDATE":
      return i === 0 || (before !== "DO" && before !== "ON" && tokens[i + 1]?.upper !== "SET");
    case "JOIN":
    case "INTO":
    case "TABLE":
      return true;
    default:
      return false;
  }
}

/** The names that WITH gives to what are no tables: those right behind it, and behind the commas of its list. */
function withNames(tokens: readonly Token[]): Set<string> {
  const named = new Set<string>();
  // For each parenthesis that is open: whether a name is due; undefined outside of such a list.
  const due: (boolean | undefined)[] = [undefined];
  for (const token of tokens) {
    const { kind, upper } = token;
    const at = due.length - 1;
    if (upper === "(") due.push(undefined);
    else if (upper === ")") due.length = Math.max(1, at);
    else if (upper === "WITH") due[at] = true;
    else if (due[at] === undefined || upper === "RECURSIVE") continue;
    else if (upper === ",") due[at] = true;
    else if (MAIN.has(upper)) due[at] = undefined;
    else if (due[at] === true && (kind === "word" || kind === "name")) {
      named.add(unquoted(token).toLowerCase());
      due[at] = false;
    }
  }
  return named;
}

function nameAt(tokens: readonly Token[], from: number): string | undefined {
  let i = from;
  while (BETWEEN.has(tokens[i]?.upper ?? "")) i++;
  const parts: string[] = [];
  for (; ; i += 2) {
    const token = tokens[i];
    if (token === undefined || (token.kind !== "word" && token.kind !== "name")) return undefined;
    parts.push(unquoted(token));
    if (tokens[i + 1]?.text !== ".") break;
  }
  // A name with a parenthesis behind it is a function that gives rows; of INSERT and CREATE, it is the table and its columns.
  const call = tokens[i + 1]?.text === "(" && !["INTO", "TABLE"].includes(tokens[from - 1]?.upper ?? "") && !BETWEEN.has(tokens[from]?.upper ?? "");
  return call ? undefined : parts.join(".");
}

function unquoted({ kind, text }: Token): string {
  if (kind !== "name") return text;
  const quote = text[0] as string;
  const inner = text.slice(1, -1);
  return quote === "[" ? inner : inner.replaceAll(quote + quote, quote);
}
