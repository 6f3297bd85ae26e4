"""One zoning for all: the departments' grids merged, on the same blocks and by the same rules as any partition.

The zoning sought moves the fewest households, summed over the departments. On a small ground every zone that keeps the
rules (in the band, in one piece on foot, within one community) is listed, and the best set of them is chosen exactly.
On a larger one each department's own zoning, and the labels that most of them agree on block by block, are mended by
the partition's own search until they keep the rules; then single blocks change sides, and the best of these is cut anew
window by window, each window exactly. Since the distance between zonings is a metric, no zoning at all can do with
fewer moves than the sum of the distances between every two of the ``n`` departments, divided by ``n - 1``: this bound
is told beside the result.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.blocks.edges import read_borders
from gridgeo.errors import InputError, PartitionError
from gridgeo.network.measure import Ints
from gridgeo.partition import (
    Objective,
    Partition,
    assign_codes,
    community_sequence,
    dissolve_grids,
    measure_partition,
)
from gridgeo.partition.atoms import Atoms, make_atoms, pair_table
from gridgeo.partition.divide import search_from
from gridgeo.partition.feasibility import find_infeasible
from gridgeo.partition.grid_layer import name_grids
from gridgeo.partition.options import check_options, read_band
from gridgeo.partition.search import Task, count_all
from gridgeo.plan import Plan
from gridgeo.zonings.cover import choose_zones, list_zones
from gridgeo.zonings.labels import Ground, lay_out, moved_blocks, pair_zones
from gridgeo.zonings.polish import Sides, polish_labels
from gridgeo.zonings.windows import fill_ground, improve_labels

_GOAL = Objective(balance=0.01, band=40.0, compactness=0.2, street=0.4, move=12.0)
"""Moves count before beauty here; what is left of it decides between equals."""

_ROUNDS = 20
_MOST_TRIED, _MOST_ZONES = 200_000, 4_000
"""Up to how many sets of blocks, and zones among them, a ground is small."""


@dataclass(frozen=True, eq=False)
class Merge:
    """One zoning for all. Made by `merge_zonings`.

    Parameters
    ----------
    partition : Partition
        The zoning as a partition; `gridgeo.check_partition` names what is wrong with it.
    rows : DataFrame
        Rows for the plan's layer ``zonings``, named as asked for.
    moved : DataFrame
        For each department: ``zoning``, ``zones``, ``households_moved`` and ``share_moved`` from its zoning to this
        one, and for comparison ``overlay_moved`` (to the plain overlay, where every piece is a zone of its own) and
        ``best_single_moved`` (to that department's zoning which moves the fewest in all, whether it keeps the rules or
        not).
    summary : dict
        ``zones``, ``overlay_zones``, ``households``, ``households_moved`` (summed over the departments),
        ``overlay_moved``, ``best_single``, ``best_single_moved``, ``lower_bound`` (None where a zoning leaves blocks
        out), ``in_band``, ``started_from`` (a zoning, ``"consensus"``, or ``"exact"``), ``proven`` (whether no zoning
        that keeps the rules moves fewer).
    """

    partition: Partition
    rows: pd.DataFrame
    moved: pd.DataFrame
    summary: dict[str, Any]


def merge_zonings(
    plan: Plan,
    *,
    households_per_grid: tuple[float, float] = (300, 500),
    zonings: Iterable[str] | None = None,
    name: str = "merged",
    seed: int = 0,
    effort: float = 1.0,
) -> Merge:
    """Propose the one zoning that moves the fewest households against the departments'.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks, households and zonings.
    households_per_grid : (float, float), optional
        The band: how many households a zone holds at least and at most.
    zonings : iterable of str, optional
        Which zonings; all when left out.
    name : str, optional
        What the new zoning is called.
    seed : int, optional
        Same seed, same zoning.
    effort : float, optional
        How long to search, as a multiple of the usual.

    Returns
    -------
    Merge
        The zoning, and how many households it moves.

    Raises
    ------
    MissingDataError
        If the plan has no blocks or no zonings.
    InputError
        If there is no such zoning, or one names blocks that the plan has not got.
    PartitionError
        If there are no households, or the band is none.
    """
    ground = lay_out(plan, zonings)
    if len(ground.names) == 0:
        raise InputError("unknown_zoning", value="-", allowed="-")
    low, high = read_band(households_per_grid)
    check_options(None, seed=seed, effort=effort, pool=0)
    blocks = _weigh_blocks(plan, ground)
    atoms = _lay_atoms(blocks, low)
    sides = Sides(atoms.start, atoms.end, atoms.walkable, atoms.region, atoms.weight, low, high)
    label, proven = _solve(sides, ground)
    which = "exact"
    if label is None:
        label, which = _search(atoms, sides, ground, seed=seed, effort=effort)
    label = polish_labels(sides, label, ground.labels, ground.weight)
    made = _make_partition(plan, blocks, atoms, label, (low, high))
    return _tell(ground, made, label, which, name, proven=proven)


def _solve(sides: Sides, ground: Ground) -> tuple[Ints | None, bool]:
    """Cut a small ground as well as can be, where every zone keeps the band; whether that is proven."""
    zones = list_zones(sides, most=_MOST_TRIED, zones=_MOST_ZONES)
    if zones is None:
        return None, False
    found = choose_zones(zones, ground.labels, ground.households)
    if found is None:
        return None, False
    label = fill_ground(sides, found[0])
    # Ground that nobody lives on and no zone touches is a zone of its own.
    return np.where(label < 0, len(zones) + sides.region, label), found[1]


def _search(atoms: Atoms, sides: Sides, ground: Ground, *, seed: int, effort: float) -> tuple[Ints, str]:
    """Mend every department's zoning, and what most agree on; the best of them is cut anew window by window."""
    every = {which: ground.labels[at] for at, which in enumerate(ground.names)}
    every["consensus"] = agree_labels(ground)
    nobody = np.full(len(atoms), -1, dtype=np.int64)
    # A block above the band is a zone of its own: the search takes it for one that is just full.
    capped = replace(atoms, weight=np.minimum(atoms.weight, sides.high))
    free = np.zeros(len(atoms), dtype=bool)
    task = Task(capped, sides.low, sides.high, _GOAL, free, nobody, count_all(atoms, sides.low, sides.high))
    found = {}
    for which, start in every.items():
        label = np.unique(search_from(_named(start), task, seed=seed, effort=effort), return_inverse=True)[1]
        found[which] = polish_labels(sides, label.astype(np.int64), ground.labels, ground.weight)
    which = min(found, key=lambda each: _score(sides, ground, found[each]))
    return improve_labels(sides, found[which], ground.labels, ground.weight), which


