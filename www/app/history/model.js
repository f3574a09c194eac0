// The statements that were run, newest first. Pure: what is kept is a text, and whatever that holds is looked at with distrust.

/** So many are kept. */
const MOST = 200;
/** Longer scripts are not kept, and all together are no longer than this. */
const LONGEST = 20_000;
const ALL = 1_000_000;
/** There are no times beyond it. */
const LATEST = 8.64e15;

/**
 * What was kept; nothing where the text is none of ours.
 * @returns {{ sql: string, at: number, ok: boolean, note: string }[]}
 */
export function parsed(text) {
  let list;
  try {
    list = JSON.parse(text ?? "[]");
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.filter((entry) => typeof entry?.sql === "string" && typeof entry.at === "number" && Math.abs(entry.at) <= LATEST && typeof entry.note === "string")
    .map(({ sql, at, ok, note }) => ({ sql, at, ok: ok === true, note })).slice(0, MOST);
}

/** The history with one more run. The same script is in it once, at its latest run. */
export function added(entries, entry) {
  if (entry.sql.trim() === "" || entry.sql.length > LONGEST) return entries;
  const all = [entry, ...entries.filter(({ sql }) => sql.trim() !== entry.sql.trim())].slice(0, MOST);
  let room = ALL;
  return all.filter(({ sql }) => (room -= sql.length) >= 0);
}

/** The entries that hold all words of a search, in any case. */
export function found(entries, search) {
  const words = search.toLowerCase().split(/\s+/u).filter((word) => word !== "");
  return entries.filter(({ sql }) => words.every((word) => sql.toLowerCase().includes(word)));
}

/** When something was, seen from now: "just now", "5 min ago", "3 h ago", a date. */
export function ago(at, now) {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(at).toISOString().slice(0, 10);
}
