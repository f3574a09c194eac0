// The tables of the music store: what is created, and in which order rows go in.

/** The version that stands in `PRAGMA user_version` when the store is complete. */
export const STORE_VERSION = 1;

/** The tables, parents first: name, DDL and the columns that the generator fills. */
export const TABLES = [
  table("artists", `
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  genre TEXT NOT NULL,
  country TEXT NOT NULL,
  formed INTEGER NOT NULL,
  disbanded INTEGER`),
  table("albums", `
  id INTEGER PRIMARY KEY,
  artist_id INTEGER NOT NULL REFERENCES artists (id),
  title TEXT NOT NULL,
  released TEXT NOT NULL,
  label TEXT,
  cover BLOB`),
  table("tracks", `
  id INTEGER PRIMARY KEY,
  album_id INTEGER NOT NULL REFERENCES albums (id),
  position INTEGER NOT NULL,
  title TEXT NOT NULL,
  composer TEXT,
  duration_ms INTEGER NOT NULL CHECK (duration_ms > 0),
  unit_price REAL NOT NULL`),
  table("customers", `
  id INTEGER PRIMARY KEY,
  first_name TEXT NOT NULL,
  last_name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  city TEXT NOT NULL,
  country TEXT NOT NULL,
  phone TEXT,
  joined TEXT NOT NULL`),
  table("invoices", `
  id INTEGER PRIMARY KEY,
  customer_id INTEGER NOT NULL REFERENCES customers (id),
  invoiced_at TEXT NOT NULL,
  total REAL NOT NULL`),
  table("invoice_lines", `
  id INTEGER PRIMARY KEY,
  invoice_id INTEGER NOT NULL REFERENCES invoices (id),
  track_id INTEGER NOT NULL REFERENCES tracks (id),
  unit_price REAL NOT NULL,
  quantity INTEGER NOT NULL DEFAULT 1`),
];

/** Made after the rows, which is quicker than growing them row by row. */
export const INDEXES = [
  "CREATE INDEX albums_by_artist ON albums (artist_id)",
  "CREATE INDEX tracks_by_album ON tracks (album_id, position)",
  "CREATE INDEX customers_by_country ON customers (country, city)",
  "CREATE INDEX invoices_by_customer ON invoices (customer_id)",
  "CREATE INDEX invoices_by_time ON invoices (invoiced_at)",
  "CREATE INDEX invoice_lines_by_invoice ON invoice_lines (invoice_id)",
  "CREATE INDEX invoice_lines_by_track ON invoice_lines (track_id)",
];

/** The statement that inserts one row of a table, with its values by position. */
export function insertInto({ name, columns }) {
  return `INSERT INTO ${name} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
}

function table(name, body) {
  const columns = body.trim().split("\n").map((line) => line.trim().split(" ")[0]);
  return { name, columns, ddl: `CREATE TABLE ${name} (${body}\n)` };
}
