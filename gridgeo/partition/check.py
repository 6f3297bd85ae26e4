"""What is wrong with a partition: named violations with their places."""

from __future__ import annotations

from collections.abc import Iterator

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gridgeo.blocks.edges import read_borders
from gridgeo.blocks.faces import Geometries, Integers
from gridgeo.blocks.superblocks import find_split_buildings
from gridgeo.errors import Fault
from gridgeo.partition.atoms import make_atoms, pair_table, take_out
from gridgeo.partition.feasibility import explain_grids

_AREA_M2 = 1e-6


def find_violations(
    blocks: gpd.GeoDataFrame,
    grids: gpd.GeoDataFrame,
    band: tuple[float, float],
    *,
    weight: str = "households",
    district: shapely.Geometry | None = None,
    buildings: gpd.GeoDataFrame | None = None,
) -> list[Fault]:
    """Name everything that is wrong with a partition.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id``, ``community_id``, ``households`` and, if known, ``borders``.
    grids : GeoDataFrame
        Layer ``grids`` with ``households``.
    band : (float, float)
        How many households a general grid holds at least and at most.
    weight : str
        The column of `blocks` and `grids` that the band is about.
    district : Polygon, optional
        The ground that must be covered exactly.
    buildings : GeoDataFrame, optional
        Footprints that must lie in one grid each.

    Returns
    -------
    list of Fault
        One for each violation, with the grid or block, its place and a remedy; empty when all is well. A grid outside
        the band where nothing else is possible has a key that says why: ``grid_too_large_block``,
        ``grid_too_small_community``, ….
    """
    faults = [*_cover(blocks, district), *_ids(blocks, grids)]
    faults += _pieces(blocks)
    faults += _communities(blocks)
    faults += _band(blocks, grids, band, weight)
    if buildings is not None:
        faults += _buildings(blocks, buildings)
    return faults


def _cover(blocks: gpd.GeoDataFrame, district: shapely.Geometry | None) -> Iterator[Fault]:
    shapes = blocks.geometry.to_numpy()
    united = shapely.union_all(shapes)
    surplus = float(shapely.area(shapes).sum() - united.area)
    # coverage_is_valid sees overlaps and unmatched vertices, but neither gaps nor nested blocks: ask the area too.
    if not shapely.coverage_is_valid(shapes) or surplus > max(_AREA_M2, 1e-12 * united.area):
        values: dict[str, object] = {"place": _where(_overlap(shapes))}
        yield Fault(key="blocks_overlap", layer="blocks", value=round(max(surplus, 0.0), 6), values=values)
    if district is not None:
        off = shapely.symmetric_difference(united, district)
        if off.area > _AREA_M2:
            where: dict[str, object] = {"place": _where(off)}
            yield Fault(key="blocks_leave_gaps", layer="blocks", value=round(float(off.area), 6), values=where)


def _overlap(shapes: Geometries) -> shapely.Geometry:
    """Return where the largest overlap of two blocks is, or the block whose vertices do not match."""
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    common = shapely.intersection(shapes[one], shapes[other])
    if len(common) and shapely.area(common).max() > 0:
        largest: shapely.Geometry = common[np.argmax(shapely.area(common))]
        return largest
    bad = shapely.coverage_invalid_edges(shapes)
    return shapely.union_all(bad[~shapely.is_empty(bad)])


def _where(shape: shapely.Geometry) -> str:
    """Say where the largest part of a shape is, in metres of the plan's system."""
    parts = shapely.get_parts(shape)
    if len(parts) == 0:
        return "?"
    place = shapely.point_on_surface(parts[int(np.argmax(shapely.area(parts) + 1e-9 * shapely.length(parts)))])
    return f"{place.x:.0f}, {place.y:.0f}"


def _ids(blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame) -> Iterator[Fault]:
    for layer, frame, column in (
        ("blocks", blocks, "block_id"),
        ("grids", grids, "grid_id"),
        ("grids", grids, "code"),
    ):
        values = frame[column].dropna()
        for row in np.flatnonzero(frame[column].isin(values[values.duplicated()])):
            value = frame[column].iloc[row]
            yield Fault(key="duplicate_id", layer=layer, row=int(row) + 1, column=column, value=value)
    known = set(grids["grid_id"])
    for row in np.flatnonzero(~blocks["grid_id"].isin(known)):
        block = blocks["block_id"].iloc[row]
        yield Fault(key="block_without_grid", layer="blocks", row=int(row) + 1, column="grid_id", value=block)


