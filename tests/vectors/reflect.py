"""Writes reflect.json: schemas, and what SQLAlchemy's Inspector says of them.

    python tests/vectors/reflect.py > tests/vectors/reflect.json
"""

import json
import warnings

import sqlalchemy as sa
from sqlalchemy import types as t

SCHEMAS = {
    "plain": ["CREATE TABLE users (id INTEGER NOT NULL, name VARCHAR(50) NOT NULL, age INTEGER, PRIMARY KEY (id))"],
    "lower": ["create table users (id integer primary key, name text not null default 'x', age int default 5)"],
    "no_types": ["CREATE TABLE t (a, b, c PRIMARY KEY)"],
    "types": [
        "CREATE TABLE t (a INTEGER, b INT, c SMALLINT, d BIGINT, e FLOAT, f DOUBLE, g REAL, h NUMERIC, i DECIMAL(10, 2), "
        "j VARCHAR, k VARCHAR(20), l CHAR(3), m NVARCHAR(7), n NCHAR(8), o TEXT, p BOOLEAN, q BOOL, r DATE, s DATETIME, "
        "u TIME, v TIMESTAMP, w BLOB, x JSON, y NUMERIC(5), z JSONB)"
    ],
    "affinities": [
        "CREATE TABLE t (a TINYINT, b UNSIGNED BIG INT, c INT8, d CHARACTER(20), e VARYING CHARACTER(255), f CLOB, "
        "g DOUBLE PRECISION, h MONEY, i STRING, j LONGBLOB, k FLOATING POINT, l NATIVE CHARACTER(70), m MEDIUMTEXT, "
        "n XYZ(1, 2), o \"my type\")"
    ],
    "defaults": [
        "CREATE TABLE t (a INTEGER DEFAULT 1, b TEXT DEFAULT 'it''s', c REAL DEFAULT -1.5, d TEXT DEFAULT NULL, "
        "e DATETIME DEFAULT CURRENT_TIMESTAMP, f INTEGER DEFAULT (1 + 2), g BLOB DEFAULT x'00ff', h TEXT DEFAULT (lower('A')), "
        "i BOOLEAN DEFAULT true, j INTEGER DEFAULT +3)"
    ],
    "default_quoted": ["CREATE TABLE t (a TEXT DEFAULT \"word\")"],
    "composite_pk": ["CREATE TABLE t (a INTEGER NOT NULL, b INTEGER NOT NULL, c INTEGER, PRIMARY KEY (b, a))"],
    "named_pk": ["CREATE TABLE t (a INTEGER NOT NULL, CONSTRAINT pk_t PRIMARY KEY (a))"],
    "named_inline_pk": ["CREATE TABLE t (a TEXT CONSTRAINT \"the key\" PRIMARY KEY, b INTEGER)"],
    "autoincrement": ["CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, x TEXT)"],
    "computed": [
        "CREATE TABLE t (a INTEGER, b INTEGER GENERATED ALWAYS AS (a + 1) STORED, "
        "c INTEGER GENERATED ALWAYS AS (a * 2) VIRTUAL, d TEXT)"
    ],
    "computed_brief": ["CREATE TABLE t (a INTEGER, b INTEGER AS (a + (1)))"],
    "foreign_keys": [
        "CREATE TABLE p (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, UNIQUE (a, b))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x INTEGER, y INTEGER, CONSTRAINT fk_x FOREIGN KEY(x) REFERENCES p (id) "
        "ON DELETE CASCADE ON UPDATE SET NULL, FOREIGN KEY(x, y) REFERENCES p (a, b) DEFERRABLE INITIALLY DEFERRED)",
    ],
    "foreign_key_inline": [
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id))",
    ],
    "foreign_key_inline_options": [
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (id INTEGER, p_id INTEGER CONSTRAINT fk_p REFERENCES p (id) ON DELETE CASCADE)",
    ],
    "foreign_key_implicit": [
        "CREATE TABLE p (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
        "CREATE TABLE t (x INTEGER, y INTEGER, FOREIGN KEY (x, y) REFERENCES p)",
    ],
    "foreign_key_dangling": ["CREATE TABLE t (x INTEGER, FOREIGN KEY (x) REFERENCES nowhere (id))"],
    "foreign_key_no_action": [
        "CREATE TABLE p (id INTEGER PRIMARY KEY)",
        "CREATE TABLE t (x INTEGER, FOREIGN KEY (x) REFERENCES p (id) ON DELETE NO ACTION ON UPDATE RESTRICT)",
    ],
    "foreign_key_quoted": [
        "CREATE TABLE \"the parent\" (\"the id\" INTEGER PRIMARY KEY)",
        "CREATE TABLE t (\"an x\" INTEGER, CONSTRAINT \"my fk\" FOREIGN KEY(\"an x\") REFERENCES \"the parent\" (\"the id\"))",
    ],
    "foreign_key_self": [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER, FOREIGN KEY(up) REFERENCES t (id) NOT DEFERRABLE)"
    ],
    "unique": ["CREATE TABLE t (a INTEGER, b INTEGER, c INTEGER, UNIQUE (a, b), CONSTRAINT uq_c UNIQUE (c))"],
    "unique_inline": ["CREATE TABLE t (a INTEGER UNIQUE, b VARCHAR(20) NOT NULL UNIQUE, c TEXT)"],
    "unique_inline_plain": ["CREATE TABLE t (a UNIQUE, b)"],
    "unique_quoted": ["CREATE TABLE t (\"a b\" INTEGER, \"c,d\" TEXT, CONSTRAINT \"my uq\" UNIQUE (\"a b\"))"],
    "unique_and_index": [
        "CREATE TABLE t (a INTEGER, b INTEGER, UNIQUE (a))",
        "CREATE UNIQUE INDEX ix_b ON t (b)",
    ],
    "check": ["CREATE TABLE t (a INTEGER, b INTEGER, CHECK (a > 0), CONSTRAINT ck_b CHECK (b IN (1, 2)))"],
    "check_inline": ["CREATE TABLE t (a INTEGER CHECK (a > 0), b INTEGER CONSTRAINT pos CHECK (b > 0))"],
    "check_strings": ["CREATE TABLE t (a TEXT, CONSTRAINT odd CHECK (a != ')' AND a != 'CHECK (1)'))"],
    "check_quoted": ["CREATE TABLE t (a TEXT, CONSTRAINT \"the check\" CHECK (length(a) > (1 + 2)))"],
    "indexes": [
        "CREATE TABLE t (a INTEGER, b TEXT, c TEXT)",
        "CREATE INDEX ix_a ON t (a)",
        "CREATE UNIQUE INDEX ix_bc ON t (b, c)",
        "CREATE INDEX ix_where ON t (a) WHERE a > 5",
        "CREATE INDEX an_index ON t (c)",
    ],
    "index_where": [
        "CREATE TABLE t (a TEXT, b INTEGER)",
        "CREATE INDEX ix1 ON t (a) WHERE a != 'where' AND b IS NOT NULL",
        "CREATE INDEX ix2 ON t (b)  where\tb in (1, 2)",
    ],
    "index_expression": [
        "CREATE TABLE t (a TEXT, b TEXT)",
        "CREATE INDEX ix_expr ON t (lower(a), b)",
        "CREATE INDEX ix_plain ON t (b)",
    ],
    "index_desc": ["CREATE TABLE t (a TEXT, b TEXT)", "CREATE INDEX ix ON t (a DESC, b COLLATE NOCASE)"],
    "index_case": ["CREATE TABLE T (Name TEXT)", "CREATE INDEX IX_Name ON t (NAME)"],
    "collations": [
        "CREATE TABLE t (a TEXT COLLATE nocase PRIMARY KEY, b VARCHAR(5) COLLATE \"RTRIM\" NOT NULL, c INTEGER, "
        "d collate binary, CONSTRAINT uq UNIQUE (b COLLATE nocase DESC, c ASC))",
        "CREATE TABLE u (id INTEGER PRIMARY KEY DESC, x INTEGER UNIQUE)",
        "CREATE TABLE v (a TEXT, b TEXT, PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID",
    ],
    "without_rowid": ["CREATE TABLE t (a TEXT PRIMARY KEY, b INTEGER) WITHOUT ROWID"],
    "strict": ["CREATE TABLE t (a INTEGER, b TEXT) STRICT"],
    "strict_without_rowid": ["CREATE TABLE t (a TEXT NOT NULL, PRIMARY KEY (a)) STRICT, WITHOUT ROWID"],
    "options_in_text": ["CREATE TABLE t (a TEXT DEFAULT 'WITHOUT ROWID', b TEXT DEFAULT ') STRICT')"],
    "views": [
        "CREATE TABLE t (a INTEGER, b TEXT)",
        "CREATE VIEW v AS SELECT a, b FROM t WHERE a > 1",
        "CREATE VIEW w (x) AS SELECT a + 1 FROM t",
    ],
    "temp": ["CREATE TABLE t (a INTEGER)", "CREATE TEMPORARY TABLE tmp (b TEXT)", "CREATE TEMP VIEW tv AS SELECT 1 AS one"],
    "comments": ["CREATE TABLE t ( -- the table\n a INTEGER, /* b, c */ b TEXT -- last\n, UNIQUE (b))"],
    "names": [
        "CREATE TABLE \"Select\" (\"from\" INTEGER, \"a\"\"b\" TEXT, [c d] TEXT, `e f` TEXT, größe REAL)",
    ],
    "as_select": ["CREATE TABLE s (a INTEGER, b TEXT)", "CREATE TABLE t AS SELECT a, b, a + 1 AS c FROM s"],
    "altered": [
        "CREATE TABLE t (a INTEGER, UNIQUE (a))",
        "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'x'",
        "ALTER TABLE t RENAME COLUMN a TO z",
    ],
    "cycle": [
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INTEGER, CONSTRAINT fk_ab FOREIGN KEY (b) REFERENCES b (id))",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, a INTEGER, CONSTRAINT fk_ba FOREIGN KEY (a) REFERENCES a (id))",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, d INTEGER, CONSTRAINT fk_cd FOREIGN KEY (d) REFERENCES d (id))",
        "CREATE TABLE d (id INTEGER PRIMARY KEY)",
    ],
    "no_commas": ["CREATE TABLE t (a INTEGER, b INTEGER, UNIQUE (a) CHECK (b > 0))"],
}

