"""Grids: street blocks put together so that each holds the wanted number of households, along the strongest streets.

One objective is minimised, the sum over all grids of

    balance * ((W - T) / T)^2 + band * excess(W) + compactness * (1 - 4 pi A / P^2)

and over all borders between grids of ``street * length * (1 - strength) / reference length``, where ``W`` are a grid's
households, ``T`` the middle of the band, ``excess`` what lies outside the band, ``A`` and ``P`` its area and perimeter
and ``strength`` how well a street serves as a border (`gridgeo.edges.STREET_STRENGTHS`). Grids hang together on foot
and stay inside their community. Random spanning trees that prefer weak streets are cut in two until each part is a
grid; then single blocks change sides and pairs of grids are cut anew, by simulated annealing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.atoms import Atoms, make_atoms, pair_table
from gridgeo.crs import require_metric
from gridgeo.edges import GREAT_CLASSES, MAIN_CLASSES, find_edges, read_borders, write_borders
from gridgeo.errors import Fault, PartitionError
from gridgeo.faces import Integers, unite
from gridgeo.schema import complete_layer, require_layer
from gridgeo.search import Objective, Task, count_all, search
from gridgeo.slivers import locate_faces


@dataclass(frozen=True)
class Partition:
    """A district cut into grids.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``community_id``, ``grid_id``, ``households`` and, where streets are known, ``borders``.
    grids : GeoDataFrame
        Layer ``grids`` with ``households``, ``persons``, ``area_m2`` and ``compactness``.
    metrics : dict
        Figures of the whole.
    households_per_grid : tuple of float
        The band.
    """

    blocks: gpd.GeoDataFrame
    grids: gpd.GeoDataFrame
    metrics: dict[str, Any] = field(default_factory=dict)
    households_per_grid: tuple[float, float] = (300, 500)


def partition_grids(
    blocks: gpd.GeoDataFrame,
    households: gpd.GeoDataFrame,
    *,
    households_per_grid: tuple[float, float] = (300, 500),
    communities: gpd.GeoDataFrame | None = None,
    streets: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    seed: int = 0,
    keep: gpd.GeoDataFrame | None = None,
    objective: Objective | None = None,
    effort: float = 1.0,
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
    seed : int
        Same seed, same partition.
    keep : GeoDataFrame, optional
        Blocks with today's ``grid_id``: start from these grids and move as few households as possible.
    objective : Objective, optional
        The weights of the objective.
    effort : float
        How long to search, as a multiple of the usual.

    Returns
    -------
    Partition
        The best partition found; what is wrong with it is said by `gridgeo.check_partition`.

    Raises
    ------
    CRSError
        If the layers are not in metres or not in one system.
    PartitionError
        If there are no blocks, no households, or the band is none.
    """
    low, high = _read_band(households_per_grid)
    blocks = require_layer("blocks", blocks)
    households = require_layer("households", households)
    if len(blocks) == 0:
        raise PartitionError("no_blocks")
    crs = require_metric(blocks, layer="blocks")
    require_metric(households, layer="households", crs=crs)
    blocks = _weigh_blocks(blocks, households)
    if not blocks["households"].sum() > 0:
        raise PartitionError("no_households")
    if communities is not None:
        blocks = blocks.assign(community_id=_communities_of(blocks, communities))
    edges: pd.DataFrame | None
    if streets is not None:
        edges = find_edges(blocks, streets, barriers, gates)
        blocks = write_borders(blocks, edges)
    edges = read_borders(blocks)
    community = np.unique(blocks["community_id"].fillna("").astype(str), return_inverse=True)[1]
    pairs, rim = pair_table(blocks, edges)
    weight = blocks["households"].to_numpy(float)
    atoms = make_atoms(pairs, rim, weight, blocks.area.to_numpy(), community, low=low)
    n = len(atoms)
    counts = count_all(atoms, low, high)
    task = Task(atoms, low, high, objective or Objective(), np.zeros(n, dtype=bool), np.full(n, -1), counts)
    label, _ = search(task, seed=seed, effort=effort)
    return _assemble(blocks, atoms, label, (low, high), edges, int(households["households"].sum()))


def _read_band(band: tuple[float, float]) -> tuple[float, float]:
    low, high = float(band[0]), float(band[1])
    if not (0 < low <= high < np.inf):
        raise PartitionError("bad_band", low=band[0], high=band[1])
    return low, high


