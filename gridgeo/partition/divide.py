"""Grids: street blocks put together so that each holds the wanted number of households, along the strongest streets.

One objective is minimised, the sum over all grids of

    balance * ((W - T) / T)^2 + band * excess(W) + compactness * (1 - 4 pi A / P^2)

and over all borders between grids of ``street * length * (1 - strength) / reference length``, where ``W`` are a grid's
households, ``T`` the middle of the band, ``excess`` what lies outside the band, ``A`` and ``P`` its area and perimeter
and ``strength`` how well a street serves as a border (`gridgeo.blocks.edges.STREET_STRENGTHS`); from today's grids,
moving households costs too. Grids hang together on foot and stay inside their community. Random spanning trees that
prefer weak streets are cut in two until each part is a grid; then single blocks change sides and pairs of grids are
cut anew, by simulated annealing (`gridgeo.partition.search`). See ``docs/partition.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.blocks.edges import find_edges, read_borders, write_borders
from gridgeo.blocks.faces import Floats, Integers, unite
from gridgeo.blocks.slivers import locate_faces
from gridgeo.crs import require_metric
from gridgeo.errors import Fault, PartitionError
from gridgeo.partition.atoms import link_parts, make_atoms, pair_table, take_out
from gridgeo.partition.check import find_causes, find_violations
from gridgeo.partition.codes import CodeScheme, assign_codes, community_sequence, number_places
from gridgeo.partition.dedicated import assign_dedicated
from gridgeo.partition.feasibility import find_infeasible
from gridgeo.partition.grid_layer import dissolve_grids, measure_partition, name_grids
from gridgeo.partition.options import check_options, check_workload, read_band
from gridgeo.partition.search import (
    WARM,
    Objective,
    Task,
    count_all,
    count_outside,
    mend_grids,
    refine_regions,
    search,
    search_pool,
)
from gridgeo.partition.warm_start import grids_today, mend_start
from gridgeo.schema import require_layer

__all__ = ["Partition", "check_partition", "partition_grids"]


@dataclass(frozen=True)
class Partition:
    """A district cut into grids.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``community_id``, ``grid_id``, ``households``, ``persons``, ``load`` (what the band is
        about) and, where streets are known, ``borders``.
    grids : GeoDataFrame
        Layer ``grids``, see `gridgeo.partition.grid_layer.dissolve_grids`.
    metrics : dict
        Figures of the whole, see `gridgeo.partition.measure_partition`; also ``households_outside``,
        ``in_band_possible`` (the share in the band of the grids that could be in it) and, from today's grids,
        ``households_moved`` and ``moved_share``.
    households_per_grid : (float, float)
        The band.
    infeasible : list of Fault
        Where no partition can keep the band, by how much, and what would help.
    weight : {'households', 'load'}
        The column of `blocks` and `grids` that the band is about; ``load`` where a workload replaces the count.
    """

    blocks: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    metrics: dict[str, Any] = field(default_factory=dict)
    households_per_grid: tuple[float, float] = (300, 500)
    infeasible: list[Fault] = field(default_factory=list)
    weight: str = "households"


@dataclass(frozen=True)
class _Case:
    """The question, laid out by block."""

    blocks: gpd.GeoDataFrame
    edges: pd.DataFrame | None
    pairs: pd.DataFrame
    rim: Floats
    community: Integers
    settled: Integers  # the settled grid of each block (locked or dedicated), -1 for none
    today: pd.Series | None


def partition_grids(
    blocks: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    *,
    households_per_grid: tuple[float, float] = (300, 500),
    communities: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    dedicated: gpd.GeoDataFrame | None = None,
    keep: gpd.GeoDataFrame | None = None,
    grids: gpd.GeoDataFrame | None = None,
    workload: str | None = None,
    code_scheme: CodeScheme = community_sequence,
    seed: int = 0,
    objective: Objective | None = None,
    effort: float = 1.0,
    pool: int = 0,
) -> Partition:
    """Put street blocks together into grids.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``, as `gridgeo.enclose_blocks` gives it.
    households : GeoDataFrame
        Layer ``households``: points, each with a count of ``households``.
    households_per_grid : (float, float)
        The band: how many households a grid holds at least and at most.
    communities : GeoDataFrame, optional
        Polygons with ``unit_id`` that no grid may cross; by default the blocks' ``community_id``, if they have one.
    streets, barriers, gates : GeoDataFrame, optional
        The plan's layers; by default what `gridgeo.enclose_blocks` wrote into the blocks' ``borders``.
    dedicated : GeoDataFrame, optional
        Polygons that become dedicated grids (专属网格), with ``name`` if they have one; see `find_dedicated`.
    keep : GeoDataFrame, optional
        Blocks or grids with today's ``grid_id``: start from these and move as few households as possible.
    grids : GeoDataFrame, optional
        Today's layer ``grids``: what is locked stays as it is in `keep`; codes, names and staff are carried over.
    workload : str, optional
        The column of `households` that the band is about, instead of the count: vulnerable people, shops, ….
    code_scheme : callable
        How grids are coded, see `gridgeo.partition.codes`.
    seed : int
        Same seed, same partition.
    objective : Objective, optional
        The weights of the objective.
    effort : float
        How long to search, as a multiple of the usual.
    pool : int
        How many partitions to choose the best set of grids from, exactly; 0 for none.

    Returns
    -------
    Partition
        The best partition found. What is wrong with it is said by `check_partition`, and what cannot be right in its
        ``infeasible``.

    Raises
    ------
    CRSError
        If the layers are not in metres or not in one system.
    InputError
        If a layer has faults.
    PartitionError
        If there are no blocks, no households, no such workload, or the band is none.
    """
    low, high = read_band(households_per_grid)
    check_options(objective, seed=seed, effort=effort, pool=pool)
    for layer, frame, column in (("units", communities, "unit_id"), ("keep", keep, "grid_id")):
        if frame is not None and column not in frame:
            raise PartitionError("missing_column", layer=layer, column=column)
    blocks = _weigh_blocks(*_read_layers(blocks, households), workload)
    if communities is not None and not blocks["community_id"].isin(communities["unit_id"]).all():
        blocks = blocks.assign(community_id=_communities_of(blocks, communities))
    if streets is not None:
        blocks = write_borders(blocks, find_edges(blocks, streets, barriers, gates))
    case = _lay_out(blocks, dedicated, keep, grids)
    label, infeasible = _solve(case, (low, high), objective or Objective(), seed, effort, pool)
    blocks, names, kinds = _name_grids(case, label, dedicated, grids)
    made = _grids_of(blocks, names, kinds, grids, communities, code_scheme)
    metrics = measure_partition(blocks, made, (low, high), case.edges, weight="load")
    metrics["households_outside"] = int(households["households"].sum()) - metrics["households"]
    if case.today is not None:
        moved = (case.today.notna() & (case.today != blocks["grid_id"])).to_numpy()
        metrics["households_moved"] = int(blocks.loc[moved, "households"].sum())
        metrics["moved_share"] = metrics["households_moved"] / max(1, metrics["households"])
    weight = "households" if workload in {None, "households"} else "load"
    metrics["in_band_possible"] = _share_possible(blocks, made, (low, high), weight)
    return Partition(blocks, made, metrics, (low, high), infeasible, weight)


def _share_possible(blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, band: tuple[float, float], weight: str) -> float:
    """Return the share in the band of those general grids that could be in it."""
    causes = find_causes(blocks, grids, band, weight)
    able = grids[(grids["grid_kind"] == "general") & ~grids["locked"] & ~grids["grid_id"].isin(list(causes))]
    return float(able[weight].between(*band).mean()) if len(able) else 1.0


def check_partition(
    partition: Partition,
    *,
    district: shapely.Geometry | None = None,
    buildings: gpd.GeoDataFrame | None = None,
) -> list[Fault]:
    """Name everything that is wrong with a partition.

    Parameters
    ----------
    partition : Partition
        The partition.
    district : Polygon, optional
        The ground that must be covered exactly.
    buildings : GeoDataFrame, optional
        Layer ``buildings``: each must lie in one grid.

    Returns
    -------
    list of Fault
        One for each violation (gaps, overlaps, grids in pieces on the map or on foot, across communities, outside the
        band, split buildings, repeated ids or codes), with its grid or block; empty when all is well.
    """
    return find_violations(
        partition.blocks,
        partition.grids,
        partition.households_per_grid,
        weight=partition.weight,
        district=district,
        buildings=buildings,
    )


def _read_layers(blocks: gpd.GeoDataFrame, households: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    blocks, households = require_layer("blocks", blocks), require_layer("households", households)
    if len(blocks) == 0:
        raise PartitionError("no_blocks")
    require_metric(households, layer="households", crs=require_metric(blocks, layer="blocks"))
    return blocks, households


def _weigh_blocks(blocks: gpd.GeoDataFrame, households: gpd.GeoDataFrame, workload: str | None) -> gpd.GeoDataFrame:
    """Sum what the households at its points amount to for each block."""
    check_workload(households, workload)
    block = locate_faces(households.geometry.to_numpy(), blocks.geometry.to_numpy())
    inside = block >= 0
    sums = {}
    for name in dict.fromkeys(("households", "persons", workload or "households")):
        values = households[name].fillna(0).to_numpy(float)[inside]
        sums[name] = np.bincount(block[inside], weights=values, minlength=len(blocks))
    load = sums[workload or "households"]
    if not load.sum() > 0:
        raise PartitionError("no_households")
    counts = np.round(sums["households"]).astype(np.int64)
    return blocks.assign(households=counts, persons=sums["persons"], load=load)


def _communities_of(blocks: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> pd.Series:
    require_metric(communities, layer="units", crs=blocks.crs)
    place = blocks.geometry.representative_point().to_numpy()
    found = locate_faces(place, communities.geometry.to_numpy())
    ids = np.array([*communities["unit_id"], None], dtype=object)
    return pd.Series(ids[found], index=blocks.index, dtype="str")


def _lay_out(
    blocks: gpd.GeoDataFrame,
    dedicated: gpd.GeoDataFrame | None,
    keep: gpd.GeoDataFrame | None,
    grids: gpd.GeoDataFrame | None,
) -> _Case:
    edges = read_borders(blocks)
    pairs, rim = pair_table(blocks, edges)
    community = np.unique(blocks["community_id"].fillna("").astype(str), return_inverse=True)[1].astype(np.int64)
    settled = np.full(len(blocks), -1, dtype=np.int64)
    today = None if keep is None else grids_today(blocks, keep)
    if dedicated is not None and len(dedicated):
        area = assign_dedicated(blocks, dedicated).to_numpy()
        key = np.where(area >= 0, area * (community.max() + 1) + community, -1)
        settled = _largest_piece(key, pairs, blocks.area.to_numpy())
    if today is not None and grids is not None:
        # A lock outranks a dedicated area: it was set by hand.
        for number, grid in enumerate(grids.loc[grids["locked"], "grid_id"]):
            settled[(today == grid).to_numpy()] = _LOCKED + number
    settled = _fill_pockets(settled, pairs, community, blocks["load"].to_numpy(float))
    return _Case(blocks, edges, pairs, rim, community, settled, today)


_LOCKED = 1 << 40
_WARM_TEMPERATURES = (0.02, 0.03, 0.05, 0.1)


def _largest_piece(key: Integers, pairs: pd.DataFrame, area: Floats) -> Integers:
    """Keep of each dedicated area and community the piece of most ground."""
    a, b = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    part = link_parts(a, b, (key[a] == key[b]) & (key[a] >= 0), len(key))
    ground = np.bincount(part, weights=area)
    settled = np.full(len(key), -1, dtype=np.int64)
    for one in np.unique(key[key >= 0]).tolist():
        mine = np.flatnonzero(key == one)
        best = part[mine][np.argmax(ground[part[mine]])]
        settled[mine[part[mine] == best]] = one
    return settled


def _fill_pockets(settled: Integers, pairs: pd.DataFrame, community: Integers, load: Floats) -> Integers:
    """Give ground that nobody lives on and that dedicated grids cut off to the one it shares most border with."""
    if not (settled >= 0).any():
        return settled
    settled = settled.copy()
    a, b = pairs["a"].to_numpy(np.int64), pairs["b"].to_numpy(np.int64)
    free = settled < 0
    part = link_parts(a, b, free[a] & free[b] & (community[a] == community[b]), len(settled))
    held = np.bincount(part, weights=load)
    length = pairs["length"].to_numpy(float)
    for pocket in np.unique(part[free])[held[np.unique(part[free])] == 0].tolist():
        beside: dict[int, float] = {}
        for one, other in ((a, b), (b, a)):
            at = (part[one] == pocket) & free[one] & ~free[other] & (community[one] == community[other])
            for host, metres in zip(settled[other[at]].tolist(), length[at].tolist(), strict=True):
                if host < _LOCKED:
                    beside[host] = beside.get(host, 0.0) + metres
        if beside:
            settled[(part == pocket) & free] = max(beside, key=lambda host: beside[host])
    return settled


def _solve(
    case: _Case, band: tuple[float, float], objective: Objective, seed: int, effort: float, pool: int
) -> tuple[Integers, list[Fault]]:
    """Find the grid of every free block; settled ones are numbered behind them."""
    free = case.settled < 0
    label = np.full(len(free), -1, dtype=np.int64)
    infeasible: list[Fault] = []
    if free.any():
        load = case.blocks["load"].to_numpy(float)[free]
        pairs, rim = take_out(case.pairs, case.rim, free)
        atoms = make_atoms(pairs, rim, load, case.blocks.area.to_numpy()[free], case.community[free], low=band[0])
        nobody = np.full(len(load), -1, dtype=np.int64)
        # A block above the band is a grid of its own: the search takes it for one that is just full.
        capped = replace(atoms, weight=np.minimum(atoms.weight, band[1]))
        task = Task(capped, *band, objective, np.zeros(len(load), dtype=bool), nobody, count_all(atoms, *band))
        if case.today is not None:
            label[free] = search_from(case.today[free], task, seed=seed, effort=effort)
        elif pool > 0:
            label[free] = search_pool(task, seed=seed, effort=effort, size=pool)
        else:
            label[free], _ = search(task, seed=seed, effort=effort)
            if count_outside(task, label[free]):
                mended = mend_grids(task, refine_regions(task, label[free], seed=seed, effort=effort))
                # What was mended for its size alone is given its shape back.
                label[free], _ = search(task, seed=seed, effort=2 * effort, start=mended, hot=WARM)
        infeasible = find_infeasible(atoms, case.blocks[free], band, label[free])
    for grid in np.unique(case.settled[~free]).tolist():
        label[case.settled == grid] = label.max() + 1
    return np.unique(label, return_inverse=True)[1].astype(np.int64), infeasible


def search_from(today: pd.Series, task: Task, *, seed: int, effort: float) -> Integers:
    """Search from today's grids.

    Parameters
    ----------
    today : Series of str, one an atom
        The grid of each; missing for none.
    task : Task
        The question.
    seed : int
        Same seed, same answer.
    effort : float
        How long to search, as a multiple of the usual.

    Returns
    -------
    array of int, one an atom
        The grid of each.
    """
    known = pd.Index(sorted(today.dropna().unique()))
    home = np.where(today.notna(), known.get_indexer(today.fillna("")), -1).astype(np.int64)
    start, task = mend_start(task, home, seed=seed)
    label, _ = search(task, seed=seed, effort=effort, start=start, hot=_WARM_TEMPERATURES[0])
    for turn, hot in enumerate(_WARM_TEMPERATURES[1:], start=1):
        if count_outside(task, label) == 0:
            break
        # What is still outside the band needs more freedom; each further search is hotter.
        hotter, _ = search(task, seed=seed + turn, effort=effort, start=label, hot=hot)
        if count_outside(task, hotter) < count_outside(task, label):
            label = hotter
    return label


def _name_grids(
    case: _Case, label: Integers, dedicated: gpd.GeoDataFrame | None, grids: gpd.GeoDataFrame | None
) -> tuple[gpd.GeoDataFrame, dict[str, str], dict[str, str]]:
    """Give grids their ids: today's where most of its households stayed, new ones by place."""
    blocks = case.blocks
    count = int(label.max()) + 1
    ids: list[str | None] = [None] * count
    if case.today is not None:
        mass = case.blocks["load"].to_numpy(float) + 1e-6 * blocks.area.to_numpy()
        votes = pd.DataFrame({"label": label, "today": case.today.to_numpy(object), "mass": mass}).dropna()
        order = votes.groupby(["label", "today"])["mass"].sum().sort_values(ascending=False, kind="stable")
        taken: set[str] = set()
        for one, grid in order.index:
            if ids[one] is None and grid not in taken:
                ids[one] = grid
                taken.add(grid)
    used = {one for one in ids if one is not None} | set([] if grids is None else grids["grid_id"])
    ground = blocks.geometry.to_numpy()
    rank = number_places(
        gpd.GeoDataFrame(geometry=[unite(ground[label == one]) for one in range(count)], crs=blocks.crs)
    )
    digits, number = max(3, len(str(count))), 0
    for one in np.argsort(rank).tolist():
        while ids[one] is None:
            number += 1
            candidate = f"G{number:0{digits}}"
            if candidate not in used:
                ids[one] = candidate
                used.add(candidate)
    named = blocks.assign(grid_id=pd.Series(np.array(ids, dtype=object)[label], index=blocks.index, dtype="str"))
    names: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for one in np.flatnonzero((case.settled >= 0) & (case.settled < _LOCKED)).tolist():
        grid = str(named["grid_id"].iloc[one])
        kinds[grid] = "dedicated"
        area = int(case.settled[one]) // (int(case.community.max()) + 1)
        if dedicated is not None and "name" in dedicated and isinstance(dedicated["name"].iloc[area], str):
            names[grid] = dedicated["name"].iloc[area]
    return named, names, kinds


def _grids_of(
    blocks: gpd.GeoDataFrame,
    names: dict[str, str],
    kinds: dict[str, str],
    today: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
    code_scheme: CodeScheme,
) -> gpd.GeoDataFrame:
    """Make the layer, with codes and names."""
    made = dissolve_grids(blocks, today)
    made["load"] = made["grid_id"].map(blocks.groupby("grid_id")["load"].sum())
    kind = [kinds.get(grid, was) for grid, was in zip(made["grid_id"], made["grid_kind"], strict=True)]
    made["grid_kind"] = pd.Series(kind, index=made.index, dtype="str")
    if made["community_id"].notna().any():
        made = assign_codes(made, code_scheme, communities=communities)
    own = name_grids(made, communities)
    name = [
        was if isinstance(was, str) else names.get(grid, other)
        for was, grid, other in zip(made["name"], made["grid_id"], own, strict=True)
    ]
    return made.assign(name=pd.Series(name, index=made.index, dtype="str"))
