"""The layer of grids, made from the blocks' assignment, and the figures of a partition."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.blocks.edges import GREAT_CLASSES, MAIN_CLASSES
from gridgeo.blocks.faces import unite
from gridgeo.partition.bounds_text import describe_bounds, walk_corners
from gridgeo.partition.codes import number_places
from gridgeo.schema import complete_layer
from gridgeo.texts import text

KEPT_COLUMNS = ("code", "name", "grid_kind", "locked", "staff")
"""What a grid keeps when its blocks change."""


def dissolve_grids(blocks: gpd.GeoDataFrame, grids: gpd.GeoDataFrame | None = None) -> gpd.GeoDataFrame:
    """Make the layer of grids from the blocks' assignment.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id``, ``households`` and ``persons``; ``borders`` for the bounds in words.
    grids : GeoDataFrame, optional
        Grids whose code, name, kind, lock and staff are kept where the ``grid_id`` still exists.

    Returns
    -------
    GeoDataFrame
        Layer ``grids`` with ``households``, ``persons``, ``area_m2``, ``compactness`` (Polsby-Popper, 1 for a circle),
        ``bounds_zh`` and ``bounds_en`` (四至), and ``corners`` (see `gridgeo.partition.bounds_text.walk_corners`).
    """
    rows = []
    for grid_id, mine in blocks.groupby("grid_id", sort=True):
        shape = unite(mine.geometry.to_numpy())
        area, around = float(shapely.area(shape)), float(shapely.length(shape))
        places = mine["community_id"].dropna().unique()
        rows.append(
            {
                "grid_id": grid_id,
                "community_id": places[0] if len(places) == 1 else None,
                "households": int(mine["households"].sum()),
                "persons": float(mine["persons"].sum()),
                "area_m2": area,
                "compactness": 4 * np.pi * area / around**2,
                "corners": walk_corners(shape),
                "geometry": shape,
            }
        )
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=blocks.crs)
    bounds = describe_bounds(blocks)
    for column in bounds:
        frame[column] = frame["grid_id"].map(bounds[column])
    if grids is not None and len(grids):
        known = grids.drop_duplicates("grid_id").set_index("grid_id")
        for column in KEPT_COLUMNS:
            if column in known:
                frame[column] = frame["grid_id"].map(known[column])
    return complete_layer("grids", frame)


def measure_partition(
    blocks: gpd.GeoDataFrame,
    grids: gpd.GeoDataFrame,
    band: tuple[float, float],
    edges: pd.DataFrame | None,
    *,
    weight: str = "households",
) -> dict[str, Any]:
    """Return the figures of a partition.

    Parameters
    ----------
    blocks, grids : GeoDataFrame
        The layers.
    band : (float, float)
        The band.
    edges : DataFrame, optional
        The blocks' edges.
    weight : str
        The column of `grids` that the band is about.

    Returns
    -------
    dict
        ``blocks``, ``grids``, ``households``, ``in_band`` (share of the general grids), ``max_deviation`` (the largest
        relative distance from the middle of the band), ``compactness`` (mean Polsby-Popper), ``main_street_share`` and
        ``great_street_share`` (tertiary streets and above, primary and above, as shares of the length of borders
        between grids; None without streets).
    """
    low, high = band
    middle = (low + high) / 2
    general = (grids["grid_kind"] == "general") & ~grids["locked"]
    held = grids.loc[general, weight].to_numpy(float)
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
        whole = float(length.sum())
        for name, classes in (("main_street_share", MAIN_CLASSES), ("great_street_share", GREAT_CLASSES)):
            along = edges["street_class"].isin(classes) | (edges["edge_kind"].isin(("railway", "water", "expressway")))
            figures[name] = float(length[along.to_numpy()].sum() / whole) if whole > 0 else None
    return figures


def name_grids(grids: gpd.GeoDataFrame, communities: gpd.GeoDataFrame | None) -> list[str]:
    """Name grids by their community and their number in it, from the north-west on.

    Parameters
    ----------
    grids : GeoDataFrame
        With ``community_id``.
    communities : GeoDataFrame, optional
        With ``unit_id`` and ``name``.

    Returns
    -------
    list of str
        A name for each.
    """
    place = grids["community_id"]
    if communities is not None and "name" in communities:
        known = communities.drop_duplicates("unit_id").set_index("unit_id")["name"].dropna().to_dict()
        place = place.map(lambda unit: known.get(unit, unit))
    rank = number_places(grids)
    number = pd.Series(rank, index=grids.index).groupby(grids["community_id"].fillna("")).rank().astype(int)
    # A name is data that readers of both languages share: it is in the language of the place, not of this process.
    lang = "zh" if place.str.contains("[\u4e00-\u9fff]", na=False).any() else None
    return [
        text("partition.grid_name", lang, place=where if isinstance(where, str) else "", number=each).strip()
        for where, each in zip(place, number, strict=True)
    ]
