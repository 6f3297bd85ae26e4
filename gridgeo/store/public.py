"""What may be shown to everyone: sums by area, with small counts hidden so that no total gives them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.plan import Plan

THRESHOLD = 5
"""Counts from one up to below this are hidden."""

COUNTS = ("households", "persons", "elderly", "children", "disabled", "low_income")
"""What is summed."""


def summarize_public(plan: Plan, *, threshold: int = THRESHOLD) -> dict[str, gpd.GeoDataFrame]:
    """Sum households by unit and grid, and hide small counts.

    Parameters
    ----------
    plan : Plan
        The plan.
    threshold : int
        Counts from 1 up to below this are hidden; and wherever the shown total of an area and its shown parts would
        give one hidden part away, the next smallest part is hidden, too.

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
    groups = {whole: list(parts) for whole, parts in parent.groupby(parent).groups.items() if whole in sums.index}
    for column in COUNTS:
        values = {str(area): float(value) for area, value in sums[column].items() if np.isfinite(value)}
        hidden = hide_small(values, groups, threshold=threshold)
        sums[column] = sums[column].where(~sums.index.isin(hidden))
    return {
        "units": _joined(plan.units, "unit_id", sums, ["name", "level", "parent_id", "code"]),
        "grids": _joined(plan.grids, "grid_id", sums, ["code", "name", "community_id", "grid_kind"]),
    }


def hide_small(
    values: Mapping[str, float], groups: Mapping[str, Sequence[str]], *, threshold: int = THRESHOLD
) -> set[str]:
    """Choose the counts to hide.

    Parameters
    ----------
    values : mapping of str to float
        Area → count; areas whose count is not known are left out.
    groups : mapping of str to sequence of str
        Area → the areas that add up to it.
    threshold : int
        Counts from 1 up to below this are hidden.

    Returns
    -------
    set of str
        The areas to hide: the small ones, and so many others that no sum of an area and its parts lets a single one,
        or a handful of people, be worked out. Zeros are shown.
    """
    hidden = {area for area, value in values.items() if 0 < value < threshold}
    changed = True
    while changed:
        changed = False
        for whole, parts in groups.items():
            members = [part for part in parts if values.get(part, 0) > 0]
            gone = [part for part in members if part in hidden]
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
    return hidden


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
