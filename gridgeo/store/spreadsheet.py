"""Tables for other programs, in which nothing that came from data can run as a formula."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely

from gridgeo.errors import FileError

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_MOST_ROWS = 1_048_575


def as_table(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return a layer as a plain table: points with longitude and latitude, areas and lines with their size.

    Parameters
    ----------
    layer : GeoDataFrame
        The layer, in metres.

    Returns
    -------
    DataFrame
        Its columns and ``lon``, ``lat`` (CGCS2000 or WGS 84 degrees; empty for who is nowhere), or ``area_m2`` and
        ``length_m``; of a plain table its columns alone.
    """
    table = pd.DataFrame(layer.drop(columns=layer.geometry.name))
    dimension = shapely.get_dimensions(layer.geometry.to_numpy())
    if len(layer) and (dimension < 0).all():
        return table
    if len(layer) and (dimension <= 0).all():
        degrees = layer.geometry.to_crs(layer.crs.geodetic_crs)
        return table.assign(lon=degrees.x.round(9), lat=degrees.y.round(9))
    return table.assign(area_m2=layer.geometry.area.round(2), length_m=layer.geometry.length.round(2))


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write one table for people: as a workbook where the name ends in ``.xlsx``, else as CSV that Excel opens.

    Parameters
    ----------
    table : DataFrame
        The table, for example ``ImportReport.rejected()``.
    path : str or Path
        Where to.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".xlsx":
            write_workbook({path.stem: table}, path)
        else:
            write_csv(table, path, encoding="utf-8")
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror or error) from error


def write_csv(table: pd.DataFrame, path: Path, *, encoding: str) -> None:
    """Write a table as text; a text that a spreadsheet would run is kept from it by an apostrophe.

    Parameters
    ----------
    table : DataFrame
        The table.
    path : Path
        Where to.
    encoding : {'utf-8', 'gbk'}
        UTF-8 is written with a mark, GBK as GB 18030, so that Excel opens both.
    """
    codec = "gb18030" if encoding == "gbk" else "utf-8-sig"
    with path.open("w", encoding=codec, newline="") as file:
        writer = csv.writer(file)
        writer.writerow([_guarded(name) for name in table.columns])
        writer.writerows([[_guarded(cell) for cell in row] for row in table.itertuples(index=False, name=None)])


def write_workbook(tables: dict[str, pd.DataFrame], path: Path) -> None:
    """Write tables as sheets of a workbook; every text is a text cell, never a formula.

    Parameters
    ----------
    tables : dict
        Sheet name → table.
    path : Path
        Where to.

    Raises
    ------
    ValueError
        If a table has more rows than a sheet holds.
    """
    from openpyxl import Workbook  # noqa: PLC0415 - only an export pays for it
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415

    book = Workbook(write_only=True)
    for name, table in tables.items():
        if len(table) > _MOST_ROWS:
            raise ValueError(f"{name}: {len(table)} rows")
        sheet = book.create_sheet(name[:31])
        sheet.append(list(table.columns))
        for row in table.itertuples(index=False, name=None):
            cells = []
            for value in row:
                cell = WriteOnlyCell(sheet, value=None)
                plain = _plain(value)
                if isinstance(plain, str):
                    cell.value, cell.data_type = _printable(plain), "s"
                else:
                    cell.value = plain
                cells.append(cell)
            sheet.append(cells)
    # On a full disk openpyxl leaves half an archive, and grumbles on its own when that is thrown away.
    whole = io.BytesIO()
    book.save(whole)
    path.write_bytes(whole.getbuffer())


def _guarded(value: object) -> object:
    plain = _plain(value)
    if plain is None:
        return ""
    return f"'{plain}" if isinstance(plain, str) and plain.startswith(_STARTS) else plain


def _printable(value: str) -> str:
    """Leave out control characters, which a workbook cannot hold."""
    return "".join(letter for letter in value if letter >= " " or letter in "\t\n\r")


def _plain(value: object) -> object:
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    item = getattr(value, "item", None)
    return item() if callable(item) and not isinstance(value, (str, bytes)) else value