NAMES = [
    (t.JSON, "Json"), (t.BOOLEAN, "Boolean"), (t.SMALLINT, "SmallInteger"), (t.BIGINT, "BigInteger"), (t.INTEGER, "Integer"),
    (t.DOUBLE, "Double"), (t.REAL, "Real"), (t.FLOAT, "Float"), (t.NUMERIC, "Numeric"), (t.DECIMAL, "Numeric"),
    (t.VARCHAR, "String"), (t.CHAR, "String"), (t.NVARCHAR, "String"), (t.NCHAR, "String"), (t.TEXT, "Text"),
    (t.DATE, "Date"), (t.TIMESTAMP, "DateTime"), (t.DATETIME, "DateTime"), (t.TIME, "Time"), (t.BLOB, "LargeBinary"),
    (t.NullType, "Null"),
]


def type_of(ty):
    name = "Jsonb" if type(ty).__name__ == "JSONB" else next(name for cls, name in NAMES if isinstance(ty, cls))
    args = []
    if name == "String":
        args = [ty.length]
    if name == "Numeric":
        args = [ty.precision, ty.scale]
    return [name] + [arg for arg in args if arg is not None]


def table_of(insp, name):
    def column(c):
        out = {k: c[k] for k in ("name", "nullable", "default", "primary_key")}
        out["type"] = type_of(c["type"])
        out["computed"] = c.get("computed")
        return out

    def index(i):
        where = i["dialect_options"].get("sqlite_where")
        return {
            "name": i["name"], "column_names": i["column_names"], "unique": bool(i["unique"]),
            "where": None if where is None else str(where),
        }

    return {
        "columns": [column(c) for c in insp.get_columns(name)],
        "pk": insp.get_pk_constraint(name),
        "foreign_keys": [{k: v for k, v in key.items() if k != "referred_schema"} for key in insp.get_foreign_keys(name)],
        "indexes": [index(i) for i in insp.get_indexes(name)],
        "unique": insp.get_unique_constraints(name),
        "checks": insp.get_check_constraints(name),
        "options": insp.get_table_options(name),
    }


def schema_of(ddl):
    engine = sa.create_engine("sqlite://")
    with engine.connect() as conn:
        for statement in ddl:
            conn.exec_driver_sql(statement)
        insp = sa.inspect(conn)
        tables, views = insp.get_table_names(), insp.get_view_names()
        temp = insp.get_temp_table_names()
        return {
            "ddl": ddl,
            "table_names": tables,
            "view_names": views,
            "temp_table_names": temp,
            "temp_view_names": insp.get_temp_view_names(),
            "definitions": {name: insp.get_view_definition(name) for name in views},
            "sorted": [[name, sorted([list(key) for key in keys], key=lambda key: (key[0], key[1] is not None, key[1]))] for name, keys in insp.get_sorted_table_and_fkc_names()],
            "tables": {name: table_of(insp, name) for name in tables + views + temp},
        }


warnings.simplefilter("ignore")
lines = [f"{json.dumps(name)}: {json.dumps(schema_of(ddl), ensure_ascii=False, sort_keys=True)}" for name, ddl in SCHEMAS.items()]
print("{\n" + ",\n".join(lines) + "\n}")
