"""Tables as offices keep them: title rows, headers of two merged rows, totals at the end, into plain columns."""

from __future__ import annotations

import csv
import datetime as dt
import io
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gridgeo.errors import FileError
from gridgeo.readers.handing import Cells, Rows
from gridgeo.readers.names import count_known
from gridgeo.readers.sniff import decode, refusal

Cell = object
Lines = list[list[Cell]]
Merge = tuple[tuple[int, int], tuple[int, int]]

_TOTALS = frozenset({"合计", "总计", "小计", "共计", "总数", "累计", "total", "subtotal", "sum", "grandtotal"})
_HEADER_ROWS = 20
_SAFE_INTEGER = 2**53


def read_csv(path: Path) -> Rows:
    """Read a table of text in any Chinese encoding.

    Parameters
    ----------
    path : Path
        The file; separated by comma, semicolon, tab or bar.

    Returns
    -------
    Rows
        Every cell as text.

    Raises
    ------
    FileError
        If it is neither UTF-8 nor GB 18030, or has no row of column names.
    """
    content = decode(path.read_bytes())
    if content is None:
        raise refusal(path, "not_text")
    sample = [line for line in content[:20_000].splitlines() if line.strip()][:20]
    separator = max(",;\t|", key=lambda mark: sum(line.count(mark) for line in sample))
    rows: Lines = []
    csv.field_size_limit(len(content) + 1)
    try:
        # Strict: a mark that is never closed would swallow all rows behind it into one cell.
        rows.extend(list(row) for row in csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise refusal(path, "open_quote", row=len(rows) + 1) from error
    return make_layer(path, "csv", rows, [])


def read_workbook(path: Path, *, kind: str, sheet: str | None = None) -> Rows:
    """Read a sheet of an Excel workbook.

    Parameters
    ----------
    path : Path
        An ``.xlsx`` or ``.xls`` file.
    kind : str
        Which of the two.
    sheet : str, optional
        Which sheet; by default the first visible one that holds a table.

    Returns
    -------
    Rows
        Numbers, dates and texts as they are.

    Raises
    ------
    FileError
        If it is damaged, has no such sheet, or no table.
    """
    import python_calamine as calamine  # noqa: PLC0415 - only the child that reads workbooks pays for it

    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
    except calamine.CalamineError as error:
        raise refusal(path, "library_says", detail=str(error).splitlines()[0][:120]) from error
    visible = [each.name for each in book.sheets_metadata if each.visible == calamine.SheetVisibleEnum.Visible]
    if sheet is not None and sheet not in book.sheet_names:
        raise FileError("no_such_sheet", file=path.name, sheet=sheet, allowed=", ".join(visible))
    for name in [sheet] if sheet is not None else visible:
        try:
            found = book.get_sheet_by_name(name)
            rows: Lines = [list(row) for row in found.to_python(skip_empty_area=False)]
            merges = list(found.merged_cell_ranges or [])
        except calamine.CalamineError as error:
            raise refusal(path, "library_says", detail=str(error).splitlines()[0][:120]) from error
        if sum(any(_text(cell) for cell in row) for row in rows) > 1:
            return replace(make_layer(path, kind, rows, merges), choices=tuple(visible))
    raise refusal(path, "no_layer")


def make_layer(path: Path, kind: str, rows: Lines, merges: list[Merge]) -> Rows:
    """Make columns of rows of cells.

    Parameters
    ----------
    path : Path
        The file they come from.
    kind : str
        What it is.
    rows : list of list
        The cells, row by row, as they stand in the file.
    merges : list of ((row, column), (row, column))
        Cells that are one, by their first and last, counted from 0.

    Returns
    -------
    Rows
        The rows below the header, without blank rows and totals, and their rows in the file counted from 1. Titles
        above the header, totals, and cells under no column's name are listed as dropped.

    Raises
    ------
    FileError
        If no row of column names is found.
    """
    width = max((len(row) for row in rows), default=0)
    grid = [row + [None] * (width - len(row)) for row in rows]
    for (top, left), (bottom, right) in merges:
        for line in grid[top : bottom + 1]:
            line[left : right + 1] = [grid[top][left]] * len(line[left : right + 1])
    start = _find_header(grid)
    if start is None:
        raise refusal(path, "no_table")
    depth = _header_depth(grid, start, merges)
    names = _column_names(grid[start : start + depth])
    kept: Lines = []
    numbers: list[int] = []
    dropped: list[dict[str, object]] = [
        {"row": at, "why": "above_header", "value": next(_text(cell) for cell in row if _text(cell))[:60]}
        for at, row in enumerate(grid[:start], 1)
        if any(_text(cell) for cell in row)
    ]
    for at, row in enumerate(grid[start + depth :], start + depth + 1):
        first = next((_text(cell) for cell in row if _text(cell)), "")
        if not first:
            continue
        if re.sub(r"[\s:：]", "", unicodedata.normalize("NFKC", first)).lower() in _TOTALS:
            dropped.append({"row": at, "why": "total_row", "value": first})
            continue
        beyond = [_text(cell) for cell, name in zip(row, names, strict=True) if _text(cell) and not name]
        if beyond:
            dropped.append({"row": at, "why": "beyond_columns", "value": ", ".join(beyond)[:60]})
        kept.append(row)
        numbers.append(at)
    dropped += _copied_numbers(grid, merges, start + depth, names)
    used = [at for at, name in enumerate(names) if name]
    columns: list[Cells] = [[_plain(row[at]) for row in kept] for at in used]
    return Rows(kind, [names[at] for at in used], columns, numbers, dropped=tuple(dropped))


def _copied_numbers(grid: Lines, merges: list[Merge], start: int, names: list[str]) -> Iterator[dict[str, object]]:
    """Tell of each number that a cell merged over several rows lends to all of them."""
    for (top, left), (bottom, right) in merges:
        value = _text(grid[top][left])
        if top >= start and bottom > top and value and _is_number(value):
            for row in range(top + 1, min(bottom + 1, len(grid))):
                for column in filter(None, names[left : right + 1]):
                    yield {"row": row + 1, "why": "merged_number", "value": value, "column": column}


def _find_header(grid: Lines) -> int | None:
    """Return the row of column names: the one with the most names known to gridgeo, else the first with two texts."""
    rows = range(min(_HEADER_ROWS, len(grid)))
    known = {at: count_known([_text(cell) for cell in grid[at]]) for at in rows}
    best = max(rows, key=lambda at: (known[at], -at), default=None)
    if best is not None and known[best] > 0:
        # A merged header's upper row holds names too: begin there when the row above belongs to it.
        return best
    for at in rows:
        texts = [_text(cell) for cell in grid[at] if _text(cell)]
        if len(set(texts)) > 1 and not any(_is_number(each) for each in texts):
            return at
    return None


def _header_depth(grid: Lines, start: int, merges: list[Merge]) -> int:
    """Return how many rows the header takes: two when a cell of it is merged downwards, or across over names below."""
    for (top, left), (bottom, right) in merges:
        if top == start and bottom > top:
            # A merge that reaches into the rows does not make a header of them: those hold numbers.
            rows = grid[top + 1 : bottom + 1]
            return 1 + next((at for at, row in enumerate(rows) if any(map(_is_number, map(_text, row)))), len(rows))
        below = grid[start + 1][left : right + 1] if start + 1 < len(grid) else []
        if top == start and right > left and all(_text(cell) and not _is_number(_text(cell)) for cell in below):
            return 2
    return 1


def _column_names(header: Lines) -> list[str]:
    """Join what stands above each other, and keep repeated names apart."""
    names: list[str] = []
    for column in zip(*header, strict=True):
        parts: list[str] = []
        for cell in column:
            said = re.sub(r"\s+", "", _text(cell))
            if said and said not in parts:
                parts.append(said)
        name = "_".join(parts)
        repeats = sum(1 for each in names if each == name or each.startswith(f"{name}#"))
        names.append(f"{name}#{repeats + 1}" if name and repeats else name)
    return names


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell).strip().strip("\ufeff\u200b")


def _is_number(value: str) -> bool:
    try:
        float(unicodedata.normalize("NFKC", value).replace(",", ""))
    except ValueError:
        return False
    return True


def _plain(cell: Cell) -> Cell:
    """Return a cell as a number or a text; a whole number that Excel kept as 12.0 as 12."""
    if isinstance(cell, bool) or cell is None:
        return cell
    if isinstance(cell, float):
        if not math.isfinite(cell):
            return None
        return int(cell) if cell.is_integer() and abs(cell) < _SAFE_INTEGER else cell
    if isinstance(cell, int):
        return cell
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return _text(cell) or None
