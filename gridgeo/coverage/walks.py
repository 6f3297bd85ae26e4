"""The walk of one household to its station, drawn, and if it is too long or there is none, why."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from gridgeo.coverage.model import REASONS, Coverage
from gridgeo.coverage.roster import pick_access
from gridgeo.errors import InputError
from gridgeo.network import Network
from gridgeo.network.access import Access, snap_points
from gridgeo.network.edits import set_gates
from gridgeo.network.graph import gates_open
from gridgeo.network.lines import GATE_TOLERANCE_M
from gridgeo.network.measure import UNIT_BITS, Floats, Ints, limit_units
from gridgeo.network.paths import Path, draw_leg, draw_path, find_path

_SAME_SPOT_M = 1e-4
"""Points of a drawn walk nearer to each other than this are one."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Walk:
    """One household's walk to a station. Made by `trace_walk`.

    Parameters
    ----------
    household_id : object
        The household.
    station_id : str or None
        The station it walks to; None where no walk leads to any.
    distance_m : float
        The walking distance in metres; inf where there is no walk.
    straight_m : float
        The straight line to the same station; to the nearest one where there is no walk.
    nearest_id : str or None
        The station nearest in a straight line, whether or not one can walk there.
    covered : bool
        Whether the walk is within the cutoff.
    reason : str
        Why the household is not covered, see `gridgeo.coverage.REASONS`; empty for one that is.
    cause : str
        What is to blame: ``closed_gate`` (with all gates open it would be covered), ``too_far``, ``no_path`` (near in a
        straight line but far on foot, or no street within reach), ``island`` (its streets lead to no station); empty
        for a covered household.
    gate_ids : tuple of str
        The closed gates on that walk.
    parts : GeoDataFrame of LineString
        The walk in order, piece by piece, from the household: ``part`` (``leg`` or ``street``), ``street_id``,
        ``name`` and ``street_class`` of the street (missing for a leg or where the streets have none), ``by_gate``
        (whether a leg leads through an open gate), ``walk_m`` (what counts: the sum is `distance_m`), ``geometry``.
        Empty where there is no walk.
    """

    household_id: object
    station_id: str | None
    distance_m: float
    straight_m: float
    nearest_id: str | None
    covered: bool
    reason: str
    cause: str
    gate_ids: tuple[str, ...]
    parts: gpd.GeoDataFrame

    @property
    def line(self) -> shapely.LineString:
        """The whole walk as one line; empty where there is none."""
        xy = shapely.get_coordinates(self.parts.geometry.array)
        if len(xy) == 0:
            return shapely.LineString()
        new = np.concatenate([[True], np.hypot(*np.diff(xy, axis=0).T) > _SAME_SPOT_M])
        # Who stands on the very spot of the station walks nowhere: a line of two equal points.
        return shapely.LineString(xy[new] if new.sum() > 1 else xy[[0, -1]])


def trace_walk(coverage: Coverage, household_id: object, *, station_id: str | None = None) -> Walk:
    """Draw the walk of a household to its station, and say what is wrong where it is not covered.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    household_id : object
        The household, by its ``household_id``.
    station_id : str, optional
        Another station than the one it walks to.

    Returns
    -------
    Walk
        The walk. Its line is as long as its distance, but for rounding (a millimetre, and 4 µm a segment), where
        streets count as long as they are drawn: not with a ``length_m`` of their own, nor for a time of walking.

    Raises
    ------
    InputError
        If there is no such household, or no such station counts.
    """
    row = _find_household(coverage, household_id)
    home = pick_access(coverage.household_access, np.array([row]))
    slot = int(coverage.slots[row]) if station_id is None else coverage.roster.find(station_id)
    post = pick_access(coverage.roster.access, np.array([slot])) if slot >= 0 else None
    path = find_path(coverage.network, home, post) if post is not None else None
    units = _walk_units(home, path, post)
    covered = units is not None and units <= limit_units(coverage.cutoff_m)
    code = 0 if covered else 1 if units is not None else 3 if home.edge[0] < 0 else 2
    cause, gate_ids = ("", ()) if covered else _blame(coverage, row, home)
    nearest = _nearest_slot(coverage, home.xy)
    spot = home.xy if nearest < 0 else coverage.roster.access.xy[[slot if slot >= 0 else nearest]]
    return Walk(
        household_id=household_id,
        station_id=str(coverage.roster.ids[slot]) if path is not None else None,
        distance_m=round(units / (1 << UNIT_BITS), 3) if units is not None else float("inf"),
        straight_m=round(float(np.hypot(*(spot - home.xy).T)[0]), 3) if nearest >= 0 else float("inf"),
        nearest_id=str(coverage.roster.ids[nearest]) if nearest >= 0 else None,
        covered=covered,
        reason=REASONS[code],
        cause=cause,
        gate_ids=gate_ids,
        parts=_draw_parts(coverage.network, home, path, post),
    )


