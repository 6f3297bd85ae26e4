"""What an import in the app is made of: which file is what, how its columns are read, and what the check said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from app.state.settings import config_folder
from gridgeo.errors import Fault, FileError, InputError
from gridgeo.readers import (
    ColumnMap,
    ImportReport,
    Preview,
    is_osm,
    mappable_columns,
    prepare_import,
    preview_file,
    read_profile,
    write_profile,
)
from gridgeo.texts import layer_label

LAYERS = ("boundary", "streets", "households", "stations", "barriers", "gates", "units", "buildings")
"""What a file can be, the needed ones first."""

NEEDED = ("boundary", "streets")

ASK_CRS = ("wgs84", "gcj02", "bd09")

KINDS = [
    "xlsx", "xls", "csv", "txt", "zip", "shp", "shx", "dbf", "prj", "cpg", "gpkg", "geojson", "json", "kml", "kmz",
    "fgb", "parquet", "osm", "pbf",
]  # fmt: skip
"""Endings of the files that are offered."""

# How files are usually called; looked at in this order, and before what is in them.
_CALLED = {
    "boundary": r"边界|范围|辖区|界线|boundary|district|outline",
    "households": r"住户|居民|户数|人口|household|resident|population",
    "stations": r"站点|服务站|驿站|服务点|设施|station|facilit",
    "gates": r"大门|出入口|小区门|gate|entrance",
    "barriers": r"围墙|屏障|河流|铁路|barrier|wall|river|rail",
    "streets": r"道路|路网|街路|street|road|highway",
    "units": r"社区|居委|单元|communit|unit",
    "buildings": r"建筑|房屋|楼栋|building|footprint",
}


@dataclass(frozen=True)
class Choice:
    """One file as the reader wants it taken.

    Parameters
    ----------
    path : Path
        The file.
    layer : str
        One of `LAYERS`.
    sheet : str, optional
        Which of its sheets or layers.
    crs : str, optional
        The system of its coordinates; found out when left out.
    columns : tuple of (str, str)
        Column of the layer and column of the file, where the reader chose; an empty one leaves the column out.
    """

    path: Path
    layer: str
    sheet: str | None = None
    crs: str | None = None
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> str:
        """The file and its sheet, as the readers take them."""
        return str(self.path) if self.sheet is None else f"{self.path}|{self.sheet}"


def guess_kind(path: Path) -> str | None:
    """Guess by a file's name what it is.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str or None
        One of `LAYERS`; None when the name says nothing.
    """
    if is_osm(path):
        return "streets"
    return next((layer for layer, called in _CALLED.items() if re.search(called, path.stem, re.IGNORECASE)), None)


def look_at(path: Path, *, layer: str | None, sheet: str | None = None) -> Preview:
    """Look at a file, its columns read as last time where it has the same ones.

    Parameters
    ----------
    path : Path
        The file.
    layer : str, optional
        What it is; guessed from its content when left out.
    sheet : str, optional
        Which of its sheets or layers.

    Returns
    -------
    Preview
        What it holds.

    Raises
    ------
    GridgeoError
        If it cannot be read.
    """
    seen = preview_file(path, layer=layer, sheet=sheet)
    usual = usual_columns(seen.layer, seen.columns)
    return preview_file(path, layer=seen.layer, sheet=sheet, chosen=usual) if usual else seen


def usual_columns(layer: str, columns: Iterable[str]) -> dict[str, str]:
    """Return which columns were chosen for such a file last time.

    Parameters
    ----------
    layer : str
        What it is.
    columns : iterable of str
        Its columns.

    Returns
    -------
    dict
        Column of the layer → column of the file; empty when some are not there, or nothing was kept.
    """
    try:
        kept = read_profile(_profile()).get(layer, {})
    except FileError:
        return {}
    return dict(kept) if set(kept.values()) <= {"", *columns} else {}


def keep_columns(mappings: Mapping[str, ColumnMap]) -> None:
    """Keep how columns were read for the next file of the same make.

    Parameters
    ----------
    mappings : mapping of str to ColumnMap
        By layer; others that were kept before stay.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    try:
        kept = {layer: ColumnMap(columns, (), ()) for layer, columns in read_profile(_profile()).items()}
    except FileError:
        kept = {}
    path = _profile()
    draft = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_profile({**kept, **mappings}, draft)
        draft.replace(path)
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror or error) from error


def check_import(choices: Iterable[Choice], *, name: str | None, skip_faulty: bool = False) -> ImportReport:
    """Read and check all files together.

    Parameters
    ----------
    choices : iterable of Choice
        The files.
    name : str, optional
        What the place is called.
    skip_faulty : bool
        Whether faulty rows are set aside.

    Returns
    -------
    ImportReport
        The plan, or every fault.

    Raises
    ------
    InputError
        If two files are the same layer, or a needed one is missing.
    """
    files: dict[str, Choice] = {}
    for choice in choices:
        if choice.layer in files:
            raise InputError(
                "import_twice", layer=choice.layer, one=files[choice.layer].path.name, other=choice.path.name
            )
        files[choice.layer] = choice
    missing = [layer for layer in NEEDED if layer not in files]
    if missing:
        raise InputError("import_missing", layer=layer_label(missing[0]))
    return prepare_import(
        **{layer: choice.source for layer, choice in files.items()},
        crs={layer: choice.crs for layer, choice in files.items() if choice.crs},
        profile={layer: dict(choice.columns) for layer, choice in files.items() if choice.columns},
        name=name or None,
        skip_faulty=skip_faulty,
    )


def columns_for(layer: str) -> tuple[str, ...]:
    """Return what a column of a file may be used for.

    Parameters
    ----------
    layer : str
        One of `LAYERS`.

    Returns
    -------
    tuple of str
        Columns of the layer and of coordinates; none for a boundary, of which only the shape counts.
    """
    return () if layer == "boundary" else mappable_columns(layer)


def fault_table(faults: Iterable[Fault]) -> pd.DataFrame:
    """Put faults into a table: where each is, what is wrong, what to do.

    Parameters
    ----------
    faults : iterable of Fault
        The faults.

    Returns
    -------
    DataFrame
        ``file``, ``layer``, ``row``, ``column``, ``value``, ``message``, ``remedy``.
    """
    columns = ["file", "layer", "row", "column", "value", "message", "remedy"]
    return pd.DataFrame([fault.as_dict() for fault in faults], columns=columns)


def shown_texts(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table as a page shows it: cells of a column may be texts, numbers or nothing, in any mixture.

    Parameters
    ----------
    table : DataFrame
        The table.

    Returns
    -------
    DataFrame
        Every cell as a text, whole numbers without a point, an empty one where there is nothing.
    """
    return pd.DataFrame({name: [_shown(cell) for cell in table[name]] for name in table.columns}, dtype="str")


def can_set_aside(faults: list[Fault]) -> bool:
    """Tell whether the rest could be imported without the faulty rows.

    Parameters
    ----------
    faults : list of Fault
        What stops an import.

    Returns
    -------
    bool
        True when every fault is one of a row.
    """
    return bool(faults) and all(fault.row is not None for fault in faults)


def _shown(cell: object) -> str:
    if cell is None or cell is pd.NA or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return f"{cell:.0f}" if isinstance(cell, float) and cell.is_integer() else str(cell)


def _profile() -> Path:
    return config_folder() / "columns.toml"
