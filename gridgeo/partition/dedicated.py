"""Dedicated grids (专属网格): campuses, parks, markets and business quarters as grids of their own."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.crs import require_metric

DEDICATED_KINDS = (
    "university", "college", "school", "hospital", "park", "commercial", "retail", "industrial", "marketplace",
    "stadium", "railway",
)  # fmt: skip
"""Values of ``landuse_kind`` that may stand for a dedicated grid."""


def find_dedicated(
    landuse: gpd.GeoDataFrame,
    *,
    kinds: tuple[str, ...] = DEDICATED_KINDS,
    area_m2: float = 30_000.0,
    named: bool = True,
    households: gpd.GeoDataFrame | None = None,
    most_households: float = 500,
) -> gpd.GeoDataFrame:
    """Name the areas that may become dedicated grids.

    Parameters
    ----------
    landuse : GeoDataFrame
        Layer ``landuse``, in metres.
    kinds : tuple of str
        Values of ``landuse_kind`` that count.
    area_m2 : float
        Smaller areas do not.
    named : bool
        Whether only areas with a name count.
    households : GeoDataFrame, optional
        Layer ``households``; an area with more of them than a grid may hold is no dedicated grid: people live there.
    most_households : float
        What a grid may hold at most.

    Returns
    -------
    GeoDataFrame
        ``name``, ``kind`` and the polygon, the largest first; an area inside a larger one is left out.

    Raises
    ------
    CRSError
        If the layer is not in metres.
    """
    require_metric(landuse, layer="landuse")
    wanted = landuse["landuse_kind"].isin(kinds) & (landuse.area >= area_m2)
    if named:
        wanted &= landuse["name"].fillna("").str.strip() != ""
    found = landuse[wanted]
    if households is not None and len(households):
        area, point = shapely.STRtree(households.geometry.to_numpy()).query(
            shapely.make_valid(found.geometry.to_numpy()), predicate="intersects"
        )
        count = households["households"].to_numpy(float)[point]
        found = found[np.bincount(area, weights=count, minlength=len(found)) <= most_households]
    order = np.argsort(-found.area.to_numpy(), kind="stable")
    found = found.iloc[order]
    taken: list[int] = []
    shapes = shapely.make_valid(found.geometry.to_numpy())
    for row, shape in enumerate(shapes):
        others = shapes[taken]
        if not (shapely.area(shapely.intersection(others, shape)) > shape.area / 2).any():
            taken.append(row)
    kept = found.iloc[taken]
    return gpd.GeoDataFrame(
        {"name": kept["name"].to_numpy(object), "kind": kept["landuse_kind"].to_numpy(object)},
        geometry=shapes[taken],
        crs=landuse.crs,
    )


def assign_dedicated(blocks: gpd.GeoDataFrame, dedicated: gpd.GeoDataFrame, *, share: float = 0.5) -> pd.Series:
    """Tell which dedicated area each block belongs to.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``.
    dedicated : GeoDataFrame
        Polygons, the more important first.
    share : float
        A block belongs to the area that holds more than this share of its ground.

    Returns
    -------
    Series of int
        The area's position, -1 for none, by the blocks' index. Where an area's blocks do not hang together, only the
        largest part belongs.

    Raises
    ------
    CRSError
        If the polygons are not in the blocks' system.
    """
    require_metric(dedicated, layer="dedicated", crs=blocks.crs)
    found = np.full(len(blocks), -1, dtype=np.int64)
    shapes = shapely.make_valid(dedicated.geometry.to_numpy())
    ground = blocks.geometry.to_numpy()
    area, block = shapely.STRtree(ground).query(shapes, predicate="intersects")
    inside = shapely.area(shapely.intersection(shapes[area], ground[block])) > share * shapely.area(ground[block])
    for one, which in sorted(zip(area[inside].tolist(), block[inside].tolist(), strict=True), reverse=True):
        found[which] = one
    return pd.Series(found, index=blocks.index)
