"""Rules about who reaches what: radii, blank spots, double spending, spacing."""

from __future__ import annotations

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.gaps import find_gaps
from gridgeo.network.measure import Flags, Floats, Ints, limit_units
from gridgeo.network.paths import cut_segments
from gridgeo.network.reach import reach_edges
from gridgeo.programmes.case import Case, Reached
from gridgeo.programmes.model import Bound, Radius, Rule, Selector, worded
from gridgeo.programmes.verdicts import Answer, MissingDataSaid, at_least, list_places, no_places
from gridgeo.sharing import find_overlap, pool_stations


def judge_coverage(case: Case, rule: Rule) -> Answer:
    """Ask which share of a group has a station within its radius.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``coverage``.

    Returns
    -------
    Answer
        The share; the households that lack one.
    """
    case.select(rule["to"])  # what the plan lacks is said before what the file lacks
    radius = case.radius_of(rule["to"], rule["radius"])
    weight = case.weights(rule["group"])
    found = case.reach(rule["to"], radius, rule["own"])
    value = float(weight[found.within].sum() / weight.sum())
    said = {
        "what": case.programme.name_of(rule["to"]),
        "radius": radius,
        "group": worded("group", rule["group"]),
        "lacking": f"{round(weight[~found.within].sum()):,}",
        "all": f"{round(weight.sum()):,}",
    }
    places = left_households(case, ~found.within & (weight > 0), found.distance)
    return Answer(value, "share", at_least(rule["least"]), places, said, share_by_units(case, weight, found.within))


def judge_shortest(case: Case, rule: Rule) -> Answer:
    """Ask for the shortest radius that holds a share of a group: the resident's own circle (以群众为圆心).

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``shortest``.

    Returns
    -------
    Answer
        That radius, in metres or minutes; the households beyond the one wanted.
    """
    radius: Radius = rule["radius"]
    weight = case.weights(rule["group"])
    found = case.reach(rule["to"], radius)
    order = np.argsort(found.distance, kind="stable")
    so_far = np.cumsum(weight[order])
    enough = int(np.searchsorted(so_far, rule["least"] * weight.sum() * (1 - 1e-12)))
    value = float(found.distance[order[min(enough, len(order) - 1)]])
    far = ~found.within & (weight > 0)
    said = {
        "what": case.programme.name_of(rule["to"]),
        "share": f"{rule['least'] * 100:g} %",
        "group": worded("group", rule["group"]),
        "beyond": f"{round(weight[far].sum()):,}",
        "radius": radius,
    }
    wanted = Bound(0.0, radius.value)
    unit = "minutes" if radius.unit == "min" else "metres"
    return Answer(value, unit, wanted, left_households(case, far, found.distance), said)  # type: ignore[arg-type]


def judge_blank(case: Case, rule: Rule) -> Answer:
    """Ask which households no station of any kind reaches within its own radius: blank spots (空白点).

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``blank``.

    Returns
    -------
    Answer
        Their share; the gap areas where they live.
    """
    weight = case.weights("households")
    served = np.zeros(len(weight), dtype=bool)
    walks: Reached | None = None
    kinds = [each for each in case.programme.stations if each.radius is not None]
    if rule["stations"] is not None:
        kinds = [each for each in kinds if each.station in rule["stations"]]
    held = []
    for kind in kinds:
        selector = Selector("station", kind.station)
        if case.select(selector).empty or kind.radius is None:
            continue
        found = case.reach(selector, kind.radius)
        served |= found.within
        held.append(kind.name)
        walks = walks if walks is not None or found.coverage is None else found
    if not held:
        raise MissingDataSaid("radii")
    left = ~served & (weight > 0)
    value = float(weight[left].sum() / weight.sum())
    spots = _blank_spots(case, left, walks)
    said = {"blank": f"{round(weight[left].sum()):,}", "all": f"{round(weight.sum()):,}", "spots": len(spots)}
    units = share_by_units(case, weight, served)
    return Answer(value, "share", Bound(0.0, rule["most"]), spots, said, units)


def _blank_spots(case: Case, left: Flags, walks: Reached | None) -> gpd.GeoDataFrame:
    """Draw blank spots as the gap areas of households that nobody serves; as points where nobody walks."""
    if not left.any() or walks is None or walks.coverage is None:
        return left_households(case, left, np.full(len(left), np.nan))
    # Those served by a circle on paper, or another kind of station, are no gap: leave them out before gaps are drawn.
    coverage = walks.coverage
    weight = np.where(left, coverage.source["households"].to_numpy(dtype=np.float64), 0.0)
    asked = coverage.source.assign(households=weight.astype(np.int64))
    gaps = find_gaps(replace(coverage, source=asked), case.plan)
    return list_places(
        "gaps", gaps.geometry, ids=gaps["gap_id"], households=gaps["households"], values=gaps["distance_m"]
    )


