"""What may be shown to everyone: sums by area, with small counts hidden so that no total gives them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.linalg import null_space

from gridgeo.plan import Plan

THRESHOLD = 5
"""Counts from one up to below this are hidden."""

COUNTS = ("households", "persons", "elderly", "children", "disabled", "low_income")
"""What is summed."""

Cell: TypeAlias = tuple[str, str]
"""A count: the area, and which of its counts."""

_FREE = 1e-9
_REST = "neither elderly nor child"


def summarize_public(plan: Plan, *, threshold: int = THRESHOLD) -> dict[str, gpd.GeoDataFrame]:
    """Sum households by unit and grid, and hide small counts.

    Parameters
    ----------
    plan : Plan
        The plan.
    threshold : int
        Counts from 1 up to below this are hidden, and as many others as it takes that none of them can be worked out:
        neither from an area and its parts, nor from the persons of an area and its groups. The persons that are neither
        elderly nor children are no column, but where they are few they are protected like one.

    Returns
    -------
    dict
        ``units`` and ``grids``: their id, parent, name, area and `COUNTS`, a hidden count missing. Where the persons
        of a household point are not known, the persons of its areas are missing as a whole.
    """
    people, levels = plan.households, [level.level for level in plan.info.levels[:-1]]
    tables = [_sums(people, f"{level}_id", plan.units.loc[plan.units["level"] == level, "unit_id"]) for level in levels]
    tables.append(_sums(people, "grid_id", plan.grids["grid_id"]))
    sums = pd.concat(tables)
    # What adds up to what: each area's parts, of whatever level they are.
    parent = pd.concat(
        [plan.units.set_index("unit_id")["parent_id"], plan.grids.set_index("grid_id")["community_id"]]
    ).reindex(sums.index)
    groups = {str(whole): list(parts) for whole, parts in parent.groupby(parent).groups.items() if whole in sums.index}
    values, totals = _cells(sums, groups)
    unseen = {cell for cell in values if cell[1] == _REST}
    hidden = hide_small(values, totals, threshold=threshold, unseen=unseen)
    for column in COUNTS:
        sums[column] = sums[column].where(np.array([(area, column) not in hidden for area in sums.index], dtype=bool))
    return {
        "units": _joined(plan.units, "unit_id", sums, ["name", "level", "parent_id", "code"]),
        "grids": _joined(plan.grids, "grid_id", sums, ["code", "name", "community_id", "grid_kind"]),
    }


def hide_small(
    values: Mapping[Cell, float],
    totals: Sequence[tuple[Cell, Sequence[Cell]]],
    *,
    threshold: int = THRESHOLD,
    unseen: AbstractSet[Cell] = frozenset(),
) -> set[Cell]:
    """Choose the counts to hide.

    Parameters
    ----------
    values : mapping of cell to float
        Cell → count; cells whose count is not known are left out.
    totals : sequence of (cell, sequence of cell)
        What adds up to what, in any direction: a cell, and the cells that add up to it.
    threshold : int
        Counts from 1 up to below this are hidden.
    unseen : set of cell
        Cells that are never shown; where they are small they are protected, where not they only help to hide others.

    Returns
    -------
    set of cell
        The cells to hide: the small ones, and so many others that no total lets a single one, or a handful of people,
        be worked out, nor all totals together a single one. Zeros are shown.
    """
    small = sorted(cell for cell, value in values.items() if 0 < value < threshold)
    hidden, harmless = {*small, *unseen}, unseen - set(small)
    while True:
        _hide_beside(values, totals, hidden, harmless, threshold)
        determined = _known_cells(values, totals, hidden)
        known = next((cell for cell in small if cell in determined), None)
        if known is None:
            return hidden
        around = {other for whole, parts in totals if known in {whole, *parts} for other in (whole, *parts)}
        shown = sorted((values[cell], cell) for cell in around - hidden if values.get(cell, 0) > 0)
        if not shown:  # nothing is left that could be hidden for its sake
            small.remove(known)
            continue
        hidden.add(shown[0][1])


def _hide_beside(
    values: Mapping[Cell, float],
    totals: Sequence[tuple[Cell, Sequence[Cell]]],
    hidden: set[Cell],
    harmless: AbstractSet[Cell],
    threshold: int,
) -> None:
    """Hide, total by total, the smallest shown part wherever a total gives hidden ones away."""
    changed = True
    while changed:
        changed = False
        for whole, parts in totals:
            members = [part for part in parts if values.get(part, 0) > 0]
            gone = [part for part in members if part in hidden]
            if hidden & {whole, *parts} <= harmless:
                continue
            if whole in hidden:
                # The whole is the sum of its parts: with all of them shown it is not hidden at all.
                safe = len(gone) > 0 or not members
            else:
                safe = not gone or (len(gone) > 1 and sum(values[part] for part in gone) >= threshold)
            if safe:
                continue
            shown = sorted((values[part], part) for part in members if part not in hidden)
            hidden.add(shown[0][1] if shown else whole)
            changed = True


def _known_cells(
    values: Mapping[Cell, float], totals: Sequence[tuple[Cell, Sequence[Cell]]], hidden: set[Cell]
) -> set[Cell]:
    """Return the hidden cells that all totals together determine.

    A hidden count above zero can be anything else if and only if some change of the hidden counts leaves every total as
    it is and moves it: if it has a part in the null space of the totals. Hidden zeros are taken for known.
    """
    unknown = sorted(cell for cell in hidden if values.get(cell, 0) > 0)
    at = {cell: position for position, cell in enumerate(unknown)}
    rows = []
    for whole, parts in totals:
        if {whole, *parts} <= values.keys():
            row = np.zeros(len(unknown))
            for cell, sign in ((whole, -1.0), *((part, 1.0) for part in parts)):
                if cell in at:
                    row[at[cell]] += sign
            rows.append(row)
    if not rows or not unknown:
        return set()
    free = null_space(np.array(rows))
    moved = np.abs(free).max(axis=1, initial=0.0) > _FREE
    return {cell for cell, moves in zip(unknown, moved, strict=True) if not moves}


def _cells(
    sums: pd.DataFrame, groups: Mapping[str, Sequence[str]]
) -> tuple[dict[Cell, float], list[tuple[Cell, Sequence[Cell]]]]:
    """Return all counts as cells, and what adds up to what: areas to areas, groups to persons."""
    rest = sums["persons"] - sums["elderly"] - sums["children"]
    table = sums[list(COUNTS)].assign(**{_REST: rest.where(rest >= 0)})
    values = {
        (str(area), str(column)): float(value)
        for column, counts in table.items()
        for area, value in counts.items()
        if np.isfinite(value)
    }
    totals: list[tuple[Cell, Sequence[Cell]]] = []
    for column in (*COUNTS, _REST):
        totals += [((whole, column), [(part, column) for part in parts]) for whole, parts in groups.items()]
    for area in map(str, table.index):
        if (area, _REST) in values:
            totals.append(((area, "persons"), [(area, column) for column in ("elderly", "children", _REST)]))
    return values, totals


def _sums(people: gpd.GeoDataFrame, column: str, ids: pd.Series) -> pd.DataFrame:
    """Sum the counts by area; unknown in one point is unknown in the sum, and an area without points has none."""
    rows = people[[column, *COUNTS]].dropna(subset=[column])
    sums = rows.groupby(column)[list(COUNTS)].sum().astype("float64")
    for count in COUNTS:
        unknown = rows.loc[rows[count].isna(), column].unique()
        sums.loc[sums.index.isin(unknown), count] = np.nan
    empty = [area for area in ids if area not in sums.index]
    zeros = pd.DataFrame(0.0, index=pd.Index(empty, dtype=sums.index.dtype), columns=list(COUNTS))
    return pd.concat([sums, zeros]).loc[list(ids)] if len(ids) else zeros


def _joined(layer: gpd.GeoDataFrame, id_column: str, sums: pd.DataFrame, columns: list[str]) -> gpd.GeoDataFrame:
    frame = layer[[id_column, *columns, layer.geometry.name]].copy()
    for count in COUNTS:
        frame[count] = frame[id_column].map(sums[count]).astype("float64")
    frame["area_m2"] = frame.geometry.area.round(1)
    return frame
