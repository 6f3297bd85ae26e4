"""Block edges: what street runs along every border of a block, and whether one can walk across."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridgeo.blocks.faces import Floats, Geometries, Integers, draw_points, draw_segments, share_borders
from gridgeo.crs import require_metric
from gridgeo.schema import STREET_CLASSES

STREET_STRENGTHS = {
    "motorway": 1.3, "trunk": 1.3, "primary": 1.25, "secondary": 1.0, "tertiary": 0.85, "motorway_link": 1.2,
    "trunk_link": 1.2, "primary_link": 1.1, "secondary_link": 0.9, "tertiary_link": 0.8, "unclassified": 0.3,
    "residential": 0.2, "busway": 0.2, "road": 0.2, "living_street": 0.15, "pedestrian": 0.15, "service": 0.15,
}  # fmt: skip
"""How well a street of each class serves as a border between grids; every other class 0.1, no street at all 0.

Graded, because a single step between main and other streets leaves the search nothing to climb. Above 1 a border is not
only free but wanted: a grid that reaches across a great street pays for it.
"""

KIND_STRENGTHS = {"street": 0.0, "railway": 1.2, "water": 1.2, "expressway": 1.3, "wall": 0.8, "cut": 0.0}
"""The same for borders that are no streets: ``cut`` is a line drawn between buildings."""

MAIN_CLASSES = tuple(name for name in STREET_CLASSES[:10])
"""Main streets: tertiary and above, with their links."""

GREAT_CLASSES = tuple(name for name in STREET_CLASSES[:6])
"""Primary streets and above, with their links."""

_OTHER_STRENGTH = 0.1
_PARALLEL = np.cos(np.radians(30))
_UNWALKABLE = ("motorway", "motorway_link", "trunk", "trunk_link")
_CROSSING_REACH_M = 30.0
_GREAT_REACH_M = 35.0


def find_edges(
    blocks: gpd.GeoDataFrame,
    streets: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None = None,
    gates: gpd.GeoDataFrame | None = None,
    *,
    reach_m: float = 20.0,
    piece_m: float = 15.0,
) -> gpd.GeoDataFrame:
    """Name the street along every border of every block.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``: polygons that share their vertices, in metres.
    streets : GeoDataFrame
        Layer ``streets`` (``name``, ``street_class``, ``walkable``, ``tunnel``).
    barriers : GeoDataFrame, optional
        Layer ``barriers``.
    gates : GeoDataFrame, optional
        Layer ``gates``: the open ones are ways across.
    reach_m : float
        A border belongs to the strongest street of its direction no farther away than this.
    piece_m : float
        Borders are judged in pieces of at most this length.

    Returns
    -------
    GeoDataFrame
        One row for each stretch: ``block_a``, ``block_b`` (missing on the district's border), ``street_name``,
        ``street_class``, ``edge_kind`` (``street``, ``railway``, ``water``, ``expressway``, ``wall``, ``cut``),
        ``length_m``, ``on_foot`` (whether one can cross between the two blocks anywhere) and the line.

    Raises
    ------
    CRSError
        If the layers are not in metres or not in one system.
    """
    crs = require_metric(blocks, layer="blocks")
    require_metric(streets, layer="streets", crs=crs)
    segments = share_borders(blocks.geometry.to_numpy())
    start, end, parent = _pieces(segments.start, segments.end, piece_m)
    name, kind_class, kind = _name_pieces(start, end, streets, barriers, reach_m)
    frame = gpd.GeoDataFrame(
        {
            "a": segments.left[parent],
            "b": segments.right[parent],
            "street_name": name,
            "street_class": kind_class,
            "edge_kind": kind,
            "length_m": np.hypot(*(end - start).T),
        },
        geometry=draw_segments(start, end),
        crs=crs,
    )
    keys = ["a", "b", "street_name", "street_class", "edge_kind"]
    grouped = frame.groupby(keys, dropna=False, sort=True)
    lines = grouped["geometry"].agg(lambda pieces: shapely.line_merge(shapely.multilinestrings(pieces.to_numpy())))
    edges = grouped["length_m"].sum().reset_index()
    edges = gpd.GeoDataFrame(edges, geometry=lines.to_numpy(), crs=crs)
    edges["on_foot"] = _on_foot(edges, streets, gates)
    ids = np.r_[blocks["block_id"].to_numpy(object), None]
    edges.insert(0, "block_a", ids[edges["a"]])
    edges.insert(1, "block_b", ids[edges["b"]])
    return edges.drop(columns=["a", "b"])


def write_borders(blocks: gpd.GeoDataFrame, edges: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Write the edges into the blocks, so that they travel with the layer.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``.
    edges : GeoDataFrame
        What `find_edges` returned for them.

    Returns
    -------
    GeoDataFrame
        The blocks with a text column ``borders``: a JSON list of the stretches that are listed under the block, each
        ``{"to": block_id or null, "street", "class", "kind", "length_m", "on_foot", "at": [x, y]}``.
    """
    middle = shapely.get_coordinates(shapely.line_interpolate_point(_longest(edges), 0.5, normalized=True))
    told: dict[str, list[dict[str, object]]] = {str(block): [] for block in blocks["block_id"]}
    rows = zip(
        edges["block_a"], edges["block_b"], edges["street_name"], edges["street_class"], edges["edge_kind"],
        edges["length_m"].round(2), edges["on_foot"], middle.round(1).tolist(), strict=True,
    )  # fmt: skip
    for a, b, name, street_class, kind, length, on_foot, at in rows:
        stretch = {
            "to": b, "street": _none(name), "class": _none(street_class), "kind": kind, "length_m": float(length),
            "on_foot": bool(on_foot), "at": at,
        }  # fmt: skip
        told[str(a)].append(stretch)
    texts = [json.dumps(told[str(block)], ensure_ascii=False) for block in blocks["block_id"]]
    return blocks.assign(borders=pd.Series(texts, index=blocks.index, dtype="str"))


def read_borders(blocks: gpd.GeoDataFrame) -> pd.DataFrame | None:
    """Read the edges that `write_borders` wrote.

    Parameters
    ----------
    blocks : GeoDataFrame
        Layer ``blocks``.

    Returns
    -------
    DataFrame or None
        Columns as of `find_edges` without the line, with its middle in ``x`` and ``y``; None when the blocks carry
        no borders.
    """
    if "borders" not in blocks or blocks["borders"].isna().any():
        return None
    rows = [
        (block, one["to"], one["street"], one["class"], one["kind"], one["length_m"], one["on_foot"], *one["at"])
        for block, told in zip(blocks["block_id"], blocks["borders"], strict=True)
        for one in json.loads(told)
    ]
    columns = ["block_a", "block_b", "street_name", "street_class", "edge_kind", "length_m", "on_foot", "x", "y"]
    return pd.DataFrame(rows, columns=columns)


def edge_strengths(edges: pd.DataFrame) -> Floats:
    """Return how well each edge serves as a border between grids.

    Parameters
    ----------
    edges : DataFrame
        ``street_class`` and ``edge_kind``.

    Returns
    -------
    array of float
        See `STREET_STRENGTHS` and `KIND_STRENGTHS`.
    """
    known = edges["street_class"].map(STREET_STRENGTHS).to_numpy(float)
    other = np.where(edges["street_class"].notna(), _OTHER_STRENGTH, 0.0)
    street = np.where(np.isnan(known), other, known)
    strengths: Floats = np.maximum(street, edges["edge_kind"].map(KIND_STRENGTHS).to_numpy(float))
    return strengths


def _none(value: object) -> object:
    return None if value is None or value is pd.NA or value != value else value  # noqa: PLR0124 - NaN is not itself


def _longest(edges: gpd.GeoDataFrame) -> Geometries:
    parts, edge = shapely.get_parts(edges.geometry.to_numpy(), return_index=True)
    order = np.lexsort((shapely.length(parts), edge))
    last = np.r_[np.diff(edge[order]) != 0, True] if len(edge) else np.empty(0, bool)
    longest: Geometries = parts[order][last]
    return longest


def _pieces(start: Floats, end: Floats, piece_m: float) -> tuple[Floats, Floats, Integers]:
    """Cut segments into equal pieces of at most some length."""
    count = np.maximum(1, np.ceil(np.hypot(*(end - start).T) / piece_m)).astype(np.int64)
    parent = np.repeat(np.arange(len(start)), count)
    nth = np.arange(len(parent)) - np.repeat(np.cumsum(count) - count, count)
    share = (1 / count)[parent]
    step = (end - start)[parent] * share[:, None]
    return start[parent] + step * nth[:, None], start[parent] + step * (nth + 1)[:, None], parent


def _name_pieces(
    start: Floats,
    end: Floats,
    streets: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    reach_m: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the strongest street or barrier along each piece."""
    open_air = streets[~streets["tunnel"]] if "tunnel" in streets else streets
    rows = pd.DataFrame(
        {
            "name": open_air["name"].to_numpy(object) if "name" in open_air else None,
            "street_class": open_air["street_class"].to_numpy(object),
            "kind": np.where(open_air["street_class"].isin(_UNWALKABLE[:2]), "expressway", "street"),
        }
    )
    shapes = [open_air.geometry.to_numpy()]
    if barriers is not None and len(barriers):
        lines = barriers.geometry.to_numpy()
        flat = shapely.get_dimensions(lines) == 2  # noqa: PLR2004 - polygons
        shapes.append(np.where(flat, shapely.boundary(lines), lines))
        names = barriers["name"].to_numpy(object) if "name" in barriers else None
        more = pd.DataFrame({"name": names, "street_class": None, "kind": barriers["barrier_kind"].to_numpy(object)})
        rows = pd.concat([rows.astype(object), more.astype(object)], ignore_index=True)
    strength = edge_strengths(rows.rename(columns={"kind": "edge_kind"}))
    from_xy, to_xy, owner = _explode(np.concatenate(shapes))
    drawn, middle = draw_segments(from_xy, to_xy), draw_points((start + end) / 2)
    tree = shapely.STRtree(drawn)
    piece, near = tree.query(middle, predicate="dwithin", distance=max(reach_m, _GREAT_REACH_M))
    along = _unit(end - start)[piece] * _unit(to_xy - from_xy)[near]
    parallel = np.abs(along.sum(axis=1)) >= _PARALLEL
    piece, near = piece[parallel], near[parallel]
    away = np.asarray(shapely.distance(middle[piece], drawn[near]))
    # The middle of a wide corridor is far from its carriageways: great roads count there if nothing nearer does.
    usable = (away <= reach_m) | rows["street_class"].isin(GREAT_CLASSES).to_numpy()[owner[near]]
    piece, near, away = piece[usable], near[usable], away[usable]
    named = pd.notna(rows["name"].to_numpy())[owner[near]]
    order = np.lexsort((away, ~named, -strength[owner[near]], away > reach_m, piece))
    piece, near = piece[order], near[order]
    first = np.r_[True, np.diff(piece) != 0] if len(piece) else np.empty(0, bool)
    best = np.full(len(start), -1, dtype=np.int64)
    best[piece[first]] = owner[near[first]]
    found = rows.astype(object).where(rows.notna(), None).to_numpy(object)
    table = np.concatenate([found, np.array([[None, None, "cut"]], dtype=object)])[best]
    return table[:, 0], table[:, 1], table[:, 2]


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.maximum(np.hypot(*vectors.T), 1e-12)[:, None]
    return unit


def _explode(lines: Geometries) -> tuple[Floats, Floats, Integers]:
    """Cut lines into their segments."""
    parts, owner = shapely.get_parts(lines, return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    same = part[1:] == part[:-1]
    return points[:-1][same], points[1:][same], owner[part[:-1][same]].astype(np.int64)


def _on_foot(edges: gpd.GeoDataFrame, streets: gpd.GeoDataFrame, gates: gpd.GeoDataFrame | None) -> np.ndarray:
    """Tell whether the two blocks of each edge can be walked between, across any of their edges."""
    barred = edges["edge_kind"].isin(("railway", "water", "expressway", "wall")).to_numpy()
    barred = barred | edges["street_class"].isin(_UNWALKABLE).to_numpy()
    barred = barred & (edges["b"].to_numpy() >= 0)
    # A stretch of a few metres beside a long barrier is the barrier's corner, not a way across.
    passable = ~barred & (edges["length_m"] > _CROSSING_REACH_M / 2).to_numpy()
    if barred.any():
        borders = edges.geometry.to_numpy()[barred]
        walkable = ~streets["street_class"].isin(_UNWALKABLE)
        if "walkable" in streets:
            walkable &= streets["walkable"]
        ways = streets.geometry.to_numpy()[walkable.to_numpy()]
        way, border = shapely.STRtree(borders).query(ways, predicate="intersects")
        crossings = shapely.get_parts(shapely.intersection(ways[way], borders[border]))
        crossings = shapely.centroid(crossings)
        if gates is not None and len(gates):
            crossings = np.r_[crossings, gates.geometry.to_numpy()[gates["open"].to_numpy(bool)]]
        near, _ = shapely.STRtree(crossings).query(borders, predicate="dwithin", distance=_CROSSING_REACH_M)
        passable[np.flatnonzero(barred)[np.unique(near)]] = True
    pair = edges.groupby(["a", "b"], sort=False).ngroup().to_numpy()
    any_way = np.zeros(pair.max() + 1 if len(pair) else 0, dtype=bool)
    np.logical_or.at(any_way, pair, passable)
    # Blocks with nothing but short open borders between them are joined too.
    only_short = np.ones(len(any_way), dtype=bool)
    np.logical_and.at(only_short, pair, ~barred)
    on_foot: np.ndarray = (any_way | only_short)[pair]
    return on_foot
