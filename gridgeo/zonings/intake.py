"""A department's grids, drawn as areas, as a zoning of the plan's blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.crs import require_metric
from gridgeo.errors import Fault, InputError, MissingDataError
from gridgeo.plan import Plan, locate

_SLIVER = 0.01
"""A part of a block below this share of its ground is the inexactness of drawing, not a cut."""


@dataclass(frozen=True, eq=False)
class ZoningImport:
    """A zoning made of areas. Made by `assign_zoning`.

    Parameters
    ----------
    rows : DataFrame
        Rows for the plan's layer ``zonings``: ``zoning``, ``block_id``, ``zone_id``, ``zone_name``, ``source``.
    cut : GeoDataFrame
        Blocks through which a line of the areas runs: ``block_id``, ``zone_id`` (which got it), ``zones`` (how many
        have a part of it), ``households``, ``households_cut`` (of those, how many stand in another zone's part or in
        none), ``share_kept`` (of its ground).
    outside : DataFrame
        ``block_id``, ``households``: blocks that lie in no area.
    summary : dict
        ``zones``, ``zones_without_block``, ``blocks``, ``blocks_cut``, ``blocks_outside``, ``households``,
        ``households_cut``, ``households_outside``.
    """

    rows: pd.DataFrame
    cut: gpd.GeoDataFrame
    outside: pd.DataFrame
    summary: dict[str, Any]


def assign_zoning(
    plan: Plan,
    polygons: gpd.GeoDataFrame,
    *,
    zoning: str,
    id_column: str = "zone_id",
    name_column: str | None = None,
) -> ZoningImport:
    """Give every block to the zone in which most of its households stand.

    Where nobody lives, or as many stand in one zone as in another, the zone with more of the block's ground has it.

    Parameters
    ----------
    plan : Plan
        The plan, with blocks.
    polygons : GeoDataFrame of Polygon
        The department's grids, in the plan's system.
    zoning : str
        What the zoning is called.
    id_column, name_column : str, optional
        The columns that name a zone.

    Returns
    -------
    ZoningImport
        The rows, and what had to be cut off or left out.

    Raises
    ------
    MissingDataError
        If the plan has no blocks, or there is no area.
    InputError
        If a zone has no id, or no sound area; every row is named.
    CRSError
        If the areas are in another system.
    """
    plan.require("blocks")
    areas = _require_areas(plan, polygons, id_column)
    blocks, zone_ids = plan.blocks, areas[id_column].astype("str").to_numpy(dtype=object)
    block, zone, share = _shares(blocks.geometry.to_numpy(), areas.geometry.to_numpy())
    homes, total = _households(plan, areas.assign(zone=np.arange(len(areas)).astype(str)))
    held = homes.reindex(pd.MultiIndex.from_arrays([block, zone]), fill_value=0.0).to_numpy()
    order = np.lexsort((zone, -share, -held, block))
    block, zone, share, held = block[order], zone[order], share[order], held[order]
    first = np.flatnonzero(np.diff(block, prepend=-1))
    parts = np.bincount(block[share > _SLIVER], minlength=len(blocks))
    got = block[first]
    names = areas[name_column].to_numpy(dtype=object) if name_column else np.full(len(areas), None)
    rows = pd.DataFrame(
        {
            "zoning": zoning,
            "block_id": blocks["block_id"].to_numpy()[got],
            "zone_id": zone_ids[zone[first]],
            "zone_name": names[zone[first]],
            "source": "areas",
        }
    )
    cut_rows = (parts[got] > 1) | (share[first] < 1 - _SLIVER)
    at = got[cut_rows]
    cut = blocks.iloc[at][["block_id", "geometry"]].assign(
        zone_id=zone_ids[zone[first]][cut_rows],
        zones=parts[at],
        households=np.rint(total[at]).astype(np.int64),
        households_cut=np.rint(total[at] - held[first][cut_rows]).astype(np.int64),
        share_kept=np.round(share[first][cut_rows], 4),
    )
    lost = np.setdiff1d(np.arange(len(blocks)), got)
    outside = pd.DataFrame(
        {"block_id": blocks["block_id"].to_numpy()[lost], "households": np.rint(total[lost]).astype(np.int64)}
    )
    summary = {
        "zones": len(areas),
        "zones_without_block": len(set(zone_ids) - set(rows["zone_id"])),
        "blocks": len(blocks),
        "blocks_cut": len(cut),
        "blocks_outside": len(outside),
        "households": round(float(total.sum())),
        "households_cut": int(cut["households_cut"].sum()),
        "households_outside": int(outside["households"].sum()),
    }
    return ZoningImport(rows, cut, outside, summary)


def _require_areas(plan: Plan, polygons: gpd.GeoDataFrame, id_column: str) -> gpd.GeoDataFrame:
    if id_column not in polygons:
        raise InputError("missing_column", layer="zonings", column=id_column)
    if len(polygons) == 0:
        raise MissingDataError("missing_layer", layer="zonings")
    require_metric(polygons, layer="zonings", crs=plan.crs)
    areas = polygons.reset_index(drop=True)
    shapes = areas.geometry.to_numpy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    broken = ~empty & ~(shapely.is_valid(shapes) & (shapely.get_dimensions(shapes) == 2))  # noqa: PLR2004 - an area
    nameless = areas[id_column].isna().to_numpy()
    faults = [
        Fault(key=key, layer="zonings", row=int(row) + 1, column=column, value=value)
        for flags, key, column, value in (
            (empty, "empty_geometry", None, None),
            (broken, "broken_geometry", None, "-"),
            (nameless, "missing_value", id_column, None),
        )
        for row in np.flatnonzero(flags)
    ]
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer="zonings", count=len(faults))
    return areas.dissolve(id_column, as_index=False) if areas[id_column].duplicated().any() else areas


def _shares(blocks: np.ndarray, areas: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair blocks with the areas that hold a part of them: block, area, share of the block's ground."""
    block, zone = shapely.STRtree(areas).query(blocks, predicate="intersects")
    share = shapely.area(shapely.intersection(blocks[block], areas[zone])) / shapely.area(blocks[block])
    some = share > 1e-9  # noqa: PLR2004 - no more than a common border
    return block[some], zone[some], share[some]


def _households(plan: Plan, areas: gpd.GeoDataFrame) -> tuple[pd.Series, np.ndarray]:
    """Count households by block and area, and by block."""
    place = pd.Index(plan.blocks["block_id"]).get_indexer(plan.households["block_id"].fillna(""))
    zone = locate(plan.households.geometry, areas, "zone").fillna("-1").astype(int).to_numpy()
    counts = plan.households["households"].to_numpy(dtype=np.float64)
    inside = place >= 0
    total = np.bincount(place[inside], weights=counts[inside], minlength=len(plan.blocks))
    held = pd.Series(counts[inside]).groupby([place[inside], zone[inside]]).sum()
    return held, total
