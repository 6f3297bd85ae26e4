"""The walking network: streets joined where they share a vertex, in metres, ready for exact distances.

Lines meet only where they share a vertex, as in OpenStreetMap: a bridge or a tunnel does not touch what it crosses.
Runs of street without a branch become one edge. Two networks of the same streets are the same, whatever the order and
the direction they were drawn in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gridgeo.network.checks import point_coordinates
from gridgeo.network.columns import read_flags
from gridgeo.network.gateways import Gateways, find_gateways
from gridgeo.network.lines import Lines
from gridgeo.network.measure import RANK_BITS, Flags, Floats, Ints
from gridgeo.network.person import Person
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
    streets : DataFrame
        The columns of the streets it was built from, as given; their shapes are in `lines`.
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
    waits_m : ndarray of float, shape (streets,), optional
        What crossing each street costs, in metres; see `gridgeo.network.persons`.
    plain, person, timed : optional
        The network before it was adapted to a person, the person, and whether lengths stand for time.
    """

    crs: CRS
    streets: pd.DataFrame
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
    waits_m: Floats | None = None
    plain: Network | None = None
    person: Person | None = None
    timed: bool = False

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

    @cached_property
    def gateways(self) -> Gateways | None:
        """The open gates, and where the walk leads on from each; None where there is none, or nothing to go through."""
        if self.obstacles is None or len(self.open_gates_xy) == 0:
            return None
        return find_gateways(self.open_gates_xy, self.segment_grid, self.obstacles, reach_m=self.max_access_m)

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
    return read_flags(gates, "open", layer="gates", default=True)
