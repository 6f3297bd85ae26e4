"""A file's rows as they came, before anybody has said what they mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:  # the child that reads a plain table need not wait for these
    import geopandas as gpd
    from pyproj import CRS

ROW = "source_row"
"""The column that says in which row of the file a row stood, counted from 1 as a table program shows it."""


@dataclass(frozen=True)
class RawLayer:
    """One layer or table of a file, as it came.

    Parameters
    ----------
    file : str
        The file's name, without its folder.
    kind : str
        What it is; see `gridgeo.readers.sniff.Kind`.
    table : DataFrame
        Its columns, and `ROW`.
    geometry : GeoSeries, optional
        Its geometries; none for a plain table.
    crs : pyproj.CRS, optional
        The system it states.
    dropped : tuple of dict
        Rows left out before reading: ``row``, ``why`` (a key of ``texts/readers.toml``), ``value``.
    choices : tuple of str
        The file's layers or visible sheets, where it can hold several.
    """

    file: str
    kind: str
    table: pd.DataFrame
    geometry: gpd.GeoSeries | None = None
    crs: CRS | None = None
    dropped: tuple[dict[str, object], ...] = field(default=())
    choices: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Its columns, without `ROW`."""
        return [str(name) for name in self.table.columns if name != ROW]

    @property
    def empty_columns(self) -> set[str]:
        """Those of its columns that hold no value at all, as some programs write them for every file."""
        return {name for name in self.columns if len(self.table) and self.table[name].replace("", None).isna().all()}
