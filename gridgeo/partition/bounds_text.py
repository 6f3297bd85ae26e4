"""四至: the streets that bound a grid on its four sides, in words, and the corners to walk it by."""

from __future__ import annotations

import json
from collections.abc import Mapping

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.blocks.edges import read_borders
from gridgeo.texts import LANGUAGES, text

SIDES = ("east", "south", "west", "north")
"""The sides in the order of the formula 东至…，南至…，西至…，北至…."""

_MOST_NAMES = 3
_LEAST_SHARE = 0.15
_CORNER_M = 10.0


def describe_bounds(blocks: gpd.GeoDataFrame) -> pd.DataFrame:
    """Say in words what bounds each grid on its four sides.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``grid_id`` and ``borders``.

    Returns
    -------
    DataFrame
        By ``grid_id``: ``bounds_zh`` and ``bounds_en``. On each side up to three streets are named, those along at
        least 15 % of it, the longest first; empty without ``borders``.
    """
    grids = pd.Index(sorted(blocks["grid_id"].dropna().unique()), name="grid_id")
    stretches = read_borders(blocks)
    if stretches is None:
        return pd.DataFrame({f"bounds_{lang}": "" for lang in LANGUAGES}, index=grids)
    outer = _name_segments(_outer_segments(blocks), blocks, stretches)
    told: dict[str, list[str]] = {}
    for lang in LANGUAGES:
        cells = zip(outer["street_name"], outer["edge_kind"], outer["other"], strict=True)
        named = outer.assign(name=[_one_in_words(name, kind, other, lang) for name, kind, other in cells])
        metres: dict[str, dict[str, dict[str, float]]] = {}
        sums = named.groupby(["grid", "side", "name"], as_index=False)["length"].sum()
        for grid, side, name, length in sums.itertuples(index=False):
            metres.setdefault(grid, {}).setdefault(side, {})[name] = float(length)
        told[f"bounds_{lang}"] = [word_bounds(metres.get(grid, {}), lang) for grid in grids]
    return pd.DataFrame(told, index=grids)


def outline_blocks(blocks: gpd.GeoDataFrame) -> pd.DataFrame | None:
    """Name every border segment of every block, so that the bounds of any grid can be put together from them.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks`` with ``borders``.

    Returns
    -------
    DataFrame or None
        By segment, once for each block it bounds: ``block`` and ``other`` (places in the layer; -1 beyond the
        district), ``side``, ``length`` in metres, and what it is called: ``name_zh``, ``name_en``. None without
        ``borders``.
    """
    stretches = read_borders(blocks)
    if stretches is None:
        return None
    outer = _name_segments(_outer_segments(blocks.assign(grid_id=blocks["block_id"])), blocks, stretches)
    told = outer[["block", "other", "side", "length"]].reset_index(drop=True)
    for lang in LANGUAGES:
        cells = zip(outer["street_name"], outer["edge_kind"], outer["other"], strict=True)
        told[f"name_{lang}"] = [_one_in_words(name, kind, other, lang) for name, kind, other in cells]
    return told


def word_bounds(sides: Mapping[str, Mapping[str, float]], lang: str) -> str:
    """Say in words what bounds a grid, from the metres along each thing on each side.

    Parameters
    ----------
    sides : mapping
        Side → name → metres.
    lang : {'zh', 'en'}
        The language.

    Returns
    -------
    str
        As `describe_bounds` words it.
    """
    words = {}
    for side in SIDES:
        length = sides.get(side, {})
        least = _LEAST_SHARE * sum(length.values())
        named = sorted(length, key=lambda name: (-length[name], name))
        named = [name for name in named if length[name] >= least][:_MOST_NAMES]
        words[side] = text("partition.and", lang).join(named) or text("partition.no_side", lang)
    return text("partition.bounds", lang, **words)


