"""Zonings as labels of blocks, and how far two of them are apart.

Two zonings name their zones each in its own way, so zones are first paired one to one such that the paired zones have
the most households in common (the assignment problem, `scipy.optimize.linear_sum_assignment`). The households outside
the pairs would have to move: the fewest for one zoning to become the other. This distance is a metric (Gusfield,
*Partition-distance*, 2002), so going through a third zoning never takes fewer moves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array

from gridgeo.errors import Fault, InputError
from gridgeo.network.measure import Flags, Floats, Ints
from gridgeo.plan import Plan, locate_in_units

LEVEL = "level:"
"""What stands before the name of a level of the plan where a zoning is asked for."""


@dataclass(frozen=True, eq=False)
class Ground:
    """The blocks with what lives there and the zone of each in several zonings.

    Parameters
    ----------
    blocks : GeoDataFrame
        The plan's blocks.
    households : ndarray of float, shape (blocks,)
        How many live in each.
    names : tuple of str
        The zonings.
    zones : tuple of Index
        The zones of each zoning, in order.
    labels : ndarray of int64, shape (zonings, blocks)
        The zone of each block as a place in `zones`; -1 for none.
    """

    blocks: gpd.GeoDataFrame
    households: Floats
    names: tuple[str, ...]
    zones: tuple[pd.Index, ...]
    labels: Ints

    @property
    def weight(self) -> Floats:
        """The households, and a trace of the area: ground that nobody lives on goes with the most of its kind."""
        area = self.blocks.area.to_numpy()
        weight: Floats = self.households + area / area.sum() / 4
        return weight

    def zone_ids(self, zoning: int) -> pd.Series:
        """Return the zone of each block by its id.

        Parameters
        ----------
        zoning : int
            Which zoning.

        Returns
        -------
        Series of str, length blocks
            The zones; missing for none.
        """
        ids = np.array([*self.zones[zoning], None], dtype=object)
        return pd.Series(ids[self.labels[zoning]], index=self.blocks.index, dtype="str")


def lay_out(plan: Plan, zonings: Iterable[str] | None = None) -> Ground:
    """Return the plan's blocks with their zones.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks, households and zonings.
    zonings : iterable of str, optional
        Which zonings: names in the layer ``zonings``, or ``level:<level>`` for a level of the plan. All of the layer
        when left out, by name.

    Returns
    -------
    Ground
        The blocks and their zones.

    Raises
    ------
    MissingDataError
        If the plan has no blocks, or no zonings where they are asked for.
    InputError
        If there is no such zoning or level, or a zoning names blocks that the plan has not got: every row is named.
    """
    plan.require("blocks")
    known = sorted(plan.zonings["zoning"].unique())
    if zonings is None:
        plan.require("zonings")
    names = tuple(known if zonings is None else dict.fromkeys(zonings))
    homes = plan.households.groupby("block_id")["households"].sum()
    households = plan.blocks["block_id"].map(homes).fillna(0).to_numpy(dtype=np.float64)
    zones, labels = [], []
    for name in names:
        ids = _level_of(plan, name.removeprefix(LEVEL)) if name.startswith(LEVEL) else _zoning_of(plan, name, known)
        found = pd.Index(sorted(ids.dropna().unique()))
        zones.append(found)
        labels.append(np.where(ids.notna(), found.get_indexer(ids.fillna("")), -1).astype(np.int64))
    return Ground(plan.blocks, households, names, tuple(zones), np.array(labels).reshape(len(names), -1))


def _zoning_of(plan: Plan, name: str, known: list[str]) -> pd.Series:
    rows = plan.zonings[plan.zonings["zoning"] == name]
    if rows.empty:
        raise InputError("unknown_zoning", value=name, allowed=", ".join(known) or "-")
    strange = rows[~rows["block_id"].isin(plan.blocks["block_id"])]
    if len(strange):
        faults = [
            Fault(key="dangling_reference", layer="zonings", row=int(row) + 1, column="block_id", value=block)
            for row, block in strange["block_id"].items()
        ]
        raise InputError("faults_in_layer", faults=faults, layer="zonings", count=len(faults))
    zones: pd.Series = plan.blocks["block_id"].map(rows.set_index("block_id")["zone_id"]).astype("str")
    return zones


def _level_of(plan: Plan, level: str) -> pd.Series:
    known = [each.level for each in plan.info.levels]
    if level not in known:
        raise InputError("unknown_choice", value=level, allowed=", ".join(known))
    points = plan.blocks.set_geometry(plan.blocks.representative_point())[["geometry"]]
    units: pd.Series = locate_in_units(plan, points)[f"{level}_id"]
    return units


def pair_zones(one: Ints, other: Ints, weight: Floats) -> Ints:
    """Pair the zones of two zonings so that they have the most in common.

    Parameters
    ----------
    one, other : ndarray of int64, shape (blocks,)
        The zone of each block; -1 for none.
    weight : ndarray of float, shape (blocks,)
        What counts.

    Returns
    -------
    ndarray of int64, shape (zones of one,)
        The zone of the other that each is paired with; -1 for none.
    """
    pair = np.full(int(one.max(initial=-1)) + 1, -1, dtype=np.int64)
    both = (one >= 0) & (other >= 0)
    if both.any():
        shape = (len(pair), int(other.max()) + 1)
        common = coo_array((weight[both], (one[both], other[both])), shape=shape).toarray()
        rows, columns = linear_sum_assignment(common, maximize=True)
        some = common[rows, columns] > 0
        pair[rows[some]] = columns[some]
    return pair


def moved_blocks(one: Ints, other: Ints, weight: Floats) -> Flags:
    """Tell which blocks must change their zone for one zoning to become the other.

    Parameters
    ----------
    one, other : ndarray of int64, shape (blocks,)
        The zone of each block; -1 for none.
    weight : ndarray of float, shape (blocks,)
        What counts.

    Returns
    -------
    ndarray of bool, shape (blocks,)
        True for a block that both zone, but not into paired zones.
    """
    pair = np.append(pair_zones(one, other, weight), -2)
    moved: Flags = (one >= 0) & (other >= 0) & (pair[one] != other)
    return moved


def rand_index(one: Ints, other: Ints, households: Floats) -> float:
    """Return the share of pairs of households that two zonings treat alike: both together, or both apart.

    Parameters
    ----------
    one, other : ndarray of int64, shape (blocks,)
        The zone of each block; blocks that one of them leaves out do not count.
    households : ndarray of float, shape (blocks,)
        How many live in each.

    Returns
    -------
    float
        From 0 to 1 (Rand, 1971); NaN for fewer than two households.
    """
    both = (one >= 0) & (other >= 0)
    one, other, counts = one[both], other[both], households[both]

    def pairs(number: Floats) -> float:
        return float((number * (number - 1) / 2).sum())

    every = pairs(np.array([counts.sum()]))
    if not every > 0:
        return float("nan")
    width = int(other.max()) + 1
    together, first, second = (
        pairs(np.bincount(key, weights=counts).astype(np.float64)) for key in (one * width + other, one, other)
    )
    return (every + 2 * together - first - second) / every
