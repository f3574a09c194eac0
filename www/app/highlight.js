// Cuts SQL into coloured pieces. It only colours: what a statement is, SQLite says.

const KEYWORDS = new Set(`
  ABORT ACTION ADD AFTER ALL ALTER ALWAYS ANALYZE AND AS ASC ATTACH AUTOINCREMENT BEFORE BEGIN BETWEEN BY CASCADE CASE CAST
  CHECK COLLATE COLUMN COMMIT CONFLICT CONSTRAINT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE
  DEFAULT DEFERRABLE DEFERRED DELETE DESC DETACH DISTINCT DO DROP EACH ELSE END ESCAPE EXCEPT EXCLUDE EXCLUSIVE EXISTS EXPLAIN
  FAIL FILTER FIRST FOLLOWING FOR FOREIGN FROM FULL GENERATED GLOB GROUP GROUPS HAVING IF IGNORE IMMEDIATE IN INDEX INDEXED
  INITIALLY INNER INSERT INSTEAD INTERSECT INTO IS ISNULL JOIN KEY LAST LEFT LIKE LIMIT MATCH MATERIALIZED NATURAL NO NOT
  NOTHING NOTNULL NULL NULLS OF OFFSET ON OR ORDER OTHERS OUTER OVER PARTITION PLAN PRAGMA PRECEDING PRIMARY QUERY RAISE RANGE
  RECURSIVE REFERENCES REGEXP REINDEX RELEASE RENAME REPLACE RESTRICT RETURNING RIGHT ROLLBACK ROW ROWS SAVEPOINT SELECT SET
  STORED STRICT TABLE TEMP TEMPORARY THEN TIES TO TRANSACTION TRIGGER TRUE FALSE UNBOUNDED UNION UNIQUE UPDATE USING VACUUM
  VALUES VIEW VIRTUAL WHEN WHERE WINDOW WITH WITHOUT`.trim().split(/\s+/u));

// Unfinished strings, names and comments run to the end of the text, as they do for SQLite.
const PIECE = new RegExp([
  /(?<comment>--[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/)?)/,
  /(?<string>[xX]?'(?:[^']|'')*(?:'|$))/,
  /(?<name>"(?:[^"]|"")*(?:"|$)|`(?:[^`]|``)*(?:`|$)|\[[^\]]*(?:\]|$))/,
  /(?<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/,
  /(?<param>\?\d*|[:@$][\p{L}\p{N}_$]+)/,
  /(?<word>[\p{L}_][\p{L}\p{N}_$]*)/,
  /(?<space>\s+)/,
  /(?<mark>[^])/,
].map((part) => part.source).join("|"), "gu");

/**
 * Cuts a script into pieces that cover it without gaps.
 * @returns {{ kind: "comment" | "string" | "name" | "number" | "param" | "keyword" | "function" | "word" | "space" | "mark",
 *   start: number, end: number }[]}
 */
export function pieces(sql) {
  const found = [];
  for (const match of sql.matchAll(PIECE)) {
    const start = match.index;
    const end = start + match[0].length;
    let kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (kind === "word") {
      if (KEYWORDS.has(match[0].toUpperCase())) kind = "keyword";
      else if (/^\s*\(/u.test(sql.slice(end, end + 16))) kind = "function";
    }
    found.push({ kind, start, end });
  }
  return found;
}
