"""SQLAlchemy's side of a database that travels: `travel.py write FILE` makes one, `travel.py read FILE` checks one.

Both sides hold the same rows; a value that is read has to be equal to the one written, in type as well.
"""

import datetime
import decimal
import sys
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import JSONB

try:
    # Python's own SQLite may be older than binary JSON.
    import pysqlite3.dbapi2 as sqlite3
except ImportError:
    import sqlite3

metadata = sa.MetaData()
things = sa.Table(
    "things",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("small", sa.SmallInteger),
    sa.Column("big", sa.BigInteger),
    sa.Column("name", sa.String(50), nullable=False),
    sa.Column("body", sa.Text),
    sa.Column("flag", sa.Boolean),
    sa.Column("number", sa.Float),
    sa.Column("double", sa.Double),
    sa.Column("price", sa.Numeric(10, 2)),
    sa.Column("at", sa.DateTime),
    sa.Column("day", sa.Date),
    sa.Column("time", sa.Time),
    sa.Column("span", sa.Interval),
    sa.Column("bytes", sa.LargeBinary),
    sa.Column("json", sa.JSON),
    sa.Column("json_or_null", sa.JSON(none_as_null=True)),
    sa.Column("color", sa.Enum("red", "green")),
    sa.Column("uuid", sa.Uuid),
    sa.Column("jsonb", JSONB),
)
document = {"a": [1, None, True, 2.5], "größe \U0001f600": {'"\\\n': []}, "": "x"}
columns = [column.name for column in things.columns]
rows = [
    dict(
        id=1, small=-7, big=9223372036854775807, name="größe \U0001f600", body="it's \"quoted\"\n", flag=True, number=0.1,
        double=-2.0, price=decimal.Decimal("12.50"), at=datetime.datetime(2026, 11, 21, 10, 42, 4, 123000),
        day=datetime.date(2024, 2, 29), time=datetime.time(23, 59, 58, 500000),
        span=datetime.timedelta(days=1, milliseconds=1500), bytes=bytes([0, 255, 16]), json=document,
        json_or_null=[1, "x"], jsonb=document, color="green", uuid=uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ),
    dict(
        id=2, small=0, big=-9223372036854775808, name="", body="", flag=False, number=5.0, double=1e300,
        price=decimal.Decimal("3.00"), at=datetime.datetime(1, 1, 1), day=datetime.date(9999, 12, 31),
        time=datetime.time(0, 0), span=datetime.timedelta(0), bytes=b"", json=5, json_or_null="text", jsonb=[], color="red",
        uuid=uuid.UUID(int=0),
    ),
    dict.fromkeys(columns) | dict(id=3, name="nothing"),
]


def main(what: str, file: str) -> None:
    engine = sa.create_engine(f"sqlite:///{file}", module=sqlite3)
    if what == "write":
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(things.insert(), rows)
        return
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(things.select().order_by(things.c.id)).mappings()]
        for row, expected in zip(found, rows, strict=True):
            for name in columns:
                ours, theirs = row[name], expected[name]
                assert ours == theirs and type(ours) is type(theirs), f"{expected['id']}.{name}: {ours!r}, not {theirs!r}"
        # What is searched for is found as well, and the schema is the one that SQLAlchemy would make.
        for name in ["at", "day", "time", "span", "uuid", "color", "flag", "price", "json_or_null"]:
            condition = things.c[name] == rows[0][name]
            assert connection.scalar(sa.select(things.c.id).where(condition)) == 1, name
        inspector = sa.inspect(connection)
        types = {column["name"]: str(column["type"]) for column in inspector.get_columns("things")}
        expected = {column.name: str(column.type.compile(dialect=connection.dialect)) for column in things.columns}
        assert types == expected, (types, expected)
        print(f"SQLAlchemy {sa.__version__}: {len(found)} rows of {len(columns)} columns are equal")


main(*sys.argv[1:])
