// The rows that every engine gets: the same every time, one cell in eight not ASCII.

export const COLUMNS = ["id", "name", "email", "score", "note", "parent"];

export const CREATE = `CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL,
  score REAL NOT NULL, note TEXT, parent INTEGER)`;

const FIRST = ["Ada", "Barbara", "Chandra", "Dana", "Edsger", "Frances", "Grace", "Hedy", "Ibn", "Joan"];
const LAST = ["Lovelace", "Liskov", "Hopper", "Allen", "Dijkstra", "Lamarr", "Clarke", "Sina", "Noether", "Turing"];
const NOTES = ["naïve, größer", "plain words of a note", "日本語のメモ", "another plain note, a little longer than the first"];

/** `count` people, from id `first` on. */
export function people(count, first = 1) {
  return Array.from({ length: count }, (_, i) => {
    const id = first + i;
    const name = `${FIRST[id % 10]} ${LAST[(id * 7) % 10]}`;
    return {
      id,
      name,
      email: `${FIRST[id % 10].toLowerCase()}.${id}@example.org`,
      score: ((id * 7919) % 10007) / 8,
      note: id % 5 === 0 ? null : NOTES[id % 4],
      parent: id % 3 === 0 ? null : (id * 31) % 1000,
    };
  });
}

/** A number that depends on every cell of every row. */
export function checksum(rows) {
  let sum = 0;
  for (const { id, name, email, score, note, parent } of rows) {
    sum = (sum + id * 3 + name.length * 5 + email.charCodeAt(email.length - 12) + score * 8 + (note?.length ?? 1) * 11 +
      (note?.charCodeAt(2) ?? 1) + (parent ?? -7)) % 4294967291;
  }
  return sum;
}
