"""From streets to a network: vertices numbered, gates placed, segments joined to edges."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from gridgeo.crs import require_metric
from gridgeo.errors import InputError, NetworkError
from gridgeo.network.chains import Chains, join_segments
from gridgeo.network.checks import check_geometry, point_coordinates
from gridgeo.network.columns import read_flags, read_numbers
from gridgeo.network.crossings import join_crossings
from gridgeo.network.graph import DEFAULT_MAX_ACCESS_M, Network, gates_open
from gridgeo.network.lines import Lines, place_gates, read_lines
from gridgeo.network.measure import Floats, Ints, require_positive, to_units


def build_network(
    streets: gpd.GeoDataFrame,
    *,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    node_crossings: bool = False,
    max_access_m: float = DEFAULT_MAX_ACCESS_M,
) -> Network:
    """Build the walking network of streets.

    Streets meet where they share a vertex. Zero-length lines vanish, duplicate lines count once, parallel edges and
    loops stay. A mapped street passes a barrier (the map is the evidence), except where a closed gate stands on it.

    Parameters
    ----------
    streets : GeoDataFrame of LineString or MultiLineString
        The streets in metres. Optional columns: ``walkable`` (only true rows are used), ``street_id``, ``name``,
        ``street_class``, ``bridge``, ``tunnel``, ``layer``, and ``length_m``, a line's true walking length where it
        differs from the drawn one.
    barriers : GeoDataFrame of lines or polygons, optional
        What an access leg may not cross; ``barrier_kind`` says what it is.
    gates : GeoDataFrame of Point, optional
        The ways through barriers; ``open`` (bool) says whether one is open, and is true where there is no such column.
    node_crossings : bool, optional
        Also join lines where they cross without a shared vertex, unless they lie on different levels (``layer``,
        ``bridge``, ``tunnel``): for official data that was drawn without nodes.
    max_access_m : float, optional
        The longest leg from a household or station to its street, in metres.

    Returns
    -------
    Network
        The network.

    Raises
    ------
    CRSError
        If a layer is not in metres, or not in the streets' system.
    InputError
        If a layer has a geometry that cannot be used, or `max_access_m` is not above zero.
    NetworkError
        If no street can be walked, or a street's ``length_m`` is shorter than its chord.
    """
    if not isinstance(streets, gpd.GeoDataFrame) or streets.active_geometry_name is None:
        raise InputError("not_geographic_frame", layer="streets")
    crs = require_metric(streets, layer="streets")
    max_access_m = require_positive(max_access_m, key="bad_max_access")
    walkable = read_flags(streets, "walkable", layer="streets", default=True)
    if not walkable.any():
        raise NetworkError("no_streets")
    lines = read_lines(streets, rows=np.flatnonzero(walkable))
    if node_crossings:
        lines = join_crossings(lines, levels=_levels(streets))
    if gates is not None:
        gates_open(gates)
        lines = place_gates(lines, point_coordinates(gates, layer="gates", crs=crs))
    if barriers is not None:
        require_metric(barriers, layer="barriers", crs=crs)
        check_geometry(np.asarray(barriers.geometry.array), layer="barriers", wanted="barrier")
    named = pd.DataFrame(streets.drop(columns=streets.active_geometry_name))
    ground = Ground(crs=crs, streets=named, barriers=barriers, gates=gates, max_access_m=max_access_m)
    return assemble(ground, lines)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a network stands on besides its lines; a `Network` serves as well.

    Parameters
    ----------
    crs : pyproj.CRS
        The metric system.
    streets : DataFrame
        The streets' columns.
    barriers, gates : GeoDataFrame or None
        What parts and what joins.
    max_access_m : float
        The longest access leg.
    """

    crs: CRS
    streets: pd.DataFrame
    barriers: gpd.GeoDataFrame | None
    gates: gpd.GeoDataFrame | None
    max_access_m: float