def _weigh_blocks(blocks: gpd.GeoDataFrame, households: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    block = locate_faces(households.geometry.to_numpy(), blocks.geometry.to_numpy())
    inside = block >= 0
    columns = {}
    for name in ("households", "persons"):
        values = households[name].fillna(0).to_numpy(float)[inside]
        columns[name] = np.bincount(block[inside], weights=values, minlength=len(blocks))
    return blocks.assign(households=np.round(columns["households"]).astype(np.int64), persons=columns["persons"])


def _communities_of(blocks: gpd.GeoDataFrame, communities: gpd.GeoDataFrame) -> pd.Series:
    require_metric(communities, layer="units", crs=blocks.crs)
    place = blocks.geometry.representative_point().to_numpy()
    found = locate_faces(place, communities.geometry.to_numpy())
    ids = np.array([*communities["unit_id"], None], dtype=object)
    return pd.Series(ids[found], index=blocks.index, dtype="str")


def _assemble(
    blocks: gpd.GeoDataFrame,
    atoms: Atoms,
    label: Integers,
    band: tuple[float, float],
    edges: pd.DataFrame | None,
    households: int,
) -> Partition:
    number = _number(blocks, label[atoms.of_block])
    digits = max(3, len(str(number.max() + 1)))
    ids = np.array([f"G{k + 1:0{digits}}" for k in range(number.max() + 1)], dtype=object)
    blocks = blocks.assign(grid_id=pd.Series(ids[number], index=blocks.index, dtype="str"))
    grids = dissolve_grids(blocks)
    metrics = measure(blocks, grids, band, edges)
    metrics["households_outside"] = households - int(blocks["households"].sum())
    return Partition(blocks, grids, metrics, band)


def _number(blocks: gpd.GeoDataFrame, label: Integers) -> Integers:
    """Number grids from 0, north to south and west to east."""
    place = blocks.geometry.centroid
    area = blocks.area.to_numpy()
    count = int(label.max()) + 1
    mass = np.bincount(label, weights=area, minlength=count)
    x = np.bincount(label, weights=area * place.x.to_numpy(), minlength=count) / np.maximum(mass, 1e-9)
    y = np.bincount(label, weights=area * place.y.to_numpy(), minlength=count) / np.maximum(mass, 1e-9)
    used = np.flatnonzero(mass > 0)
    row = np.round(y[used] / np.sqrt(np.median(mass[used])))
    order = used[np.lexsort((x[used], -row))]
    number = np.full(count, -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[label]


def dissolve_grids(blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Make the layer of grids from the blocks' assignment.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id``, ``households`` and ``persons``.
    grids : GeoDataFrame, optional
        Grids whose code, name, kind, lock and staff are kept where the ``grid_id`` still exists.

    Returns
    -------
    GeoDataFrame
        Layer ``grids`` with ``households``, ``persons``, ``area_m2`` and ``compactness`` (Polsby-Popper).
    """
    rows = []
    for grid_id, mine in blocks.groupby("grid_id", sort=True):
        shape = unite(mine.geometry.to_numpy())
        places = mine["community_id"].dropna().unique()
        rows.append(
            {
                "grid_id": grid_id,
                "community_id": places[0] if len(places) == 1 else None,
                "households": int(mine["households"].sum()),
                "persons": float(mine["persons"].sum()),
                "area_m2": shape.area,
                "compactness": 4 * np.pi * shape.area / shape.length**2,
                "geometry": shape,
            }
        )
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=blocks.crs)
    if grids is not None:
        known = grids.set_index("grid_id")
        for column in ("code", "name", "grid_kind", "locked", "staff"):
            frame[column] = frame["grid_id"].map(known[column])
    return complete_layer("grids", frame)


def measure(
    blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, band: tuple[float, float], edges: pd.DataFrame | None
) -> dict[str, Any]:
    """Return the figures of a partition.

    Parameters
    ----------
    blocks, grids : GeoDataFrame
        The layers.
    band : (float, float)
        The band of households.
    edges : DataFrame, optional
        The blocks' edges.

    Returns
    -------
    dict
        ``blocks``, ``grids``, ``in_band`` (share of the general grids), ``max_deviation`` (the largest relative
        distance from the middle of the band), ``compactness`` (mean Polsby-Popper), ``main_street_share`` and
        ``great_street_share`` (of the length of borders between grids; None without streets).
    """
    low, high = band
    middle = (low + high) / 2
    general = grids[grids["grid_kind"] == "general"]
    held = general["households"].to_numpy(float)
    figures: dict[str, Any] = {
        "blocks": len(blocks),
        "grids": len(grids),
        "households": int(blocks["households"].sum()),
        "in_band": float(((held >= low) & (held <= high)).mean()) if len(held) else 1.0,
        "max_deviation": float(np.abs(held - middle).max() / middle) if len(held) else 0.0,
        "compactness": float(grids["compactness"].mean()),
        "main_street_share": None,
        "great_street_share": None,
    }
    if edges is not None:
        grid = blocks.set_index("block_id")["grid_id"]
        cut = edges["block_b"].notna() & (edges["block_a"].map(grid) != edges["block_b"].map(grid))
        length = edges["length_m"].to_numpy(float) * cut.to_numpy()
        whole = max(length.sum(), 1e-9)
        figures["main_street_share"] = float(length[edges["street_class"].isin(MAIN_CLASSES)].sum() / whole)
        figures["great_street_share"] = float(length[edges["street_class"].isin(GREAT_CLASSES)].sum() / whole)
    return figures


def check_partition(partition: Partition) -> list[Fault]:
    """Name everything that is wrong with a partition.

    Parameters
    ----------
    partition : Partition
        The partition.

    Returns
    -------
    list of Fault
        Empty when all is well.
    """
    from gridgeo.partition_check import find_violations  # noqa: PLC0415

    return find_violations(partition.blocks, partition.grids, partition.households_per_grid)
