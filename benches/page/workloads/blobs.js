// Bytes there and back, in one value.
import { check, load, scaled, timed } from "../measure.js";

/** Bytes that no pattern of zeros makes easy. */
function bytes(count) {
  const made = new Uint8Array(count);
  const words = new Uint32Array(made.buffer);
  let state = 42;
  for (let i = 0; i < words.length; i++) words[i] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return made;
}

/** A number that depends on every word, and on where it stands. */
function sum(made) {
  const words = new Uint32Array(made.buffer.byteLength === made.byteLength ? made.buffer : made.slice().buffer);
  let hash = 2166136261;
  for (const word of words) hash = Math.imul(hash ^ word, 16777619) >>> 0;
  return hash;
}

/** 16 MiB in one cell: written and committed, then read back. The page keeps what it sent. */
export async function blob(engine, path, options) {
  const db = await (await load(engine)).open(path, options);
  const sent = bytes(scaled(16, options) * 2 ** 20);
  const expected = sum(sent);
  await db.exec("CREATE TABLE file (id INTEGER PRIMARY KEY, data BLOB NOT NULL)");
  await db.run("INSERT INTO file VALUES (?, ?)", [1, sent.slice(0, 2 ** 20)]);
  await db.first("SELECT data FROM file WHERE id = ?", 1);
  const times = { write: [], read: [] };
  for (const id of [2, 3, 4]) {
    times.write.push(await timed(() => db.run("INSERT INTO file VALUES (?, ?)", [id, sent])));
    let got;
    times.read.push(await timed(async () => {
      got = (await db.first("SELECT data FROM file WHERE id = ?", id)).data;
    }));
    check("length", got.byteLength, sent.byteLength);
    check("bytes", sum(got), expected);
  }
  check("bytes that were sent", sum(sent), expected);
  await db.close();
  const middle = (some) => some.sort((a, b) => a - b)[1];
  return { write: middle(times.write), read: middle(times.read) };
}
