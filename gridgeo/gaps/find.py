"""Grouping uncovered households into areas that make sense on the ground."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from gridgeo.coverage import Coverage
from gridgeo.coverage.summary import PEOPLE
from gridgeo.coverage.walks import name_causes
from gridgeo.gaps.areas import draw_outlines, join_spots
from gridgeo.gaps.remedies import Remedy, find_remedies
from gridgeo.network.measure import Floats, Ints, require_positive
from gridgeo.plan import Plan

JOIN_M = 120.0
"""Uncovered households this near to each other, with no barrier between, belong to one gap area."""

VULNERABLE = ("elderly", "children", "disabled", "low_income")
"""Groups that count twice when gaps are ranked."""


def find_gaps(coverage: Coverage, plan: Plan, *, join_m: float = JOIN_M) -> gpd.GeoDataFrame:
    """Group uncovered households into areas, the worst first, each with its cause and the cheapest remedy.

    Households belong together when a chain of straight lines of at most `join_m` leads from one to the other without
    crossing a barrier. Areas are ranked by people (households where persons are not known), vulnerable people counted
    twice. The remedy is the cheapest that covers at least half of the area's households: opening a gate costs less than
    any link between two streets, a shorter link less than a longer one, and any link less than a new post at a real
    place; of equally cheap ones it is what covers most. Where none covers half, it is what covers most. Where nothing
    of these covers anybody, a post at a street corner does.

    Parameters
    ----------
    coverage : Coverage
        Who is covered.
    plan : Plan
        The plan the households come from, for its places.
    join_m : float, optional
        How near two households of one area are, in metres.

    Returns
    -------
    GeoDataFrame of polygons
        ``gap_id``, ``rank``, ``households``, ``persons``, ``elderly``, ``children``, ``disabled``, ``low_income`` (NaN
        where not known), ``cause`` (``too_far``; ``no_path``: near in a straight line but far on foot, or no street
        within reach; ``island``: streets that lead to no station; ``closed_gate``: opening one covers half of them),
        ``station_id`` (the nearest on foot of most households, missing where none can be reached), ``distance_m`` (the
        median household's walk to it, inf where there is none),
        ``remedy`` (``open_gate``, ``missing_link``, ``new_station``; missing where nobody has a street within reach),
        ``remedy_place`` (the gate, the two streets, the place, or the corner of two streets: ``A / B``),
        ``remedy_length_m`` (of a link), ``remedy_households`` (how many of the area it would cover), ``geometry``.

    Raises
    ------
    InputError
        If `join_m` is not above zero.
    """
    join_m = require_positive(join_m, key="bad_join")
    rows = np.flatnonzero(~coverage.covered & (coverage.weights > 0))
    xy = coverage.household_access.xy[rows]
    spots, spot = _find_spots(xy)
    area_of, links = join_spots(spots, coverage.network.obstacles, join_m=join_m)
    area = area_of[spot]
    count = int(area.max(initial=-1)) + 1
    remedies = find_remedies(coverage, plan, rows, area)
    table = coverage.source.iloc[rows]
    people = {name: _sums(table, name, area, count) for name in ("households", *PEOPLE)}
    if "households" not in table:
        people["households"] = np.bincount(area, minlength=count).astype(np.float64)
    station, distance = _nearest(coverage, rows, area, count)
    gaps = gpd.GeoDataFrame(
        people
        | {
            "cause": [_cause(coverage, rows[area == number], remedies[number]) for number in range(count)],
            "station_id": pd.array(station, dtype="str"),
            "distance_m": distance,
        }
        | _remedy_columns(remedies),
        geometry=draw_outlines(spots, area_of, links, count),
        crs=coverage.network.crs,
    )
    gaps["households"] = gaps["households"].round().astype("int64")
    order = np.lexsort((-gaps["households"].to_numpy(), -_score(gaps)))
    gaps = gaps.iloc[order].reset_index(drop=True)
    gaps.insert(0, "gap_id", [f"gap-{number + 1}" for number in range(count)])
    gaps.insert(1, "rank", np.arange(count) + 1)
    return gaps


def _find_spots(xy: Floats) -> tuple[Floats, Ints]:
    """Return where households are, each place once in the order of their first one, and the place of each."""
    order = np.lexsort((xy[:, 1], xy[:, 0]))
    fresh = np.ones(len(xy), dtype=bool)
    fresh[1:] = (xy[order[1:]] != xy[order[:-1]]).any(axis=1)
    # Sorting keeps the order of equal ones, so the first of each run is the first of its place.
    first = order[fresh]
    place = np.empty(len(xy), dtype=np.int64)
    place[first[np.argsort(first)]] = np.arange(len(first))
    spot = np.empty(len(xy), dtype=np.int64)
    spot[order] = place[first][np.cumsum(fresh) - 1]
    return xy[np.sort(first)], spot


def _sums(table: pd.DataFrame, name: str, area: Ints, count: int) -> Floats:
    if name not in table:
        return np.full(count, np.nan)
    sums: Floats = np.bincount(area, weights=table[name].to_numpy(dtype=np.float64), minlength=count).astype(np.float64)
    return sums


def _score(gaps: gpd.GeoDataFrame) -> Floats:
    people = gaps["persons"].fillna(gaps["households"])
    score: Floats = (people + gaps[list(VULNERABLE)].fillna(0).sum(axis=1)).to_numpy(dtype=np.float64)
    return score


def _nearest(coverage: Coverage, rows: Ints, area: Ints, count: int) -> tuple[npt.NDArray[Any], Floats]:
    """Find the station that most households of an area walk to, and the walk of their median household."""
    station, distance = np.full(count, None, dtype=object), np.full(count, np.inf)
    slot, weight = coverage.slots[rows], coverage.weights[rows]
    away = coverage.distance_m[rows]
    for number in range(count):
        reached = (area == number) & (slot >= 0)
        if reached.any():
            most = int(np.argmax(np.bincount(slot[reached], weights=weight[reached])))
            station[number] = coverage.roster.ids[most]
            there = reached & (slot == most)
            distance[number] = _median(away[there], weight[there])
    return station, distance


def _median(values: Floats, weights: Floats) -> float:
    """Return the median of values that each stand for `weights` households; half-way where two share the middle."""
    order = np.argsort(values)
    held = np.cumsum(weights[order])
    middle = [np.searchsorted(held, held[-1] / 2, side=side) for side in ("left", "right")]
    return float(values[order[middle]].mean())


def _cause(coverage: Coverage, rows: Ints, remedy: Remedy | None) -> str:
    """Say what keeps most of an area's households from a station."""
    if remedy is not None and remedy.kind == "open_gate" and remedy.is_enough:
        return "closed_gate"
    weight = coverage.weights[rows]
    causes = name_causes(coverage, rows)
    return max(("too_far", "no_path", "island"), key=lambda cause: weight[causes == cause].sum())


def _remedy_columns(remedies: list[Remedy | None]) -> dict[str, Any]:
    def column(name: str, empty: object) -> list[Any]:
        return [empty if remedy is None else getattr(remedy, name) for remedy in remedies]

    return {
        "remedy": pd.array(column("kind", None), dtype="str"),
        "remedy_place": pd.array(column("place", None), dtype="str"),
        "remedy_length_m": np.array(column("length_m", np.nan), dtype=np.float64),
        "remedy_households": np.array(column("households", 0), dtype=np.int64),
    }
