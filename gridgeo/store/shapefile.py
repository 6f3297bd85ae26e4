"""Shapefiles that come back: names cut to ten bytes on a character, a table of the names, everything read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gridgeo.errors import FileError
from gridgeo.texts import text

NAME_BYTES, CELL_BYTES = 10, 254
"""What a Shapefile's table holds of a column's name and of a text."""

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Loss:
    """A text that a format could not hold in full.

    Parameters
    ----------
    layer, column : str
        Where.
    row : int
        Row of the layer, counted from 1.
    before, after : str
        The text, and what was written of it.
    """

    layer: str
    column: str
    row: int
    before: str
    after: str


def write_shapefile(
    layer: gpd.GeoDataFrame, path: Path, *, name: str, encoding: str
) -> tuple[dict[str, str], list[Loss]]:
    """Write one layer of one geometry type as a Shapefile, read it back and compare.

    Parameters
    ----------
    layer : GeoDataFrame
        The layer.
    path : Path
        Where to, ending in ``.shp``.
    name : str
        What the layer is called in losses.
    encoding : {'utf-8', 'gbk'}
        Of names and texts; a ``.cpg`` beside it says so.

    Returns
    -------
    names : dict
        Column → field.
    losses : list of Loss
        Texts that were cut or had characters the encoding lacks.

    Raises
    ------
    FileError
        If what is read back differs from what was meant: a size limit cut it.
    """
    names = cut_names([column for column in layer.columns if column != layer.geometry.name], encoding)
    losses: list[Loss] = []
    columns: dict[str, object] = {}
    for column, field in names.items():
        values = layer[column]
        if pd.api.types.is_bool_dtype(values):
            columns[field] = values.astype("int32").to_numpy()
        elif pd.api.types.is_numeric_dtype(values):
            columns[field] = values.to_numpy()
        else:
            columns[field] = _fitting(name, column, values, encoding, losses)
    frame = gpd.GeoDataFrame(columns, geometry=layer.geometry.to_numpy(), crs=layer.crs)
    pyogrio.write_dataframe(frame, path, driver="ESRI Shapefile", encoding=encoding.upper())
    _compare(frame, path, encoding)
    return names, losses


def cut_names(names: list[str], encoding: str) -> dict[str, str]:
    """Cut names to what a Shapefile holds, each different from the others.

    Parameters
    ----------
    names : list of str
        Column names.
    encoding : str
        The encoding whose bytes count.

    Returns
    -------
    dict
        Name → field of at most ten bytes, cut between characters.
    """
    fields: dict[str, str] = {}
    used: set[str] = set()
    for name in names:
        field, number = cut_text(name, NAME_BYTES, encoding), 0
        while field.lower() in used:
            number += 1
            field = cut_text(name, NAME_BYTES - len(str(number)) - 1, encoding) + f"_{number}"
        used.add(field.lower())
        fields[name] = field
    return fields


def cut_text(value: str, most: int, encoding: str) -> str:
    """Cut a text to a number of bytes, between two characters.

    Parameters
    ----------
    value : str
        The text.
    most : int
        The bytes it may take.
    encoding : str
        In which encoding; a character it lacks becomes a question mark.

    Returns
    -------
    str
        The text, or its beginning.
    """
    return value.encode(encoding, "replace")[:most].decode(encoding, "ignore")


def _fitting(name: str, column: str, values: pd.Series, encoding: str, losses: list[Loss]) -> list[str | None]:
    fitting: list[str | None] = []
    for row, value in enumerate(values, 1):
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            fitting.append(None)
            continue
        plain = str(value)
        cut = cut_text(plain, CELL_BYTES, encoding)
        if cut != plain:
            losses.append(Loss(name, column, row, plain, cut))
        fitting.append(cut)
    return fitting


def _compare(frame: gpd.GeoDataFrame, path: Path, encoding: str) -> None:
    try:
        back = pyogrio.read_dataframe(path, encoding=encoding.upper())
        same = len(back) == len(frame) and list(back.columns) == list(frame.columns)
        same = same and all(_same_column(frame[name], back[name]) for name in frame.columns.drop("geometry"))
        one, two = back.geometry.to_numpy(), frame.geometry.to_numpy()
        nowhere = shapely.is_missing(one) & shapely.is_missing(two)
        same = same and bool((shapely.equals(one, two) | nowhere).all())
    except (RuntimeError, ValueError) as error:
        raise FileError("unwritable_file", file=path.name, detail=text("store.not_read_back")) from error
    if not same:
        raise FileError("unwritable_file", file=path.name, detail=text("store.not_read_back"))


def _same_column(one: pd.Series, two: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(one):
        back = pd.to_numeric(two, errors="coerce").to_numpy(dtype="float64")
        meant = one.to_numpy(dtype="float64")
        return bool(np.allclose(meant, back, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))
    # A Shapefile keeps no difference between an empty text and none, and drops blanks at the end.
    plain = [["" if pd.isna(value) else str(value).rstrip() for value in values] for values in (one, two)]
    return plain[0] == plain[1]
