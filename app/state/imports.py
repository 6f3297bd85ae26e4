"""What an import in the app is made of: which file is what, how its columns are read, and what the check said."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from app.state.settings import config_folder
from gridgeo.errors import Fault, FileError, InputError
from gridgeo.plan import Plan
from gridgeo.readers import (
    ColumnMap,
    ImportReport,
    Preview,
    is_osm,
    mappable_columns,
    prepare_import,
    prepare_lists,
    preview_file,
    read_profile,
    write_profile,
)
from gridgeo.readers.columns import LISTS, personal_names
from gridgeo.texts import catalogue

LAYERS = ("boundary", "streets", "households", "stations", "barriers", "gates", "units", "buildings", *LISTS)
"""What a file can be, the needed ones first."""

ROLES = tuple(catalogue("layers")["role"])
"""What people of a list can be, where the list does not say it."""

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
    "needs": r"需求|心愿|诉求|need|wish",
    "visits": r"走访|入户|visit",
    "enterprises": r"企业|商户|商铺|单位名|enterprise|shop",
    "people": r"志愿|人才|人员|成员|队员|网格员|名册|花名册|volunteer|talent|member|people|staff",
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
    role : str
        What the people of a list are, where the list does not say it.
    """

    path: Path
    layer: str
    sheet: str | None = None
    crs: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    role: str = ""

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
        write_profile({**kept, **{layer: _without_persons(layer, each) for layer, each in mappings.items()}}, draft)
        draft.replace(path)
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror or error) from error


def _without_persons(layer: str, mapping: ColumnMap) -> ColumnMap:
    """Leave out what tells who somebody is: that is asked for anew each time."""
    hidden = personal_names(layer, mapping.columns.values())
    return ColumnMap({column: name for column, name in mapping.columns.items() if name not in hidden}, (), ())


def check_import(choices: Iterable[Choice], *, name: str | None, skip_faulty: bool = False) -> ImportReport:
    """Read and check all files of a new plan together.

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
    files = _by_layer(choices)
    missing = [layer for layer in NEEDED if layer not in files]
    if missing:
        raise InputError("import_missing", layer=missing[0])
    return prepare_import(**_sources(files), **_reading(files), name=name or None, skip_faulty=skip_faulty)


def check_lists(
    choices: Iterable[Choice], plan: Plan, *, skip_faulty: bool = False, fresh: bool = False
) -> ImportReport:
    """Read and check lists that are to go into a plan.

    Parameters
    ----------
    choices : iterable of Choice
        The files, each one of `gridgeo.readers.columns.LISTS`.
    plan : Plan
        The plan.
    skip_faulty : bool
        Whether faulty rows are set aside.
    fresh : bool
        Whether they take the place of the plan's lists.

    Returns
    -------
    ImportReport
        The plan with them, or every fault.

    Raises
    ------
    InputError
        If two files are the same list.
    """
    files = _by_layer(choices)
    return prepare_lists(plan, **_sources(files), **_reading(files), skip_faulty=skip_faulty, fresh=fresh)


def _by_layer(choices: Iterable[Choice]) -> dict[str, list[Choice]]:
    """Sort files by what they are; only of people there may be several, of one role each."""
    files: dict[str, list[Choice]] = {}
    for choice in choices:
        others = files.setdefault(choice.layer, [])
        twin = next((each for each in others if choice.layer != "people" or each.role == choice.role), None)
        if twin is not None:
            raise InputError("import_twice", layer=choice.layer, one=twin.path.name, other=choice.path.name)
        others.append(choice)
    return files


def _sources(files: Mapping[str, list[Choice]]) -> dict[str, Any]:
    return {
        layer: {each.role: each.source for each in group} if layer == "people" and group[0].role else group[0].source
        for layer, group in files.items()
    }


def _reading(files: Mapping[str, list[Choice]]) -> dict[str, Any]:
    """Return how files are read: what was said of their systems and columns."""
    systems = {layer: each.crs for layer, group in files.items() for each in group if each.crs}
    columns = {layer: dict(each.columns) for layer, group in files.items() for each in group if each.columns}
    return {"crs": systems, "profile": columns}


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
    return pd.DataFrame([{**fault.as_dict(), "column": fault.column_said} for fault in faults], columns=columns)


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