def _score(sides: Sides, ground: Ground, label: Ints) -> tuple[int, float]:
    """Judge a zoning: zones outside the band, then households moved."""
    held = np.bincount(label, weights=sides.load)
    return int(((held < sides.low) | (held > sides.high)).sum()), _moved(ground, label)


def agree_labels(ground: Ground) -> Ints:
    """Find the labels that most departments agree on, block by block.

    Departments' zones are paired with the labels found so far, each block goes where most departments see it, and this
    is repeated while the sum of moves falls. It starts from the zoning that moves the fewest.

    Parameters
    ----------
    ground : Ground
        The blocks and their zones.

    Returns
    -------
    ndarray of int64, shape (blocks,)
        The labels; -1 where no department has the block.
    """
    weight, labels = ground.weight, ground.labels
    single = [sum(float(weight[moved_blocks(one, other, weight)].sum()) for other in labels) for one in labels]
    label: Ints = labels[int(np.argmin(single))].copy()
    best = np.inf
    for _ in range(_ROUNDS):
        votes = np.full(labels.shape, -1, dtype=np.int64)
        for row, zones in enumerate(labels):
            pair = np.append(pair_zones(zones, label, weight), -1)
            votes[row] = pair[zones]
        count = int(max(label.max(), votes.max())) + 1
        tally = np.zeros((labels.shape[1], count + 1))
        for row in votes:
            tally[np.arange(len(row)), row] += 1
        tally = tally[:, :count]
        # Where as many see it here as there, it stays.
        tally[np.arange(len(label)), label] += np.where(label >= 0, 0.5, 0.0)
        agreed: Ints = np.where(tally.max(axis=1) > 0, tally.argmax(axis=1), -1).astype(np.int64)
        moved = sum(float(weight[moved_blocks(agreed, zones, weight)].sum()) for zones in labels)
        if moved >= best:
            return label
        label, best = agreed, moved
    return label


def _named(label: Ints) -> pd.Series:
    return pd.Series([f"Z{zone}" if zone >= 0 else None for zone in label.tolist()], dtype="str")


def _weigh_blocks(plan: Plan, ground: Ground) -> gpd.GeoDataFrame:
    if not ground.households.sum() > 0:
        raise PartitionError("no_households")
    persons = plan.blocks["block_id"].map(plan.households.groupby("block_id")["persons"].sum()).fillna(0)
    counts = np.round(ground.households).astype(np.int64)
    return plan.blocks.assign(households=counts, persons=persons.to_numpy(dtype=np.float64), load=ground.households)


