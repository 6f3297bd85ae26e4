"""Cells of a GeoPackage that are not what their column says: SQLite keeps them, but they are read as 0 or 1970."""

from __future__ import annotations

import sqlite3

# What a GeoPackage calls columns of numbers.
_NUMBERS = frozenset(
    {"BOOLEAN", "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "FLOAT", "DOUBLE", "REAL", "BIGINT", "NUMERIC"}
)


def find_loose_cell(database: sqlite3.Connection, table: str) -> tuple[int, str, str] | None:
    """Find the first cell that is not what its column says.

    Parameters
    ----------
    database : sqlite3.Connection
        The file, open for reading.
    table : str
        The table.

    Returns
    -------
    row : int
        The row's number, from 1.
    column, kind : str
        The column, and what it says it holds. None in place of all three where every cell fits: no text and no bytes
        among numbers, nothing but days among days.
    """
    wrong = {}
    for _, column, declared, _, _, is_key in database.execute(f"PRAGMA table_info({quote_name(table)})").fetchall():
        kind, name = str(declared).upper().partition("(")[0], quote_name(column)
        if kind in _NUMBERS and not is_key:
            # SQLite puts texts and bytes behind all numbers; comparing is twice as fast as asking for types.
            wrong[column, kind] = f"{name} > 9e999"
        elif kind == "DATE":
            wrong[column, kind] = f"{name} IS NOT NULL AND date({name}) IS NULL"
    if not wrong:
        return None
    # One pass over all columns: nearly always there is nothing to find.
    either = " OR ".join(f"({test})" for test in wrong.values())
    found = database.execute(f"SELECT rowid FROM {quote_name(table)} WHERE {either} ORDER BY rowid LIMIT 1").fetchone()  # noqa: S608 - quoted
    if found is None:
        return None
    (row,) = database.execute(f"SELECT count(*) FROM {quote_name(table)} WHERE rowid <= ?", found).fetchone()  # noqa: S608 - quoted
    tests = ", ".join(f"coalesce({test}, 0)" for test in wrong.values())
    cells = database.execute(f"SELECT {tests} FROM {quote_name(table)} WHERE rowid = ?", found).fetchone()  # noqa: S608 - quoted
    column, kind = list(wrong)[cells.index(1)]
    return int(row), column, kind


def quote_name(name: str) -> str:
    """Quote the name of a table or a column for SQL.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The name in quotation marks.
    """
    return '"' + name.replace('"', '""') + '"'