def judge_overlap(case: Case, rule: Rule) -> Answer:
    """Ask which share of a group several bodies serve at once: double spending (重复投入).

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``overlap``.

    Returns
    -------
    Answer
        The share; the households, and the stations that could be pooled.
    """
    radius = case.radius_of(rule["to"], rule["radius"])
    weight = case.weights(rule["group"])
    found = case.reach(rule["to"], radius)
    if found.coverage is None:
        lacking = "radius" if radius.walk == "straight" else "provider"
        raise MissingDataSaid(lacking, what=case.programme.name_of(rule["to"]))
    group = None if rule["group"] == "households" else rule["group"]
    overlap = find_overlap(found.coverage, group=group)
    twice = case.plan.households["household_id"].isin(overlap.households["household_id"]).to_numpy()
    spare = pool_stations(found.coverage, group=group).spare
    value = float(weight[twice].sum() / weight.sum())
    stations = case.plan.stations[case.plan.stations["station_id"].isin(list(spare))]
    places = [left_households(case, twice & (weight > 0), np.full(len(twice), np.nan))]
    if len(stations):
        places.append(list_places("stations", stations.geometry, ids=stations["station_id"], names=stations["name"]))
    said = {
        "what": case.programme.name_of(rule["to"]),
        "radius": radius,
        "group": worded("group", rule["group"]),
        "twice": f"{round(weight[twice].sum()):,}",
        "spare": len(stations),
    }
    joined = gpd.GeoDataFrame(pd.concat(places, ignore_index=True), crs=case.plan.crs)
    units = share_by_units(case, weight, ~twice)
    return Answer(value, "share", Bound(0.0, rule["most"]), joined, said, units)


def judge_spacing(case: Case, rule: Rule) -> Answer:
    """Ask whether there is a station, or a member, every so many metres.

    Between two neighbours at that spacing nobody is farther than half of it from one, on foot; so this is asked of
    every household, or every metre of street (`gridgeo.coverage.measure_spacing`).

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        Of kind ``spacing``.

    Returns
    -------
    Answer
        The share that has one within half the spacing; or, with ``level`` and ``units``, in how many units that share
        is reached. The households or streets that have none.
    """
    every: Radius = rule["every"]
    half = Radius(every.metres / 2)
    found = case.reach(rule["to"], half)
    if found.coverage is None:
        raise MissingDataSaid("provider", what=case.programme.name_of(rule["to"]))
    weight = case.weights("households")
    farthest = float(found.distance[weight > 0].max())
    if rule["of"] == "streets":
        met, missed = _street_parts(found, case.plan.district if len(case.plan.units) else None)
        places, figures = _streets_by_units(case, rule["level"], met, missed)
        value = float(met.length.sum() / (met.length.sum() + missed.length.sum()))
    else:
        places = left_households(case, ~found.within & (weight > 0), found.distance)
        figures = share_by_units(case, weight, found.within, levels=(rule["level"],) if rule["level"] else None)
        value = float(weight[found.within].sum() / weight.sum())
    said: dict[str, object] = {
        "what": case.programme.name_of(rule["to"]),
        "count": len(found.coverage.stations),
        "share": f"{value:.1%}",
        "things": worded("spaced", rule["of"]),
        "hole": f"{farthest:,.0f}" if np.isfinite(farthest) else "∞",
    }
    if rule["units"] is None:
        return Answer(value, "share", at_least(rule["least"]), places, said, figures)
    level = rule["level"] or case.plan.info.levels[-2].level
    good = figures[(figures["level"] == level) & (figures["share"] >= rule["least"])]
    names = "、".join(good["name"].astype("str")) if len(good) else "–"
    said["in_units"] = names
    return Answer(float(len(good)), "count", rule["units"], places, said, figures, wording="spacing_units")


def _street_parts(found: Reached, ground: shapely.Geometry | None) -> tuple[gpd.GeoSeries, gpd.GeoSeries]:
    """Cut every street into what lies within the distance of a station and what does not, inside the district."""
    coverage = found.coverage
    if coverage is None:
        raise ValueError("streets are measured on foot")
    network = coverage.network
    parts = reach_edges(network, coverage.roster.counted_access, limit=limit_units(coverage.cutoff_m))
    near = _merge_parts(parts.edge, parts.low, parts.high)
    far = _between_parts(*near, network.edge_cost)
    series = []
    for edge, low, high in (near, far):
        _, _, ends, _ = cut_segments(network, edge, edge, low, high)
        lines = np.asarray(shapely.linestrings(ends)) if len(ends) else np.zeros(0, dtype=object)
        if ground is not None and len(lines):
            lines = shapely.intersection(lines, ground)
            lines = lines[shapely.length(lines) > 0]
        series.append(gpd.GeoSeries(lines, crs=network.crs))
    return series[0], series[1]


