"""What a rate does not say: on paper only, detours, overlap, spacing, and how much hangs on the cutoff."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from gridgeo.coverage.model import Coverage
from gridgeo.errors import InputError
from gridgeo.network.measure import UNIT_BITS, Flags, Floats, Ints, require_positive
from gridgeo.network.reach import reach_edges

FLIP = 0.1
"""How far the cutoff is moved to see how many households hang on it: a tenth."""


def measure_coverage(coverage: Coverage, *, by: str | None = None, radius_m: float | None = None) -> pd.DataFrame:
    """Measure what coverage hides, for the whole or for each unit of a level.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    by : str, optional
        A level: rows are grouped by the households' column ``<by>_id``. The whole when left out.
    radius_m : float, optional
        The straight-line radius that paper plans draw; the cutoff when left out.

    Returns
    -------
    DataFrame
        One row per unit, households counted by ``households``: ``paper_only`` (inside the straight-line radius of a
        station, but not covered on foot), ``detour_ratio`` (mean of walking over straight distance to the same
        station; NaN where nobody reaches one), ``overlap`` (served by two stations or more), ``mean_stations`` (within
        the cutoff), ``lost_at_minus_10`` and ``gained_at_plus_10`` (households that flip when the cutoff is a tenth
        shorter or longer).

    Raises
    ------
    InputError
        If the households carry no such level, or the radius is not above zero.
    """
    radius = coverage.cutoff_m if radius_m is None else require_positive(radius_m, key="bad_cutoff")
    given = coverage.source
    if by is not None and f"{by}_id" not in given:
        raise InputError("missing_column", layer="households", column=f"{by}_id")
    weight = coverage.weights
    distance, straight, covered = coverage.distance_m, coverage.straight_m, coverage.covered
    stations = coverage.n_stations
    # Who stands on the very spot of the station makes no detour.
    walks = np.isfinite(distance) & (straight > 0)
    ratio = np.where(walks, distance / np.where(walks, straight, 1.0), 0.0)
    figures = pd.DataFrame(
        {
            "households": weight,
            "paper_only": weight * inside_on_paper(coverage, radius),
            "detour_ratio": weight * ratio,
            "overlap": weight * (stations > 1),
            "mean_stations": weight * stations,
            "lost_at_minus_10": weight * (covered & (distance > coverage.cutoff_m * (1 - FLIP))),
            "gained_at_plus_10": weight * (~covered & (distance <= coverage.cutoff_m * (1 + FLIP))),
            "walks": weight * walks,
        }
    )
    group = np.full(len(given), "all") if by is None else given[f"{by}_id"].to_numpy()
    total = figures.groupby(group, dropna=False).sum()
    total.index.name = "unit" if by is None else f"{by}_id"
    total["detour_ratio"] /= total["walks"].where(total["walks"] > 0)
    total["mean_stations"] /= total["households"].where(total["households"] > 0)
    counts = ["households", "paper_only", "overlap", "lost_at_minus_10", "gained_at_plus_10"]
    total[counts] = total[counts].round().astype("int64")
    return total.drop(columns="walks")


def inside_on_paper(coverage: Coverage, radius_m: float) -> Flags:
    """Tell which households are covered on paper only.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    radius_m : float
        The straight-line radius in metres, inclusive.

    Returns
    -------
    ndarray of bool, shape (households,)
        True for a household within the radius of some station that is not covered on foot.
    """
    answer = np.zeros(len(coverage.source), dtype=bool)
    rows = np.flatnonzero(~coverage.covered)
    answer[rows] = coverage.nearest_straight_m(rows) <= radius_m
    return answer


def count_overlap(coverage: Coverage) -> pd.Series:
    """Count households by the number of stations that serve them.

    Parameters
    ----------
    coverage : Coverage
        The coverage; of one service where it was asked for one.

    Returns
    -------
    Series
        Number of stations within the cutoff → households.
    """
    counts = np.bincount(coverage.n_stations, weights=coverage.weights)
    return pd.Series(np.round(counts).astype(np.int64), name="households").rename_axis("n_stations")


@dataclass(frozen=True)
class Spacing:
    """How well stations are spaced. Made by `measure_spacing`.

    Parameters
    ----------
    spacing_m : float
        The spacing asked for.
    households_share : float
        Share of all households that have a station within half the spacing on foot.
    street_share : float
        Share of the network's length that has.
    street_m : float
        The network's length in metres.
    largest_hole_m : float
        The farthest that any place on a street is from a station on foot; inf where no walk leads to one.
    largest_hole : shapely.Point or None
        Where the farthest place is that still reaches a station.
    unreached_m : float
        Metres of street from which no walk leads to a station.
    """

    spacing_m: float
    households_share: float
    street_share: float
    street_m: float
    largest_hole_m: float
    largest_hole: shapely.Point | None
    unreached_m: float


def measure_spacing(coverage: Coverage, *, spacing_m: float = 200.0) -> Spacing:
    """Measure whether there is "a station every so many metres".

    Stations along a street are at most `spacing_m` apart exactly when every place between two of them has one within
    half of that on foot; so this is what is asked of every household and every metre of street.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    spacing_m : float, optional
        The spacing in metres.

    Returns
    -------
    Spacing
        The shares, and the largest hole.

    Raises
    ------
    InputError
        If the spacing is not above zero.
    """
    half = require_positive(spacing_m, key="bad_spacing") / 2
    network, weight = coverage.network, coverage.weights
    near = weight[coverage.distance_m <= half].sum() / weight.sum() if weight.sum() else float("nan")
    length = network.edge_cost / (1 << UNIT_BITS)
    low, high = _reached_parts(coverage, int(half * (1 << UNIT_BITS)))
    met = float(((high - low) / (1 << UNIT_BITS)).sum())
    farthest, position = _farthest_places(coverage)
    reached = np.isfinite(farthest)
    worst = int(np.argmax(np.where(reached, farthest, -1.0)))
    return Spacing(
        spacing_m=spacing_m,
        households_share=float(near),
        street_share=met / float(length.sum()),
        street_m=float(length.sum()),
        largest_hole_m=float(farthest[worst]) if reached.all() else float("inf"),
        largest_hole=_spot(coverage, worst, int(position[worst])) if reached.any() else None,
        unreached_m=float(length[~reached].sum()),
    )


def _reached_parts(coverage: Coverage, limit: int) -> tuple[Ints, Ints]:
    """List the parts of edges that any station reaches within a limit, without overlap: from, to."""
    parts = reach_edges(coverage.network, coverage.roster.counted_access, limit=limit)
    order = np.lexsort((parts.low, parts.edge))
    edge, low, high = parts.edge[order], parts.low[order], parts.high[order]
    # Behind each other on one long line, edge by edge, so that a running maximum stays within its edge.
    shift = edge << _EDGE_SHIFT
    so_far = np.maximum.accumulate(high + shift) if len(edge) else high
    covered_to = np.concatenate([[-1], so_far[:-1]]) - shift
    low = np.maximum(low, covered_to)
    some = high > low
    return low[some], high[some]


_EDGE_SHIFT = 40


def _farthest_places(coverage: Coverage) -> tuple[Floats, Ints]:
    """Find on each edge the place farthest from every station, between its ends and the stations on it."""
    network, stations = coverage.network, coverage.roster.counted_access
    node_m, _ = coverage.node_distances
    cost = network.edge_cost.astype(np.float64)
    on = stations.edge >= 0
    edges = np.arange(network.edges)
    # Marks on each edge: its two ends and the stations on it; between two neighbours the farthest place lies where
    # the walks to both are equally long.
    edge = np.concatenate([edges, edges, stations.edge[on]])
    at = np.concatenate([np.zeros(network.edges), cost, stations.along[on].astype(np.float64)])
    way = np.concatenate([node_m[network.edge_u], node_m[network.edge_v], stations.leg[on].astype(np.float64)])
    order = np.lexsort((at, edge))
    edge, at, way = edge[order], at[order], way[order]
    pair = np.flatnonzero(edge[1:] == edge[:-1])
    gap = at[pair + 1] - at[pair]
    one, other = way[pair], way[pair + 1]
    both = np.isfinite(one) & np.isfinite(other)
    onward, far = gap.copy(), np.maximum(one, other)
    onward[both] = np.clip((other[both] - one[both] + gap[both]) / 2, 0, gap[both])
    far[both] = np.minimum(one[both] + onward[both], other[both] + gap[both] - onward[both])
    best = np.full(network.edges, -1.0)
    np.maximum.at(best, edge[pair], far)
    position = np.zeros(network.edges)
    hit = far == best[edge[pair]]
    position[edge[pair][hit]] = (at[pair] + onward)[hit]
    return best / (1 << UNIT_BITS), position.astype(np.int64)


def _spot(coverage: Coverage, edge: int, position: int) -> shapely.Point:
    """Return a place on an edge as a point."""
    network = coverage.network
    start, members = network.segments_of_edge
    segments = members[start[edge] : start[edge + 1]]
    begin, end = network.segment_from[segments], network.segment_to[segments]
    inside = np.flatnonzero((np.minimum(begin, end) <= position) & (position <= np.maximum(begin, end)))
    pick = segments[inside[0]] if len(inside) else segments[0]
    begin, end = network.segment_from[pick], network.segment_to[pick]
    share = min(max((position - begin) / (end - begin), 0.0), 1.0)
    x0, y0, x1, y1 = network.segment_xy[pick]
    return shapely.Point(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
