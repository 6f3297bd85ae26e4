"""The walking network: streets joined where they share a vertex, in metres, ready for exact distances.

Lines meet only where they share a vertex, as in OpenStreetMap: a bridge or a tunnel does not touch what it crosses.
Runs of street without a branch become one edge. Two networks of the same streets are the same, whatever the order and
the direction they were drawn in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.crs import require_metric
from gridgeo.errors import InputError, NetworkError
from gridgeo.network.chains import Chains, join_segments
from gridgeo.network.checks import check_geometry, point_coordinates
from gridgeo.network.lines import Lines, keep_rows, place_gates, read_lines
from gridgeo.network.measure import RANK_BITS, Flags, Floats, Ints, require_positive, to_units
from gridgeo.network.segments import SegmentGrid, index_segments
from gridgeo.network.visibility import Obstacles, find_obstacles

DEFAULT_MAX_ACCESS_M = 200.0
"""How far from a street a household or station may stand: the greatest distance between two pedestrian entrances of a
compound (GB 50180-2018, 6.0.4)."""


@dataclass(frozen=True, eq=False)
class Network:
    """A walkable network. Make one with `build_network`.

    Parameters
    ----------
    crs : pyproj.CRS
        Its metric system.
    streets : GeoDataFrame
        The streets it was built from, as given.
    barriers, gates : GeoDataFrame or None
        What access legs may not cross, and the only ways through.
    max_access_m : float
        The longest access leg.
    lines : Lines
        The walkable streets' vertices.
    node_xy : ndarray of float, shape (nodes, 2)
        Where the nodes are.
    edge_u, edge_v, edge_cost : ndarray of int64, shape (edges,)
        The edges' ends and lengths in units (see `gridgeo.network.measure`).
    segment_xy : ndarray of float, shape (segments, 4)
        The straight pieces that edges are drawn of: x and y of both ends, the lesser end first.
    segment_edge, segment_from, segment_to : ndarray of int64, shape (segments,)
        The edge a segment is part of, and how far along it, in units from its node u, the segment's ends lie.
    segment_row : ndarray of int64, shape (segments,)
        The row of the street it is part of.
    """

    crs: CRS
    streets: gpd.GeoDataFrame
    barriers: gpd.GeoDataFrame | None
    gates: gpd.GeoDataFrame | None
    max_access_m: float
    lines: Lines
    node_xy: Floats
    edge_u: Ints
    edge_v: Ints
    edge_cost: Ints
    segment_xy: Floats
    segment_edge: Ints
    segment_from: Ints
    segment_to: Ints
    segment_row: Ints

    @property
    def nodes(self) -> int:
        """How many nodes it has."""
        return len(self.node_xy)

    @property
    def edges(self) -> int:
        """How many edges it has."""
        return len(self.edge_u)

    @cached_property
    def links(self) -> csr_array:
        """The network as a matrix, both ways, in keys of rank 0; of parallel edges the shortest, loops left out."""
        real = self.edge_u != self.edge_v
        u, v, cost = self.edge_u[real], self.edge_v[real], self.edge_cost[real]
        row, column = np.concatenate([u, v]), np.concatenate([v, u])
        key = row * np.int64(max(self.nodes, 1)) + column
        order = np.argsort(key, kind="stable")
        key, cost = key[order], np.concatenate([cost, cost])[order]
        first = np.concatenate([[True], key[1:] != key[:-1]]) if len(key) else np.zeros(0, dtype=bool)
        least = np.minimum.reduceat(cost, np.flatnonzero(first)) if len(key) else cost
        row, column = row[order][first], column[order][first]
        start = np.searchsorted(row, np.arange(self.nodes + 1)).astype(np.int32)
        data = (least << RANK_BITS).astype(np.float64)
        return csr_array((data, column.astype(np.int32), start), shape=(self.nodes, self.nodes))

    @cached_property
    def segment_grid(self) -> SegmentGrid:
        """The segments, to be asked which is nearest."""
        return index_segments(self.segment_xy)

    @cached_property
    def obstacles(self) -> Obstacles | None:
        """What no access leg may cross; None where nothing is in the way."""
        return find_obstacles(self.barriers)

    @cached_property
    def open_gates_xy(self) -> Floats:
        """Where the open gates are; shape (gates, 2)."""
        if self.gates is None or len(self.gates) == 0:
            return np.zeros((0, 2))
        return point_coordinates(self.gates, layer="gates", crs=self.crs)[gates_open(self.gates)]

    def gates_xy(self, gate_ids: list[str]) -> Floats:
        """Return where certain gates are.

        Parameters
        ----------
        gate_ids : list of str
            The gates.

        Returns
        -------
        ndarray of float, shape (k, 2)
            Their places, in metres.
        """
        if self.gates is None:
            return np.zeros((0, 2))
        chosen = self.gates[self.gates["gate_id"].isin(gate_ids)]
        return point_coordinates(chosen, layer="gates", crs=self.crs)

    @cached_property
    def node_tree(self) -> cKDTree:
        """The nodes, to be asked which lie within a distance."""
        return cKDTree(self.node_xy)

    @cached_property
    def edges_at_node(self) -> tuple[Ints, Ints]:
        """Where each node's edges start in a list of edges, shape (nodes + 1,), and that list."""
        node = np.concatenate([self.edge_u, self.edge_v])
        order = np.argsort(node, kind="stable")
        start = np.searchsorted(node[order], np.arange(self.nodes + 1))
        return start, order % self.edges

    @cached_property
    def segments_of_edge(self) -> tuple[Ints, Ints]:
        """Where each edge's segments start in a list of segments, shape (edges + 1,), and that list."""
        order = np.argsort(self.segment_edge, kind="stable")
        return np.searchsorted(self.segment_edge[order], np.arange(self.edges + 1)), order

    @cached_property
    def island_of_node(self) -> Ints:
        """The island each node lies on, numbered from 0 by length of street, longest first; shape (nodes,)."""
        count, part = connected_components(self.links, directed=False)
        length = np.bincount(part[self.edge_u], weights=self.edge_cost, minlength=count)
        place = np.empty(count, dtype=np.int64)
        place[np.argsort(-length, kind="stable")] = np.arange(count)
        return np.asarray(place[part])


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
    walkable = streets["walkable"].to_numpy(dtype=bool) if "walkable" in streets else np.ones(len(streets), dtype=bool)
    if not walkable.any():
        raise NetworkError("no_streets")
    lines = read_lines(streets, rows=np.flatnonzero(walkable))
    if node_crossings:
        raise NotImplementedError
    if gates is not None:
        lines = place_gates(lines, point_coordinates(gates, layer="gates", crs=crs))
    if barriers is not None:
        require_metric(barriers, layer="barriers", crs=crs)
        check_geometry(np.asarray(barriers.geometry.array), layer="barriers", wanted="barrier")
    return _assemble(lines, crs, streets, barriers, gates, max_access_m)