def name_causes(coverage: Coverage, rows: Ints) -> npt.NDArray[np.object_]:
    """Say for households that are not covered what is to blame.

    Parameters
    ----------
    coverage : Coverage
        The coverage.
    rows : ndarray of int64, shape (n,)
        The households.

    Returns
    -------
    ndarray of str, shape (n,)
        ``too_far``, ``no_path`` or ``island``, see `Walk`.
    """
    reason = np.array(REASONS, dtype=object)[coverage.reason_codes[rows]]
    near = coverage.nearest_straight_m(rows) <= coverage.cutoff_m
    cause = np.where((reason == "beyond_cutoff") & ~near, "too_far", "no_path").astype(object)
    cause[reason == "unreachable"] = "island"
    return cause


def _find_household(coverage: Coverage, household_id: object) -> int:
    given = coverage.source
    ids = given["household_id"].to_numpy() if "household_id" in given else given.index.to_numpy()
    found = np.flatnonzero(ids == household_id)
    if len(found) == 0:
        raise InputError("unknown_household", value=household_id)
    return int(found[0])


def _nearest_slot(coverage: Coverage, xy: Floats) -> int:
    counted = np.flatnonzero(coverage.roster.active)
    if len(counted) == 0:
        return -1
    return int(counted[cKDTree(coverage.roster.access.xy[counted]).query(xy[0])[1]])


def _walk_units(home: Access, path: Path | None, post: Access | None) -> int | None:
    if path is None or post is None:
        return None
    return int(home.leg[0]) + int(np.abs(path.stop - path.start).sum()) + int(post.leg[0])


def _draw_parts(network: Network, home: Access, path: Path | None, post: Access | None) -> gpd.GeoDataFrame:
    """Draw the walk: a leg, a piece for every run along one street, a leg."""
    columns = [name for name in ("street_id", "name", "street_class") if name in network.streets]
    parts: dict[str, list[object]] = {name: [] for name in ("part", *columns, "by_gate", "walk_m")}
    shapes: list[shapely.LineString] = []

    def add(part: str, xy: Floats, units: int, row: int | None = None, *, by_gate: bool = False) -> None:
        street = {name: None if row is None else network.streets[name].iloc[row] for name in columns}
        for name, value in ({"part": part, "by_gate": by_gate, "walk_m": units / (1 << UNIT_BITS)} | street).items():
            parts[name].append(value)
        shapes.append(shapely.LineString(xy))

    if path is not None and post is not None:
        xy, by_gate = draw_leg(network, home)
        add("leg", xy, int(home.leg[0]), by_gate=by_gate)
        segment, units, ends = draw_path(network, path)
        rows = network.segment_row[segment]
        run = np.flatnonzero(np.concatenate([[True], rows[1:] != rows[:-1]])) if len(rows) else rows
        bound = [*run.tolist(), len(rows)]
        # Waits at crossings lie between the pieces; what is left at the end is the last piece's.
        total = int(np.abs(path.stop - path.start).sum())
        told = [*units[run[1:] - 1].tolist(), total] if len(run) else []
        for (first, last), begin, end in zip(pairwise(bound), [0, *told], told, strict=False):
            add(
                "street", np.concatenate([ends[first:last, 0], ends[last - 1 : last, 1]]), end - begin, int(rows[first])
            )
        xy, by_gate = draw_leg(network, post)
        add("leg", xy[::-1], int(post.leg[0]) + (0 if told else total), by_gate=by_gate)
    frame = pd.DataFrame(parts).astype(dict.fromkeys(("part", *columns), "str") | {"by_gate": bool, "walk_m": float})
    return gpd.GeoDataFrame(frame, geometry=shapes, crs=network.crs)


def _blame(coverage: Coverage, row: int, home: Access) -> tuple[str, tuple[str, ...]]:
    """Name what keeps a household from being covered; closed gates only where opening all of them would help."""
    gate_ids = _gates_in_the_way(coverage, home)
    if gate_ids:
        return "closed_gate", gate_ids
    return str(name_causes(coverage, np.array([row]))[0]), ()


def _gates_in_the_way(coverage: Coverage, home: Access) -> tuple[str, ...]:
    """List the closed gates on the walk that the household would have if all gates nearby were open."""
    network, roster = coverage.network, coverage.roster
    reach = coverage.cutoff_m + network.max_access_m
    near = np.flatnonzero(roster.active & (np.hypot(*(roster.access.xy - home.xy).T) <= reach))
    if network.gates is None or len(near) == 0:
        return ()
    shut = network.gates[~gates_open(network.gates)]
    shut = shut[np.asarray(shapely.dwithin(shut.geometry.array, shapely.Point(home.xy[0]), reach), dtype=bool)]
    if len(shut) == 0:
        return ()
    opened = set_gates(network, dict.fromkeys(shut["gate_id"], True))
    there, posts = snap_points(opened, home.xy), snap_points(opened, roster.access.xy[near])
    best: tuple[int, shapely.Geometry] | None = None
    for place in range(len(near)):
        post = pick_access(posts, np.array([place]))
        path = find_path(opened, there, post)
        units = _walk_units(there, path, post)
        if units is not None and units <= limit_units(coverage.cutoff_m) and (best is None or units < best[0]):
            best = (units, shapely.union_all(_draw_parts(opened, there, path, post).geometry.array))
    if best is None:
        return ()
    return tuple(shut["gate_id"][np.asarray(shapely.dwithin(shut.geometry.array, best[1], GATE_TOLERANCE_M))])
