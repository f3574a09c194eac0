// Errors in words: what happened, where, and what to do.

/** How much of a long line is shown on either side of the caret. */
const AROUND = 56;

/**
 * The line of a statement that an offset is in, and a second line with a caret below it.
 * @returns {{ line: number, column: number, source: string, pointer: string }}
 */
export function excerpt(sql, offset) {
  const at = Math.max(0, Math.min(offset, sql.length));
  const start = sql.lastIndexOf("\n", at - 1) + 1;
  const newline = sql.indexOf("\n", at);
  const line = sql.slice(start, newline < 0 ? sql.length : newline).replace(/\r$/u, "");
  const column = at - start;
  const from = column > AROUND ? column - AROUND : 0;
  const to = Math.min(line.length, column + AROUND);
  const head = from > 0 ? "…" : "";
  const source = `${head}${line.slice(from, to)}${to < line.length ? "…" : ""}`.replaceAll("\t", " ");
  const before = [...line.slice(from, column)].length + head.length;
  return {
    line: sql.slice(0, start).split("\n").length,
    column: [...line.slice(0, column)].length + 1,
    source,
    pointer: `${" ".repeat(before)}^`,
  };
}

/** Line and column, from 1, of an offset into a text. */
export function position(text, offset) {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: [...before[before.length - 1]].length + 1 };
}

/** The bare message of an error: SQLAlchemy's texts also carry the statement and a link, which are shown elsewhere. */
export function message(error) {
  const text = typeof error?.message === "string" && error.message !== "" ? error.message : String(error);
  return text.split("\n[SQL: ")[0].split("\n(Background on this error")[0].replace(/^\(sqlite3?\.\w+\)\s*/u, "");
}

/** Whether an error is the answer to Cancel. */
export const isCancel = (error, signal) =>
  signal?.aborted === true && (error === signal.reason || error?.name === "AbortError" || error?.name === "CancelledError");

/** A sentence of advice where one helps, or nothing. */
export function advice(error) {
  if (error?.name === "WorkerGone" || error?.name === "HostLost") return "The worker ended. Run it again: a new one starts by itself, and the data is intact.";
  if (error?.reason === "quota") return "The browser gives this site no more room. The database is intact; delete rows or free space, and try again.";
  if (error?.reason === "corrupt" || error?.reason === "not-a-database") return "The file is damaged. Download it first if it matters, then start over with a new store.";
  if (error?.constraint?.kind === "foreignKey") return "A row points to a parent that is not there, or a parent is still pointed to.";
  if (/no such (table|column)/u.test(error?.message ?? "")) return "The schema at the side lists every table and column.";
  return "";
}

/** What stands in the way of opening the database, for the card that covers the page. */
export function obstacle(error) {
  if (error?.reason === "in-use") {
    return {
      kind: "in-use",
      title: "Another tab has this database open",
      text: "The music store is open in another tab or window of this browser. For now one tab at a time can use it: close the other one, then try again.",
    };
  }
  if (error?.reason === "unavailable") {
    return {
      kind: "unavailable",
      title: "No file storage here",
      text: "This browser, or this private window, offers no file storage (OPFS), so nothing could be kept. The workbench can run in memory instead: everything works, and everything is gone when the tab closes.",
    };
  }
  if (error?.reason === "quota") {
    return { kind: "quota", title: "The storage is full", text: "The browser gives this site no more room. Free some space, then try again." };
  }
  if (error?.reason === "corrupt" || error?.reason === "not-a-database") {
    return { kind: "damaged", title: "The file is not readable", text: "music.db in this browser's storage is damaged or no SQLite database. You can start over with a new store." };
  }
  return { kind: "other", title: "The database could not be opened", text: message(error) };
}