def _merge_parts(edge: Ints, low: Ints, high: Ints) -> tuple[Ints, Ints, Ints]:
    """Join parts of an edge that touch or overlap."""
    order = np.lexsort((low, edge))
    edge, low, high = edge[order], low[order], high[order]
    if len(edge) == 0:
        return edge, low, high
    shift = edge << _EDGE_SHIFT
    reach = np.maximum.accumulate(high + shift)
    fresh = np.append(True, (low + shift)[1:] > reach[:-1])
    group = np.cumsum(fresh) - 1
    last = np.append(np.flatnonzero(fresh)[1:] - 1, len(edge) - 1)
    return edge[fresh], low[fresh], (reach - shift)[last][np.arange(group[-1] + 1)]


def _between_parts(edge: Ints, low: Ints, high: Ints, cost: Ints) -> tuple[Ints, Ints, Ints]:
    """Return what of each edge lies between its parts, before the first and behind the last."""
    edges = np.arange(len(cost))
    starts = np.concatenate([np.zeros(len(cost), dtype=np.int64), high])
    ends = np.concatenate([low, cost])
    start_edge, end_edge = np.concatenate([edges, edge]), np.concatenate([edge, edges])
    by_start, by_end = np.lexsort((starts, start_edge)), np.lexsort((ends, end_edge))
    begin, finish, owner = starts[by_start], ends[by_end], start_edge[by_start]
    some = finish > begin
    return owner[some], begin[some], finish[some]


_EDGE_SHIFT = 40


def _streets_by_units(
    case: Case, level: str | None, met: gpd.GeoSeries, missed: gpd.GeoSeries
) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """Measure streets unit by unit, and list those that miss the spacing."""
    line = shapely.line_merge(shapely.union_all(missed.to_numpy())) if len(missed) else shapely.MultiLineString()
    pieces = gpd.GeoSeries(np.asarray(shapely.get_parts(line)), crs=case.plan.crs)
    ids = pd.Series([f"street-{number + 1}" for number in range(len(pieces))], dtype="str")
    places = list_places("streets", pieces, ids=ids, values=pieces.length) if len(pieces) else no_places(case.plan.crs)
    rows = []
    for name in (level,) if level else ():
        for _, unit in case.units(name).iterrows():
            near, far = (
                float(shapely.length(shapely.intersection(part.to_numpy(), unit.geometry)).sum())
                for part in (met, missed)
            )
            share = near / (near + far) if near + far > 0 else float("nan")
            rows.append({"level": name, "unit_id": unit["unit_id"], "name": unit["name"], "all": near + far,
                         "met": near, "share": share})  # fmt: skip
    return places, pd.DataFrame(rows, columns=["level", "unit_id", "name", "all", "met", "share"])


def left_households(case: Case, rows: Flags, distance: Floats) -> gpd.GeoDataFrame:
    """List households as places that fail.

    Parameters
    ----------
    case : Case
        The plan.
    rows : ndarray of bool
        Which.
    distance : ndarray of float
        The number that fails, one a household.

    Returns
    -------
    GeoDataFrame
        The places.
    """
    mine = case.plan.households[rows]
    return list_places(
        "households",
        mine.geometry,
        ids=mine["household_id"],
        households=mine["households"],
        values=np.where(np.isfinite(distance[rows]), distance[rows], np.nan),
    )


def share_by_units(case: Case, weight: Floats, good: Flags, levels: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Share out a rule's figures among the units of the plan's levels.

    Parameters
    ----------
    case : Case
        The plan.
    weight : ndarray of float
        How many live at each household point.
    good : ndarray of bool
        Which of them have what the rule asks.
    levels : tuple of str, optional
        Which levels; all but the highest when left out.

    Returns
    -------
    DataFrame
        ``level``, ``unit_id``, ``name``, ``all``, ``met``, ``share``.
    """
    households, tables = case.plan.households, []
    for level in levels or tuple(each.level for each in case.plan.info.levels[1:]):
        column = f"{level}_id"
        if column not in households or households[column].isna().all():
            continue
        sums = pd.DataFrame({"all": weight, "met": weight * good}).groupby(households[column].to_numpy()).sum()
        names = case.units(level).drop_duplicates("unit_id").set_index("unit_id")["name"].reindex(sums.index)
        head = {"level": level, "unit_id": sums.index.to_numpy(), "name": names.where(names.notna(), sums.index)}
        tables.append(pd.DataFrame(head).reset_index(drop=True).join(sums.reset_index(drop=True)))
    if not tables:
        return pd.DataFrame(columns=["level", "unit_id", "name", "all", "met", "share"])
    table = pd.concat(tables, ignore_index=True)
    return table.assign(share=table["met"] / table["all"].where(table["all"] > 0))
