"""The figures that stand beside a map: a headline, a table by level, the largest gaps, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from gridgeo.coverage.wording import rate_name, word_basis, word_cutoff
from gridgeo.maps.features import both, in_every_language, to_degrees
from gridgeo.maps.ground import names_of
from gridgeo.plan import Plan

if TYPE_CHECKING:
    from gridgeo.coverage import Coverage

MOST_GAPS = 8
"""How many gap areas are listed beside a map; the map itself shows all."""


def figures_data(plan: Plan, coverages: Sequence[Coverage], gaps: gpd.GeoDataFrame | None) -> dict[str, Any]:
    """Put together what stands beside a map.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        The shortest cutoff first; may be empty.
    gaps : GeoDataFrame or None
        Gap areas, worst first.

    Returns
    -------
    dict
        ``headline``, ``tables``, ``gaps``, ``basis`` and ``notes`` as plain JSON values in every language.
    """
    return {
        "headline": headline_figures(plan, coverages, gaps),
        "tables": _tables(plan, coverages),
        "gaps": _gap_list(plan, gaps),
        "basis": in_every_language(partial(word_basis, coverages)) if coverages else None,
        "notes": [{"zh": note.zh, "en": note.en} for note in plan.info.notes],
    }


def headline_figures(
    plan: Plan, coverages: Sequence[Coverage], gaps: gpd.GeoDataFrame | None = None
) -> list[dict[str, Any]]:
    """Give the three to five figures that a leader reads first.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        The shortest cutoff first.
    gaps : GeoDataFrame, optional
        Gap areas.

    Returns
    -------
    list of dict
        ``name`` and ``note`` in every language, ``value`` as a number, ``share`` (whether it is one), ``estimated``.
    """
    households = int(plan.households["households"].sum())
    estimated = bool(plan.households["estimated"].any())
    levels = [level.level for level in plan.info.levels]
    above = plan.info.levels[-2] if len(levels) > 1 else plan.info.levels[-1]
    note = both(
        "figure.households_note",
        grids=len(plan.grids),
        units=int((plan.units["level"] == above.level).sum()),
        level={"zh": above.name.zh, "en": above.name.en},
    )
    figures = [_figure("households", households, note, estimated=estimated)]
    for coverage in coverages:
        covered = int(coverage.summary()["covered"].iloc[0])
        note = both("figure.within_note", covered=f"{covered:,}", households=f"{households:,}")
        name = both("figure.within", cutoff=in_every_language(partial(word_cutoff, coverage)))
        share = covered / households if households else None
        figures.append({"name": name, "value": share, "note": note, "share": True, "estimated": estimated})
    if gaps is not None:
        figures.append(_figure("gaps", len(gaps), _gap_note(gaps, coverages), estimated=estimated))
    return figures


def level_table(plan: Plan, coverages: Sequence[Coverage], level: str) -> pd.DataFrame:
    """Put the rates at several cutoffs side by side for the units of one level.

    Parameters
    ----------
    plan : Plan
        The plan, for the units' names.
    coverages : sequence of Coverage
        One a cutoff, the shortest first; at least one.
    level : str
        A level of the plan, for example ``"community"`` or ``"grid"``.

    Returns
    -------
    DataFrame
        One row a unit that has households, in the order of ids: ``unit_id``, ``name``, ``households``, and
        ``rate_<metres>`` or ``rate_<minutes>min`` for each cutoff: the share of its households within it. Households
        outside every unit form a last row with a missing ``unit_id``.
    """
    units, id_column = (plan.grids, "grid_id") if level == plan.info.levels[-1].level else (plan.units, "unit_id")
    names = dict(zip(units[id_column], names_of(units, id_column), strict=True))
    summaries = {rate_name(coverage): coverage.summary(by=level) for coverage in coverages}
    first = next(iter(summaries.values()))
    table = pd.DataFrame(
        {
            "unit_id": first.index.to_numpy(),
            "name": [names.get(unit, "–") for unit in first.index],
            "households": first["households"].to_numpy(),
        }
    )
    for rate, summary in summaries.items():
        table[rate] = summary["coverage_rate"].to_numpy(dtype=float)
    return table.sort_values("unit_id", na_position="last", kind="stable", ignore_index=True)


def _figure(name: str, value: int, note: dict[str, str], *, estimated: bool) -> dict[str, Any]:
    return {"name": both(f"figure.{name}"), "value": value, "note": note, "share": False, "estimated": estimated}


def _gap_note(gaps: gpd.GeoDataFrame, coverages: Sequence[Coverage]) -> dict[str, str]:
    """Say how many households the gaps hold, and at which cutoff: the one that leaves out just as many."""
    missed = int(gaps["households"].sum()) if len(gaps) else 0
    for coverage in coverages:
        total = coverage.summary().iloc[0]
        if int(total["households"] - total["covered"]) == missed:
            return both(
                "figure.gaps_note", households=f"{missed:,}", cutoff=in_every_language(partial(word_cutoff, coverage))
            )
    return both("figure.gaps_households", households=f"{missed:,}")


def _tables(plan: Plan, coverages: Sequence[Coverage]) -> list[dict[str, Any]]:
    """Give the rates by the two finest levels, in the form the page shows them."""
    tables = []
    for level in plan.info.levels[-2:]:
        if len(coverages) == 0 or f"{level.level}_id" not in plan.households:
            continue
        table = level_table(plan, coverages, level.level)
        columns = [rate_name(coverage) for coverage in coverages]
        rows = [
            {
                "name": row["name"],
                "households": int(row["households"]),
                "shares": [None if pd.isna(row[column]) else round(row[column], 4) for column in columns],
            }
            for _, row in table.iterrows()
        ]
        name = both("by_level", level={"zh": level.name.zh, "en": level.name.en})
        heads = [both("field.covered", cutoff=in_every_language(partial(word_cutoff, each))) for each in coverages]
        tables.append({"name": name, "heads": heads, "rows": rows})
    return tables


def _gap_list(plan: Plan, gaps: gpd.GeoDataFrame | None) -> list[dict[str, Any]]:
    if gaps is None or len(gaps) == 0:
        return []
    first = gaps.iloc[:MOST_GAPS]
    west, south, east, north = to_degrees(first).bounds.to_numpy().T
    return [
        {
            "name": both("gap_title", number=row + 1),
            "households": int(first["households"].iloc[row]),
            "bounds": [[float(south[row]), float(west[row])], [float(north[row]), float(east[row])]],
            "estimated": bool(plan.households["estimated"].any()),
        }
        for row in range(len(first))
    ]