def _pieces(blocks: gpd.GeoDataFrame) -> Iterator[Fault]:
    edges = read_borders(blocks)
    pairs, _ = pair_table(blocks, edges)
    given = blocks["grid_id"].notna().to_numpy()
    grids, label = np.unique(blocks["grid_id"].fillna("").astype(str).to_numpy(dtype=object), return_inverse=True)
    same = (label[pairs["a"]] == label[pairs["b"]]) & given[pairs["a"]]
    on_map = _components(pairs[same], len(blocks))
    on_foot = _components(pairs[same & pairs["walkable"].to_numpy()], len(blocks))
    lived_in = blocks["households"].to_numpy() > 0
    ids = blocks["block_id"].astype(str).to_numpy()
    for key, part, counts in (("grid_in_pieces", on_map, given), ("grid_not_on_foot", on_foot, given & lived_in)):
        rows = np.flatnonzero(counts)
        pieces = np.bincount(np.unique(np.column_stack([label[rows], part[rows]]), axis=0)[:, 0], minlength=len(grids))
        for grid in np.flatnonzero(pieces > 1):
            mine = rows[label[rows] == grid]
            found, size = np.unique(part[mine], return_counts=True)
            off = ", ".join(ids[mine[part[mine] != found[size.argmax()]]])
            yield Fault(key=key, layer="grids", value=grids[grid], values={"pieces": int(pieces[grid]), "blocks": off})


def _components(pairs: pd.DataFrame, n: int) -> Integers:
    links = coo_array((np.ones(len(pairs)), (pairs["a"].to_numpy(), pairs["b"].to_numpy())), shape=(n, n))
    part: Integers = connected_components(links, directed=False)[1].astype(np.int64)
    return part


def _communities(blocks: gpd.GeoDataFrame) -> Iterator[Fault]:
    pairs = pd.DataFrame({name: blocks[name].array for name in ("grid_id", "community_id")}).dropna().drop_duplicates()
    across = pairs[pairs["grid_id"].duplicated(keep=False)]
    for grid, communities in across.groupby("grid_id")["community_id"]:
        names = ", ".join(sorted(communities))
        yield Fault(key="grid_across_communities", layer="grids", value=grid, values={"communities": names})


def _band(blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, band: tuple[float, float], weight: str) -> Iterator[Fault]:
    low, high = band
    held = grids[weight].to_numpy(float)
    out = np.flatnonzero((grids["grid_kind"] == "general").to_numpy() & ((held < low) | (held > high)))
    causes = find_causes(blocks, grids, band, weight) if len(out) else {}
    for row in out:
        grid = grids["grid_id"].iloc[row]
        cause, more = causes.get(grid, (None, {}))
        key = "grid_too_small" if held[row] < low else "grid_too_large"
        values = {"grid": grid, "low": f"{low:g}", "high": f"{high:g}", **more}
        yield Fault(
            key=f"{key}_{cause}" if cause else key,
            layer="grids",
            row=int(row) + 1,
            column=weight,
            value=int(held[row]),
            values=values,
        )


def find_causes(
    blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame, band: tuple[float, float], weight: str = "households"
) -> dict[str, tuple[str, dict[str, object]]]:
    """Tell which general grids are outside the band because nothing else is possible there.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id``, ``community_id``, `weight` and, if known, ``borders``.
    grids : GeoDataFrame
        Layer ``grids``; the blocks of dedicated and locked ones are not asked.
    band : (float, float)
        The band.
    weight : str
        The column of `blocks` that the band is about.

    Returns
    -------
    dict
        ``grid_id`` → cause and placeholders, see `gridgeo.partition.feasibility.explain_grids`.
    """
    settled = grids.loc[(grids["grid_kind"] != "general") | grids["locked"], "grid_id"]
    free = (blocks["grid_id"].notna() & ~blocks["grid_id"].isin(settled)).to_numpy()
    if not free.any():
        return {}
    mine = blocks[free]
    pairs, rim = take_out(*pair_table(blocks, read_borders(blocks)), free)
    community = np.unique(mine["community_id"].fillna("").astype(str), return_inverse=True)[1].astype(np.int64)
    load = mine[weight].to_numpy(float)
    atoms = make_atoms(pairs, rim, load, mine.area.to_numpy(), community, low=band[0])
    ids, label = np.unique(mine["grid_id"].astype(str), return_inverse=True)
    causes = explain_grids(atoms, mine, label.astype(np.int64), band)
    return {str(ids[grid]): cause for grid, cause in causes.items()}


def _buildings(blocks: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame) -> Iterator[Fault]:
    split = find_split_buildings(blocks.geometry.to_numpy(), buildings.geometry.to_numpy())
    for row in sorted(split):
        building = buildings["building_id"].iloc[row]
        values: dict[str, object] = {"place": _where(buildings.geometry.iloc[row])}
        yield Fault(key="building_split", layer="buildings", row=int(row) + 1, value=building, values=values)
