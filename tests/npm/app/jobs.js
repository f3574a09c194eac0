// What program 7 runs inside the worker. It imports nothing: the worker fetches it as it is.

/** Moves all messages of a folder into another, one by one; gives how many there were. */
export function moveAll(conn, from, to) {
  const ids = conn.scalars("SELECT id FROM messages WHERE folder = :from ORDER BY id", { from }).all();
  for (const id of ids) conn.execute("UPDATE messages SET folder = :to WHERE id = :id", { id, to });
  return ids.length;
}