def _lay_atoms(blocks: gpd.GeoDataFrame, low: float) -> Atoms:
    pairs, rim = pair_table(blocks, read_borders(blocks))
    community = np.unique(blocks["community_id"].fillna("").astype(str), return_inverse=True)[1].astype(np.int64)
    return make_atoms(pairs, rim, blocks["load"].to_numpy(dtype=np.float64), blocks.area.to_numpy(), community, low=low)


def _moved(ground: Ground, label: Ints) -> float:
    homes, weight = ground.households, ground.weight
    return sum(float(homes[moved_blocks(zones, label, weight)].sum()) for zones in ground.labels)


def _make_partition(
    plan: Plan, blocks: gpd.GeoDataFrame, atoms: Atoms, label: Ints, band: tuple[float, float]
) -> Partition:
    """Make the partition of the labels, named and measured as any other."""
    label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    digits = max(3, len(str(int(label.max()) + 1)))
    first = np.full(int(label.max()) + 1, len(label))
    np.minimum.at(first, label, np.arange(len(label)))
    rank = np.argsort(np.argsort(first))
    ids = np.array([f"M{number + 1:0{digits}}" for number in rank], dtype=object)
    blocks = blocks.assign(grid_id=pd.Series(ids[label], index=blocks.index, dtype="str"))
    grids = dissolve_grids(blocks)
    grids["load"] = grids["grid_id"].map(blocks.groupby("grid_id")["load"].sum())
    communities = plan.units[plan.units["unit_id"].isin(grids["community_id"])]
    if grids["community_id"].notna().any():
        grids = assign_codes(grids, community_sequence, communities=communities if len(communities) else None)
    names = name_grids(grids, communities if len(communities) else None)
    grids = grids.assign(name=pd.Series(names, index=grids.index, dtype="str"))
    metrics = measure_partition(blocks, grids, band, read_borders(blocks), weight="load")
    metrics["households_outside"] = int(plan.households["households"].sum()) - metrics["households"]
    return Partition(blocks, grids, metrics, band, find_infeasible(atoms, blocks, band, label))


def _tell(ground: Ground, made: Partition, label: Ints, which: str, name: str, *, proven: bool) -> Merge:
    homes, weight = ground.households, ground.weight
    total = float(homes.sum())
    overlay = np.unique(ground.labels.T, axis=0, return_inverse=True)[1].ravel().astype(np.int64)

    def count(one: Ints, other: Ints) -> int:
        return round(float(homes[moved_blocks(one, other, weight)].sum()))

    apart = {
        (one, other): count(ground.labels[one], ground.labels[other])
        for one, other in combinations(range(len(ground.names)), 2)
    }
    singles = [sum(moves for pair, moves in apart.items() if at in pair) for at in range(len(ground.names))]
    single = int(np.argmin(singles))
    table = pd.DataFrame(
        {
            "zoning": list(ground.names),
            "zones": [len(zones) for zones in ground.zones],
            "households_moved": [count(zones, label) for zones in ground.labels],
            "overlay_moved": [count(zones, overlay) for zones in ground.labels],
            "best_single_moved": [count(zones, ground.labels[single]) for zones in ground.labels],
        }
    )
    table.insert(3, "share_moved", table["households_moved"] / total if total else float("nan"))
    whole = bool((ground.labels >= 0).all())
    bound = sum(apart.values()) / max(len(ground.names) - 1, 1)
    summary = {
        "zones": len(made.grids),
        "overlay_zones": int(overlay.max()) + 1,
        "households": round(total),
        "households_moved": int(table["households_moved"].sum()),
        "overlay_moved": int(table["overlay_moved"].sum()),
        "best_single": ground.names[single],
        "best_single_moved": int(table["best_single_moved"].sum()),
        "lower_bound": int(np.ceil(bound - 1e-9)) if whole else None,
        "in_band": made.metrics["in_band"],
        "started_from": which,
        "proven": proven,
    }
    rows = pd.DataFrame(
        {
            "zoning": name,
            "block_id": made.blocks["block_id"],
            "zone_id": made.blocks["grid_id"],
            "zone_name": made.blocks["grid_id"].map(made.grids.set_index("grid_id")["name"]),
            "estimated": True,
            "source": "merge_zonings",
        }
    )
    return Merge(made, rows, table, summary)