def assemble(ground: Ground | Network, lines: Lines, *, waits_m: Floats | None = None) -> Network:
    """Put a network together from lines.

    Parameters
    ----------
    ground : Ground or Network
        What it stands on.
    lines : Lines
        The streets' vertices, the gates' among them.
    waits_m : ndarray of float, shape (streets,), optional
        What crossing each street costs, in metres.

    Returns
    -------
    Network
        The network.

    Raises
    ------
    NetworkError
        If no line has a length.
    """
    vertex, vertex_xy, vertex_gate = _number_vertices(lines)
    start = lines.segments()
    units = to_units(lines.along_m)
    first, second = vertex[start], vertex[start + 1]
    # The lesser vertex first, the segments in the order of their vertices: nothing depends on how lines were drawn.
    first, second = np.minimum(first, second), np.maximum(first, second)
    cost = units[start + 1] - units[start]
    order = np.lexsort((lines.row[start], cost, second, first))
    first, second, cost, start = first[order], second[order], cost[order], start[order]
    real = first != second
    real[1:] &= (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    first, second, cost, row = first[real], second[real], cost[real], lines.row[start[real]]
    if len(first) == 0:
        raise NetworkError("no_streets")
    waits = _crossing_waits(first, second, row, waits_m)
    chains, node_xy = _join(first, second, cost, waits, vertex_xy, vertex_gate, ground.gates)
    return Network(
        crs=ground.crs,
        streets=ground.streets,
        barriers=ground.barriers,
        gates=ground.gates,
        max_access_m=ground.max_access_m,
        lines=lines,
        node_xy=node_xy,
        edge_u=chains.edge_u,
        edge_v=chains.edge_v,
        edge_cost=chains.edge_cost,
        segment_xy=np.hstack([vertex_xy[first], vertex_xy[second]]),
        segment_edge=chains.segment_edge,
        segment_from=chains.segment_from,
        segment_to=chains.segment_to,
        segment_row=row,
        waits_m=waits_m,
    )


def _crossing_waits(first: Ints, second: Ints, row: Ints, waits_m: Floats | None) -> tuple[Ints, Ints]:
    """Charge half a wait at each end of a segment that meets a street with a longer one."""
    if waits_m is None or not waits_m.any():
        none = np.zeros(len(first), dtype=np.int64)
        return none, none
    own = waits_m[row]
    longest = np.zeros(int(max(first.max(), second.max())) + 1)
    for end in (first, second):
        np.maximum.at(longest, end, own)
    at_first, at_second = (to_units(np.where(longest[end] > own, longest[end] / 2, 0.0)) for end in (first, second))
    return at_first, at_second


def _levels(streets: gpd.GeoDataFrame) -> Floats:
    """Return the level of each street: its layer, or one up for a bridge and one down for a tunnel without."""
    bridge, tunnel = (read_flags(streets, name, layer="streets", default=False) for name in ("bridge", "tunnel"))
    layer = np.zeros(len(streets))
    if "layer" in streets:
        layer = np.nan_to_num(read_numbers(streets, "layer", layer="streets", missing=True))
    return np.where(layer == 0, bridge.astype(np.float64) - tunnel, layer)


def _join(
    first: Ints,
    second: Ints,
    cost: Ints,
    waits: tuple[Ints, Ints],
    vertex_xy: Floats,
    vertex_gate: Ints,
    gates: gpd.GeoDataFrame | None,
) -> tuple[Chains, Floats]:
    """Join segments to edges; at a closed gate every segment ends in a vertex of its own."""
    keep = vertex_gate >= 0
    if gates is not None and keep.any():
        shut = keep & ~gates_open(gates)[vertex_gate]
        ends = np.concatenate([first, second])
        at = np.flatnonzero(shut[ends])
        ends[at] = len(vertex_xy) + np.arange(len(at))
        vertex_xy = np.concatenate([vertex_xy, vertex_xy[np.concatenate([first, second])[at]]])
        keep = np.concatenate([keep, np.ones(len(at), dtype=bool)])
        first, second = ends[: len(first)], ends[len(first) :]
    chains = join_segments(first, second, cost, waits=waits, vertices=len(vertex_xy), keep=keep)
    return chains, vertex_xy[chains.vertex_node >= 0]


def _number_vertices(lines: Lines) -> tuple[Ints, Floats, Ints]:
    """Give the distinct vertices numbers along a space-filling curve, so that neighbours are near in memory."""
    spot, distinct = pd.factorize(lines.xy[:, 0] + 1j * lines.xy[:, 1])
    xy = np.column_stack([distinct.real, distinct.imag])
    order = np.lexsort((xy[:, 1], xy[:, 0], _curve_position(xy)))
    place = np.empty(len(xy), dtype=np.int64)
    place[order] = np.arange(len(xy))
    vertex = place[spot]
    gate = np.full(len(xy), -1, dtype=np.int64)
    np.maximum.at(gate, vertex, lines.gate)
    return vertex, xy[order], gate


def _curve_position(xy: Floats) -> Ints:
    """Return the place of points on a Z-shaped curve over squares of 1 m; it does not depend on the other points."""
    cell = np.clip(np.floor(xy), -(2.0**30), 2.0**30).astype(np.int64) + (1 << 30)
    code = np.zeros(len(xy), dtype=np.int64)
    for axis in (0, 1):
        spread = cell[:, axis]
        for shift, mask in _SPREAD:
            spread = (spread | (spread << shift)) & mask
        code |= spread << axis
    return code


# Put a gap of one bit between the bits of a 31-bit number, halving the run of bits that stay together each time.
_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)
