"""Communities as a partition of the district: overlaps, gaps and broken rings repaired, every repair named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.blocks.faces import Geometries, Integers, border_lengths, draw_faces, share_borders, unite
from gridgeo.crs import require_metric
from gridgeo.errors import Fault, InputError

_WORTH_TELLING_M2 = 1.0


@dataclass(frozen=True)
class Ground:
    """The district, cut along its communities.

    Parameters
    ----------
    parts : array of Polygon
        Pieces that together are the district; without communities its polygons.
    unit : array of int, one a part
        The position in `unit_ids` of the community each belongs to, -1 for none.
    unit_ids : list of str
        The communities.
    repairs : list of Fault
        What was changed.
    """

    parts: Geometries
    unit: Integers
    unit_ids: list[str] = field(default_factory=list)
    repairs: list[Fault] = field(default_factory=list)


def cut_ground(district: shapely.Geometry, communities: gpd.GeoDataFrame | None) -> Ground:
    """Cut a district along its communities.

    Parameters
    ----------
    district : Polygon or MultiPolygon
        The district, in metres.
    communities : GeoDataFrame, optional
        Polygons with ``unit_id``. Ground in several goes to the first; ground in none to the neighbour it shares most
        border with; ground outside the district is left out.

    Returns
    -------
    Ground
        The pieces, and a fault for each repair.
    """
    if communities is None or len(communities) == 0:
        parts = shapely.get_parts(district)
        return Ground(parts, np.full(len(parts), -1, dtype=np.int64))
    require_metric(communities, layer="units")
    if "unit_id" not in communities:
        raise InputError("missing_column", layer="units", column="unit_id")
    repairs: list[Fault] = []
    shapes = mend(communities.geometry.to_numpy(), "units", repairs)
    rings = np.r_[shapely.boundary(shapes), shapely.boundary(district)]
    faces = draw_faces(rings)
    place = shapely.point_on_surface(faces)
    inside = shapely.intersects(district, place)
    faces, place = faces[inside], place[inside]
    face, unit = shapely.STRtree(shapes).query(place, predicate="intersects")
    first = np.full(len(faces), len(shapes), dtype=np.int64)
    np.minimum.at(first, face, unit)
    ids = [str(one) for one in communities["unit_id"]]
    repairs += _tell(faces, face, unit, ids)
    label = _fill_gaps(faces, np.where(first == len(shapes), -1, first))
    return Ground(*_join(faces, label), ids, repairs)


def mend(shapes: Geometries, layer: str, repairs: list[Fault]) -> Geometries:
    """Repair polygons whose rings cross, and note it.

    Parameters
    ----------
    shapes : array of Polygon or MultiPolygon
        The polygons.
    layer : str
        What they are called in the note.
    repairs : list of Fault
        The notes are appended here.

    Returns
    -------
    array of Polygon or MultiPolygon
        Valid polygons.
    """
    broken = np.flatnonzero(~shapely.is_valid(shapes))
    mended = shapes.copy()
    for row in broken:
        mended[row] = shapely.make_valid(shapes[row])
        values: dict[str, object] = {"detail": shapely.is_valid_reason(shapes[row])}
        repairs.append(Fault(key="polygon_mended", layer=layer, row=int(row) + 1, values=values))
    return mended


def _tell(faces: Geometries, face: Integers, unit: Integers, ids: list[str]) -> Iterator[Fault]:
    """Name the overlaps and gaps that are worth telling."""
    area = shapely.area(faces)
    covered = np.bincount(face, minlength=len(faces))
    gap = float(area[covered == 0].sum())
    if gap > _WORTH_TELLING_M2:
        yield Fault(key="communities_gap", layer="units", value=round(gap, 1))
    twice = np.flatnonzero(covered > 1)
    pairs: dict[tuple[str, str], float] = {}
    for one in twice:
        names = sorted({ids[which] for which in unit[face == one]})
        pair = (names[0], names[-1])
        pairs[pair] = pairs.get(pair, 0.0) + float(area[one])
    for (one_id, other_id), ground in pairs.items():
        if ground > _WORTH_TELLING_M2:
            values: dict[str, object] = {"one": one_id, "other": other_id}
            yield Fault(key="communities_overlap", layer="units", value=round(ground, 1), values=values)


def _fill_gaps(faces: Geometries, label: Integers) -> Integers:
    """Give faces in no community to the community they share most border with."""
    shared = border_lengths(share_borders(faces), len(faces)).tocsr()
    for _ in range(len(faces)):
        lost = np.flatnonzero(label < 0)
        moved = label.copy()
        for face in lost:
            span = slice(shared.indptr[face], shared.indptr[face + 1])
            near, length = label[shared.indices[span]], shared.data[span]
            if (near >= 0).any():
                moved[face] = near[near >= 0][np.argmax(length[near >= 0])]
        if (moved == label).all():
            break
        label = moved
    return label


def _join(faces: Geometries, label: Integers) -> tuple[Geometries, Integers]:
    parts: list[shapely.Geometry] = []
    unit: list[int] = []
    for one in np.unique(label).tolist():
        pieces = shapely.get_parts(unite(faces[label == one]))
        parts += list(pieces)
        unit += [one] * len(pieces)
    return np.array(parts, dtype=object), np.array(unit, dtype=np.int64)