def _assemble(
    lines: Lines,
    crs: CRS,
    streets: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    gates: gpd.GeoDataFrame | None,
    max_access_m: float,
) -> Network:
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
    chains, node_xy = _join(first, second, cost, vertex_xy, vertex_gate, gates)
    return Network(
        crs=crs,
        streets=streets,
        barriers=barriers,
        gates=gates,
        max_access_m=max_access_m,
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
    )


def _join(
    first: Ints,
    second: Ints,
    cost: Ints,
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
    chains = join_segments(first, second, cost, vertices=len(vertex_xy), keep=keep)
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


def gates_open(gates: gpd.GeoDataFrame) -> Flags:
    """Tell which gates are open.

    Parameters
    ----------
    gates : GeoDataFrame
        The gates.

    Returns
    -------
    ndarray of bool
        Their column ``open``; all true where there is none.
    """
    return gates["open"].to_numpy(dtype=bool) if "open" in gates else np.ones(len(gates), dtype=bool)


def close_streets(network: Network, street_ids: list[str]) -> Network:
    """Return the network without certain streets.

    Parameters
    ----------
    network : Network
        The network.
    street_ids : list of str
        The streets that can no longer be walked.

    Returns
    -------
    Network
        A new network: what `build_network` makes when these rows are not walkable.

    Raises
    ------
    InputError
        If there is no such street.
    """
    ids = network.streets["street_id"]
    unknown = set(street_ids) - set(ids)
    if unknown:
        raise InputError("unknown_street", value=", ".join(sorted(unknown)))
    shut = ids.isin(street_ids).to_numpy(dtype=bool)
    walkable = network.streets["walkable"].to_numpy(dtype=bool) if "walkable" in network.streets else True
    streets = network.streets.assign(walkable=walkable & ~shut)
    lines = keep_rows(network.lines, ~shut)
    if len(lines.xy) == 0:
        raise NetworkError("no_streets")
    return _assemble(lines, network.crs, streets, network.barriers, network.gates, network.max_access_m)


def set_gates(network: Network, is_open: dict[str, bool]) -> Network:
    """Return the network with certain gates opened or closed.

    Parameters
    ----------
    network : Network
        The network.
    is_open : dict
        Gate id → whether it is open from now on.

    Returns
    -------
    Network
        A new network: what `build_network` makes of these gates.

    Raises
    ------
    InputError
        If there is no such gate.
    """
    ids = network.gates["gate_id"].tolist() if network.gates is not None else []
    unknown = set(is_open) - set(ids)
    if unknown or network.gates is None:
        raise InputError("unknown_gate", value=", ".join(sorted(unknown)))
    before = network.gates["open"] if "open" in network.gates else pd.Series(data=True, index=network.gates.index)
    after = network.gates["gate_id"].map(is_open).astype("object")
    gates = network.gates.assign(open=after.where(after.notna(), before).astype(bool))
    if "hours" in gates:
        gates = gates.assign(hours=gates["hours"].where(~gates["gate_id"].isin(is_open), None))
    return replace(
        _assemble(network.lines, network.crs, network.streets, network.barriers, gates, network.max_access_m),
    )
