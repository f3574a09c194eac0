// The rows that every engine gets: the same every time, one text in seven not ASCII.

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

const real = new Float64Array(1);
const words = new Uint32Array(real.buffer);

/** A number that depends on every character and number of every row, on their kinds, and on their order. */
export function checksum(rows) {
  let hash = 2166136261;
  const add = (number) => {
    hash = Math.imul(hash ^ number, 16777619);
  };
  for (const row of rows) {
    for (const column of COLUMNS) {
      const cell = row[column];
      if (typeof cell === "string") {
        add(cell.length);
        for (let i = 0; i < cell.length; i++) add(cell.charCodeAt(i));
      } else if (typeof cell === "number") {
        real[0] = cell;
        add(words[0]);
        add(words[1]);
      } else add(cell === null ? 7919 : 104729);
    }
  }
  return hash >>> 0;
}