def walk_corners(shape: shapely.Geometry, *, corner_m: float = _CORNER_M) -> str:
    """List a grid's corners in the order of a walk along its border.

    Parameters
    ----------
    shape : Polygon or MultiPolygon
        The grid, in metres; of several parts the largest counts.
    corner_m : float
        Bends that leave the straight line by less are no corners.

    Returns
    -------
    str
        A JSON list of ``[x, y]``, clockwise from the corner farthest to the north-west, the first not repeated.
    """
    parts = shapely.get_parts(shape)
    largest = parts[int(np.argmax(shapely.area(parts)))]
    ring = shapely.get_coordinates(shapely.simplify(largest.exterior, corner_m))[:-1]
    if shapely.is_ccw(largest.exterior):
        ring = ring[::-1]
    first = int(np.argmax(ring[:, 1] - ring[:, 0]))
    return json.dumps(np.round(np.roll(ring, -first, axis=0), 2).tolist())


def _outer_segments(blocks: gpd.GeoDataFrame) -> pd.DataFrame:
    """List the border segments between grids, once for each grid, with the side they lie on."""
    shapes = shapely.orient_polygons(blocks.geometry.to_numpy(), exterior_cw=False)
    parts, part_block = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    start, end = points[:-1][same], points[1:][same]
    block = part_block[ring_part[ring[:-1][same]]]
    frame = pd.DataFrame({"x0": start[:, 0], "y0": start[:, 1], "x1": end[:, 0], "y1": end[:, 1], "block": block})
    twin = frame.rename(columns={"x0": "x1", "x1": "x0", "y0": "y1", "y1": "y0", "block": "other"})
    frame = frame.merge(twin, on=["x0", "y0", "x1", "y1"], how="left")
    ids = np.r_[blocks["grid_id"].to_numpy(object), None]
    other = frame["other"].fillna(-1).astype(np.int64).to_numpy()
    frame["grid"], beyond = ids[frame["block"]], ids[other]
    frame["other"] = other
    frame = frame[(frame["grid"] != beyond) & frame["grid"].notna()]
    # The ring runs counter-clockwise, so the outside lies to the right of each segment.
    east, north = frame["y1"] - frame["y0"], frame["x0"] - frame["x1"]
    upright = east.abs() >= north.abs()
    side = np.where(upright, np.where(east > 0, "east", "west"), np.where(north > 0, "north", "south"))
    length = np.hypot(east, north)
    x, y = (frame["x0"] + frame["x1"]) / 2, (frame["y0"] + frame["y1"]) / 2
    columns = ["grid", "block", "other", "side", "length", "x", "y"]
    told: pd.DataFrame = frame.assign(side=side, length=length, x=x, y=y)[columns]
    return told


def _name_segments(outer: pd.DataFrame, blocks: gpd.GeoDataFrame, stretches: pd.DataFrame) -> pd.DataFrame:
    """Give each segment the nearest stretch of its pair of blocks."""
    place = pd.Series(np.arange(len(blocks)), index=blocks["block_id"].to_numpy())
    a = stretches["block_a"].map(place).to_numpy()
    b = stretches["block_b"].map(place).fillna(-1).astype(np.int64).to_numpy()
    known = stretches[["street_name", "street_class", "edge_kind"]].assign(
        low=np.minimum(a, b), high=np.maximum(a, b), sx=stretches["x"], sy=stretches["y"]
    )
    outer = outer.assign(
        low=np.minimum(outer["block"], outer["other"]),
        high=np.maximum(outer["block"], outer["other"]),
        row=np.arange(len(outer)),
    )
    both = outer.merge(known, on=["low", "high"], how="left")
    both["away"] = np.nan_to_num(np.hypot(both["x"] - both["sx"], both["y"] - both["sy"]))
    return both.sort_values(["row", "away"]).drop_duplicates("row")


def _one_in_words(name: object, kind: object, other: int, lang: str) -> str:
    if isinstance(name, str) and name:
        return name
    if kind in ("street", "railway", "water", "expressway", "wall"):
        return text(f"partition.unnamed_{kind}", lang)
    return text("partition.district_border" if other < 0 else "partition.between_buildings", lang)
