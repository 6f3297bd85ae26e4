"""What a table leaves open, so that a person must say: no place, a place unlike the others, two values for one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridgeo.errors import Fault
from gridgeo.readers.clean import Repair
from gridgeo.readers.columns import ColumnMap
from gridgeo.readers.coordinates import odd_rows
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.schema import LAYERS

_LONG = 60
_SENTINEL = 999  # "not surveyed" in many tables, as are two zeros


def ask_repeated(name: str, raw: RawLayer, mapping: ColumnMap, chosen: Mapping[str, str]) -> Iterator[Fault]:
    """Name columns that the file has twice under one name, with different contents.

    Parameters
    ----------
    name : str
        The layer.
    raw : RawLayer
        The rows.
    mapping : ColumnMap
        Which column is used for what.
    chosen : mapping of str to str
        Columns that a person has set: these are not asked about.

    Yields
    ------
    Fault
        One for each column that would be used.
    """
    for column, source in mapping.columns.items():
        again = f"{source}#2"
        if column not in chosen and again in raw.table and not raw.table[source].equals(raw.table[again]):
            values = {"again": again, "known": f"{name}.{column}"}
            yield Fault(key="repeated_column", layer=name, file=raw.file, column=source, values=dict(values))


def ask_datum(repairs: Iterable[Repair]) -> Iterator[Fault]:
    """Ask about coordinates taken for true because too little lay beside them, where another file's were shifted.

    Parameters
    ----------
    repairs : iterable of Repair
        What was read as something else than it literally was, of all files of one import.

    Yields
    ------
    Fault
        One for each such file.
    """
    repairs = list(repairs)
    shifted = next((each for each in repairs if each.why == "datum"), None)
    if shifted is None:
        return
    for each in repairs:
        if each.why == "unverified":
            values = {"other": shifted.file, "found": shifted.before, "datum": str(shifted.before).lower()}
            yield Fault(key="datum_unlike_others", layer=each.layer, file=each.file, values=values)


def is_copied_count(name: str, mapping: ColumnMap, dropped: Mapping[str, object]) -> bool:
    """Tell whether a number that stands once for several rows, in a merged cell, would be counted once for each.

    Parameters
    ----------
    name : str
        The layer.
    mapping : ColumnMap
        Which column is used for what.
    dropped : mapping
        One of `RawLayer.dropped`.

    Returns
    -------
    bool
        True for a column of counts; a name or a coordinate may well stand for several rows.
    """
    counts = {mapping.columns.get(column.name) for column in LAYERS[name].columns if column.kind == "count"}
    return dropped["why"] == "merged_number" and dropped["column"] in counts


def find_placeless(
    name: str, raw: RawLayer, mapping: ColumnMap, east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], list[Fault]]:
    """Tell which rows have no coordinates, or coordinates unlike those of most rows.

    Parameters
    ----------
    name : str
        The layer.
    raw : RawLayer
        The rows.
    mapping : ColumnMap
        Which column is used for what; ``x`` and ``y`` among them.
    east, north : ndarray of float64, length n
        The coordinates as they came; NaN where there are none.

    Returns
    -------
    placeless : ndarray of bool, length n
        True where there is no place to be had.
    faults : list of Fault
        Those of them that need one, and those that are unlike the others.
    """
    sentinel = ((east == 0) & (north == 0)) | (np.abs(east) == _SENTINEL) | (np.abs(north) == _SENTINEL)
    missing = ~(np.isfinite(east) & np.isfinite(north)) | sentinel
    odd = odd_rows(np.where(missing, np.nan, east), np.where(missing, np.nan, north))
    needed = LAYERS[name].placed and bool(LAYERS[name].geometry)
    faults = []
    for key, which in (("no_place", missing & needed), ("odd_place", odd)):
        for at in np.flatnonzero(which):
            value = ", ".join(shown(raw.table[mapping.columns[column]].iloc[at]) for column in ("x", "y"))
            faults.append(Fault(key=key, layer=name, file=raw.file, row=int(raw.table[ROW].iloc[at]), value=value))
    return np.asarray(missing | odd), faults


def shown(value: object) -> str:
    """Return a cell as a sentence names it; of a very long one the beginning.

    Parameters
    ----------
    value : object
        The cell.

    Returns
    -------
    str
        At most some sixty characters.
    """
    said = "" if value is None or value is pd.NA else str(value)
    return said if len(said) <= _LONG else f"{said[:_LONG]}…"
