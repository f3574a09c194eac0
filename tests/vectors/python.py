"""Makes python.db, a database as Python's sqlite3 writes it: `python3 tests/vectors/python.py tests/vectors/python.db`.

With `--check FILE`, prints what Python reads in another file, for the tests to compare.
"""

import json
import sqlite3
import sys

SCHEMA = """
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, born DATETIME, score REAL, photo BLOB);
CREATE TABLE pair (a INTEGER, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE log (what TEXT);
CREATE INDEX person_score ON person (score DESC) WHERE score IS NOT NULL;
CREATE VIEW named AS SELECT id, upper(name) AS name FROM person;
CREATE TRIGGER person_logged AFTER INSERT ON person BEGIN INSERT INTO log VALUES (new.name); END;
"""

PEOPLE = [
    (1, "Dan", "2024-02-29 23:59:59.000001", 1.5, b"\x00\xff"),
    (2, "größer 日本語 🧪", None, -0.1, b""),
    (9223372036854775807, "a\x00b", "0001-01-01 00:00:00.000000", 1e300, None),
    (-9223372036854775808, "", None, None, bytes(range(256))),
]


def make(path):
    db = sqlite3.connect(path)
    db.execute("PRAGMA page_size = 1024")
    db.executescript(SCHEMA)
    db.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?)", PEOPLE)
    db.executemany("INSERT INTO pair VALUES (?, ?)", [(n % 3, f"pair {n}") for n in range(60)])
    db.commit()
    db.close()


def cell(value):
    return {"blob": value.hex()} if isinstance(value, bytes) else value


def check(path):
    db = sqlite3.connect(path)
    (integrity,) = db.execute("PRAGMA integrity_check").fetchone()
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = {name: [[cell(value) for value in row] for row in db.execute(f'SELECT * FROM "{name}"')] for name in tables}
    print(json.dumps({"integrity": integrity, "mode": mode, "rows": rows}))


if sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    make(sys.argv[1])
