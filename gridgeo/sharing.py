"""Services for groups, and what several bodies spend twice: overlap, stations that can be pooled, rooms shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.coverage import Coverage, assess_coverage
from gridgeo.coverage.assess import list_services
from gridgeo.errors import GridgeoError, InputError, MissingDataError
from gridgeo.network import Network
from gridgeo.network.measure import Flags, Floats, Ints, limit_units, require_positive
from gridgeo.network.reach import find_reach
from gridgeo.plan import Plan


def serve_groups(
    network: Network,
    plan: Plan,
    wants: Iterable[Mapping[str, Any]],
    *,
    by: str | None = None,
    cutoff_m: float = 500.0,
    person: str | None = None,
) -> pd.DataFrame:
    """Ask for each service which people of the group it is for have it within reach.

    Parameters
    ----------
    network : Network
        The network.
    plan : Plan
        The plan; open stations count.
    wants : iterable of mapping
        Each with ``service`` (as in the stations' ``services``) and ``group`` (a column of ``households``), perhaps
        ``cutoff_m`` and ``person`` of its own.
    by : str, optional
        A level; the whole when left out.
    cutoff_m : float, optional
        The greatest walking distance in metres, inclusive.
    person : str, optional
        Who walks, see `gridgeo.assess_coverage`.

    Returns
    -------
    DataFrame
        One row for each want and unit: ``service``, ``group``, ``unit_id`` (``"all"`` for the whole), ``stations``
        that offer it, ``people`` of the group, ``served``, ``lacking``, ``rate`` (NaN where nobody is of the group or
        their number is not known), ``households_lacking`` (those where somebody of the group lives without it).

    Raises
    ------
    MissingDataError
        If there are no households, or no stations.
    InputError
        If no station offers a service, or the households do not count a group.
    """
    plan.require("households", "stations")
    rows = []
    for want in wants:
        group, service = str(want["group"]), str(want["service"])
        if group not in plan.households:
            raise InputError("missing_column", layer="households", column=group)
        coverage = assess_coverage(
            network,
            plan.households,
            plan.open_stations,
            cutoff_m=float(want.get("cutoff_m", cutoff_m)),
            person=want.get("person", person),
            service=service,
        )
        people = plan.households[group].to_numpy(dtype=np.float64)
        homes = plan.households["households"].to_numpy(dtype=np.float64) * (people > 0)
        table = pd.DataFrame(
            {
                "people": people,
                "served": people * coverage.covered,
                "lacking": people * ~coverage.covered,
                "households_lacking": homes * ~coverage.covered,
            }
        )
        unit = _units(plan, by)
        sums = table.groupby(unit, dropna=False).sum(skipna=False).rename_axis("unit_id").reset_index()
        sums.insert(0, "group", group)
        sums.insert(0, "service", service)
        sums.insert(3, "stations", len(coverage.stations))
        sums["rate"] = sums["served"] / sums["people"].where(sums["people"] > 0)
        rows.append(sums)
    columns = ["service", "group", "unit_id", "stations", "people", "served", "lacking", "rate", "households_lacking"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def find_lacking(coverage: Coverage, group: str | None = None) -> gpd.GeoDataFrame:
    """List the household points where people of a group live beyond reach.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one.
    group : str, optional
        A column of the households; all households when left out.

    Returns
    -------
    GeoDataFrame of Point
        Those households as given, with ``people`` of the group, ``distance_m``, ``reason``.

    Raises
    ------
    InputError
        If the households do not count the group.
    """
    people = _people(coverage, group)
    rows = np.flatnonzero(~coverage.covered & (people > 0))
    told = coverage.households.iloc[rows]
    return coverage.source.iloc[rows].assign(
        people=people[rows], distance_m=told["distance_m"].to_numpy(), reason=told["reason"].to_numpy()
    )


@dataclass(frozen=True, eq=False)
class Overlap:
    """Who is served by several bodies (重复投入). Made by `find_overlap`.

    Parameters
    ----------
    households : GeoDataFrame of Point
        The household points that stations of two bodies or more reach, with ``stations`` and ``bodies`` (how many),
        ``body_names`` and ``people`` of the group.
    pairs : DataFrame
        For every two bodies that serve somebody both: ``one``, ``other``, ``households``, ``people``.
    summary : dict
        ``households``, ``people``, ``double_served``, ``double_served_people``, ``share`` (of the people; of the
        households without a group), ``bodies``.
    """

    households: gpd.GeoDataFrame
    pairs: pd.DataFrame
    summary: dict[str, Any]


def find_overlap(coverage: Coverage, *, group: str | None = None) -> Overlap:
    """Find who is served by several bodies at once.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one; the stations' ``body`` says who runs them, and one
        that does not say is a body of its own.
    group : str, optional
        Count these people: a column of the households. All households when left out.

    Returns
    -------
    Overlap
        The households and the bodies.

    Raises
    ------
    InputError
        If the households do not count the group.
    """
    people, homes = _people(coverage, group), _people(coverage, None)
    station, household = _walks(coverage)
    body = _bodies(coverage.stations)
    names, code = np.unique(body.astype(str), return_inverse=True)
    served = csr_array((np.ones(len(station)), (household, code[station])), shape=(len(people), len(names)))
    served.sum_duplicates()
    bodies = np.diff(served.indptr)
    counts = np.bincount(household, minlength=len(people))
    rows = np.flatnonzero((bodies > 1) & (people > 0))
    told = [";".join(names[served.indices[served.indptr[row] : served.indptr[row + 1]]]) for row in rows]
    double = coverage.source.iloc[rows].assign(
        stations=counts[rows],
        bodies=bodies[rows],
        body_names=pd.Series(told, dtype="str").to_numpy(),
        people=people[rows],
    )
    total, hit = float(people.sum()), float(people[rows].sum())
    summary = {
        "households": round(float(homes.sum())),
        "people": round(total),
        "double_served": round(float(homes[rows].sum())),
        "double_served_people": round(hit),
        "share": hit / total if total else float("nan"),
        "bodies": len(names),
    }
    return Overlap(double, _body_pairs(served, names, homes, people), summary)


@dataclass(frozen=True, eq=False)
class Pooling:
    """Stations that could be pooled. Made by `pool_stations`.

    Parameters
    ----------
    keep : list of str
        The fewest stations that reach everybody who is reached today.
    spare : list of str
        The others: all of them together could go, and nobody would be newly without.
    each : list of str
        Stations each of which alone could go; not all of them together.
    summary : dict
        ``stations``, ``keep``, ``spare``, ``households`` and ``people`` reached, ``proven`` (always True: the solver
        proved that fewer do not do).
    """

    keep: list[str]
    spare: list[str]
    each: list[str]
    summary: dict[str, Any]


def pool_stations(coverage: Coverage, *, group: str | None = None) -> Pooling:
    """Find the fewest stations that keep today's coverage: what the others cost is spent twice.

    A set cover, solved exactly: minimise the stations kept so that every household point reached today is reached by
    one of them; of equally few, those that come first in the layer.

    Parameters
    ----------
    coverage : Coverage
        The coverage, of one service where it was asked for one.
    group : str, optional
        Only where people of this group live: a column of the households. All households when left out.

    Returns
    -------
    Pooling
        What to keep and what could go.

    Raises
    ------
    InputError
        If the households do not count the group.
    GridgeoError
        If the solver finds no answer.
    """
    people = _people(coverage, group)
    station, household = _walks(coverage)
    counted = people[household] > 0
    station, household = station[counted], household[counted]
    ids = coverage.stations["station_id"].astype("str").to_numpy(dtype=object)
    reached, row = np.unique(household, return_inverse=True)
    matrix = csr_array((np.ones(len(row)), (row, station)), shape=(len(reached), len(ids)))
    alone = np.zeros(len(ids), dtype=bool)
    alone[station[np.bincount(row, minlength=len(reached))[row] == 1]] = True
    kept = _cover(matrix)
    summary = {
        "stations": len(ids),
        "keep": int(kept.sum()),
        "spare": int((~kept).sum()),
        "households": round(float(_people(coverage, None)[reached].sum())),
        "people": round(float(people[reached].sum())),
        "proven": True,
    }
    return Pooling(sorted(ids[kept]), sorted(ids[~kept]), sorted(ids[~alone]), summary)


def share_rooms(stations: gpd.GeoDataFrame, *, within_m: float = 20.0) -> gpd.GeoDataFrame:
    """Find places that several bodies use: stations of different bodies at one spot.

    Parameters
    ----------
    stations : GeoDataFrame of Point
        Layer ``stations`` with ``body``; a station that does not say is a body of its own.
    within_m : float, optional
        How far apart two stations are at most to be at one spot, in a straight line, in metres; a row of such steps
        is one spot.

    Returns
    -------
    GeoDataFrame of Point
        One row for each spot used by two bodies or more: ``room``, ``stations`` (how many), ``station_ids``,
        ``bodies``, ``services`` (each separated by ``;``) and their middle.

    Raises
    ------
    InputError
        If the distance is not above zero.
    MissingDataError
        If there are no stations.
    """
    require_positive(within_m, key="bad_spacing")
    if len(stations) == 0:
        raise MissingDataError("missing_layer", layer="stations")
    xy = np.column_stack([stations.geometry.x, stations.geometry.y])
    near = cKDTree(xy).query_pairs(within_m, output_type="ndarray")
    links = csr_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(xy), len(xy)))
    spot = connected_components(links, directed=False)[1]
    body = _bodies(stations)
    rows: list[tuple[object, ...]] = []
    for room in range(int(spot.max()) + 1):
        mine = np.flatnonzero(spot == room)
        names = sorted(set(body[mine]))
        if len(names) > 1:
            offered = {name for each in stations["services"].iloc[mine] for name in list_services(each)}
            middle = stations.geometry.iloc[mine].union_all().centroid
            ids = sorted(stations["station_id"].iloc[mine].astype("str"))
            rows.append((len(rows) + 1, len(mine), ";".join(ids), ";".join(names), ";".join(sorted(offered)), middle))
    columns = ["room", "stations", "station_ids", "bodies", "services", "geometry"]
    return gpd.GeoDataFrame(pd.DataFrame(rows, columns=columns), geometry="geometry", crs=stations.crs)


def _units(plan: Plan, by: str | None) -> np.ndarray:
    if by is None:
        return np.full(len(plan.households), "all", dtype=object)
    if f"{by}_id" not in plan.households:
        raise InputError("missing_column", layer="households", column=f"{by}_id")
    return np.asarray(plan.households[f"{by}_id"].to_numpy())


def _people(coverage: Coverage, group: str | None) -> Floats:
    """Return how many people of a group, or households, live at each point; who is not known counts as none."""
    given, column = coverage.source, group or "households"
    if column not in given:
        if group is None:
            return np.ones(len(given))
        raise InputError("missing_column", layer="households", column=column)
    counts: Floats = np.nan_to_num(given[column].to_numpy(dtype=np.float64))
    return counts


def _walks(coverage: Coverage) -> tuple[Ints, Ints]:
    """List who is reached by which station within the cutoff: station, household."""
    limit = limit_units(coverage.cutoff_m)
    reach = find_reach(coverage.network, coverage.household_access, coverage.roster.counted_access, limit=limit)
    return reach.station, reach.household


def _bodies(stations: gpd.GeoDataFrame) -> np.ndarray:
    """Return who runs each station; one that does not say is known by its own id."""
    ids = stations["station_id"].astype("str")
    said = stations["body"] if "body" in stations else pd.Series(np.nan, index=stations.index)
    return np.asarray(said.where(said.notna(), ids).to_numpy(dtype=object))


def _body_pairs(served: csr_array, names: np.ndarray, homes: Floats, people: Floats) -> pd.DataFrame:
    """Count for every two bodies whom they serve both."""
    both = (served > 0).astype(np.float64)
    shared, shared_people = ((both.T @ (both * count[:, None])).toarray() for count in (homes, people))
    one, other = np.nonzero(np.triu(shared > 0, k=1))
    return pd.DataFrame(
        {
            "one": names[one],
            "other": names[other],
            "households": np.rint(shared[one, other]).astype(np.int64),
            "people": np.rint(shared_people[one, other]).astype(np.int64),
        }
    )


def _cover(matrix: csr_array) -> Flags:
    """Choose the fewest columns so that every row has one."""
    count = matrix.shape[1]
    if matrix.shape[0] == 0:
        return np.zeros(count, dtype=bool)
    # Among equally few, those that come first: a little more for each place in the order, less than one in all.
    cost = 1 + np.arange(count) / (count * count + 1)
    done = milp(
        cost,
        constraints=LinearConstraint(matrix, 1, np.inf),
        integrality=np.ones(count),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    if done.status != 0:
        raise GridgeoError("no_solution", detail=done.message)
    kept: Flags = np.rint(done.x).astype(bool)
    return kept
