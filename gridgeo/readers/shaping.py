"""One file's rows into one layer of a plan: columns recognised, cells read, coordinates in metres."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from gridgeo.crs import is_metric, to_metric
from gridgeo.errors import CRSError, Fault
from gridgeo.readers.clean import Repair, parse_days, parse_flags, parse_numbers, parse_texts, tells_who
from gridgeo.readers.columns import LISTS, ColumnMap, map_columns, personal_names
from gridgeo.readers.coordinates import (
    find_axes,
    is_north_first,
    nearest_zones,
    require_known_datum,
    to_degrees,
    zone_crs,
)
from gridgeo.readers.datum import Detection, detect_beside
from gridgeo.readers.doubts import ask_repeated, find_placeless, is_copied_count, shown
from gridgeo.readers.ground import Ground
from gridgeo.readers.names import HIDDEN, WORDS
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.report import Findings
from gridgeo.schema import LAYERS, STREET_CLASSES
from gridgeo.shifts import DATUMS, Datum, shift

_FEW = 30
_WKT = re.compile(r"\s*(MULTI)?(POINT|LINESTRING|POLYGON)\s*(Z|M|ZM)?\s*(\(|EMPTY)", re.IGNORECASE)
_WKT_DEEP = re.compile(r"\(\s*\(\s*\(\s*\(")
_WGS84 = CRS.from_epsg(4326)
# Files cut these at every crossing or sheet border and leave each piece the identifier of the whole. Nothing refers to
# them by it, unlike to households, stations, gates and units: there two rows of one identifier contradict each other.
_CUT_LAYERS = ("streets", "barriers", "buildings", "landuse")
# Layers whose points lie beside streets or on buildings, by which their datum can be told.
_COMPARED = ("households", "stations", "buildings", *LISTS)
_ASSUMED_CLASS = "residential"
# Whose columns of fixed words are read in Chinese too.
_WORDED = ("units", *LISTS)


def shape_layer(
    name: str,
    raw: RawLayer,
    ground: Ground,
    found: Findings,
    *,
    crs: object = None,
    chosen: Mapping[str, str] | None = None,
) -> gpd.GeoDataFrame:
    """Make a layer of a file's rows.

    Parameters
    ----------
    name : str
        The layer, one of `gridgeo.schema.LAYERS`.
    raw : RawLayer
        The rows.
    ground : Ground
        The place.
    found : Findings
        Faults and repairs are added to it.
    crs : object, optional
        ``wgs84``, ``gcj02``, ``bd09`` or anything pyproj knows; found out when left out.
    chosen : mapping of str to str, optional
        Columns that a person has set.

    Returns
    -------
    GeoDataFrame
        In metres, with the layer's columns as far as the file has them and `ROW`; not yet checked.

    Raises
    ------
    CRSError
        If the coordinates cannot be understood.
    """
    mapping = map_columns(name, raw.columns, chosen=chosen, empty=raw.empty_columns)
    found.mappings[name] = mapping
    found.rows[name] = len(raw.table)
    if len(raw.table) == 0:
        found.repairs.append(Repair(name, raw.file, None, None, None, None, "no_rows"))
    found.faults += ask_repeated(name, raw, mapping, chosen or {})
    for dropped in raw.dropped:
        if is_copied_count(name, mapping, dropped):
            where = {"row": int(str(dropped["row"])), "column": str(dropped["column"])}
            found.faults.append(Fault(key="merged_count", layer=name, file=raw.file, value=dropped["value"], **where))  # type: ignore[arg-type]
            continue
        row = None if dropped["row"] is None else int(str(dropped["row"]))
        column = None if "column" not in dropped else str(dropped["column"])
        found.repairs.append(Repair(name, raw.file, row, column, dropped["value"], None, str(dropped["why"])))
    for column in mapping.personal:
        found.repairs.append(Repair(name, raw.file, None, column, None, None, "personal"))
    columns = _read_columns(name, raw, mapping, found, chosen or {})
    geometry = _read_geometry(name, raw, mapping, ground, found, crs)
    frame = gpd.GeoDataFrame(
        {**columns, ROW: raw.table[ROW].to_numpy()}, geometry=geometry.to_numpy(), crs=geometry.crs
    )
    return _complete(name, raw, frame, found)


def _read_columns(
    name: str, raw: RawLayer, mapping: ColumnMap, found: Findings, chosen: Mapping[str, str]
) -> dict[str, object]:
    columns: dict[str, object] = {}
    rows = raw.table[ROW].to_numpy()
    hidden = personal_names(name, raw.columns)
    for column in LAYERS[name].columns:
        source = mapping.columns.get(column.name)
        if source is None:
            continue
        cells = raw.table[source]

        def fault(key: str, at: int, source: str = source, cells: pd.Series = cells, **values: object) -> Fault:
            where = {"layer": name, "file": raw.file, "row": int(rows[at]), "column": source}
            value = HIDDEN if source in hidden else shown(cells.iloc[at])
            return Fault(key=key, value=value, values=values, **where)  # type: ignore[arg-type]

        if column.kind in ("count", "number"):
            numbers = parse_numbers(cells)
            found.repairs += [
                Repair(name, raw.file, int(rows[at]), source, before, after, why)
                for at, before, after, why in numbers.changes
            ]
            found.faults += [fault("no_number", at) for at in numbers.bad]
            # A cell that is a fault already must not be named a second time as empty.
            columns[column.name] = _with_zero(numbers.found, numbers.bad) if column.required else numbers.found
        elif column.kind == "date":
            days, changes = parse_days(cells)
            found.repairs += [
                Repair(name, raw.file, int(rows[at]), source, before, after, why) for at, before, after, why in changes
            ]
            columns[column.name] = days
        elif column.kind == "bool":
            flags, strange = parse_flags(cells)
            found.faults += [fault("no_flag", at) for at in strange]
            columns[column.name] = flags
        else:
            texts, rounded = parse_texts(cells)
            if column.name == LAYERS[name].id_column:
                found.faults += [fault("rounded_id", at) for at in rounded]
            if column.name not in chosen and tells_who(texts, phones=name in LISTS):
                told: dict[str, object] = {"into": column.name}
                found.faults.append(
                    Fault(key="column_tells_who", layer=name, file=raw.file, column=source, values=told)
                )
                continue
            if name in _WORDED and column.name in WORDS:
                texts = texts.map(lambda said, words=WORDS[column.name]: words.get(said, said), na_action="ignore")
            columns[column.name] = texts
    return columns


def _with_zero(values: NDArray[np.float64], at: tuple[int, ...]) -> NDArray[np.float64]:
    filled = values.copy()
    filled[list(at)] = 0.0
    return filled


def _read_geometry(
    name: str, raw: RawLayer, mapping: ColumnMap, ground: Ground, found: Findings, crs: object
) -> gpd.GeoSeries:
    """Return the geometries in metres of the place."""
    if raw.geometry is None and "wkt" in mapping.columns and not {"x", "y"} <= mapping.columns.keys():
        raw = replace(raw, geometry=_parse_wkt(name, raw, mapping.columns["wkt"], found))
    if raw.geometry is None:
        return _read_points(name, raw, mapping, ground, found, crs)
    geometry, stated = raw.geometry, raw.geometry.crs
    coordinates = shapely.get_coordinates(geometry.to_numpy())
    datum, system = _understand(crs)
    if datum is None and system is None:
        if stated is not None:
            require_known_datum(stated)
            return _verify(name, raw, geometry, ground, found)
        _, datum, system = _guess(name, raw, coordinates[:, 0], coordinates[:, 1], ground, found)
    if datum is not None:
        shifted = shapely.transform(
            geometry.to_numpy(), lambda xy: np.column_stack(shift(xy[:, 0], xy[:, 1], datum, "wgs84"))
        )
        _note_datum(name, raw, datum, found)
        return _to_ground(gpd.GeoSeries(shifted, crs=_WGS84), ground, name)
    return _to_ground(gpd.GeoSeries(geometry.to_numpy(), crs=require_known_datum(system)), ground, name)


def _parse_wkt(name: str, raw: RawLayer, column: str, found: Findings) -> gpd.GeoSeries:
    """Read geometries written as text; only plain ones, since collections can be nested until the reader breaks."""
    cells, _ = parse_texts(raw.table[column])
    plain = [
        said if isinstance(said, str) and _WKT.match(said) and not _WKT_DEEP.search(said) else None for said in cells
    ]
    with np.errstate(invalid="ignore"):
        shapes = shapely.force_2d(shapely.from_wkt(plain, on_invalid="ignore"))
    missing = shapely.is_missing(shapes)
    unread = np.flatnonzero(cells.notna().to_numpy() & missing)
    for at in unread:
        where = {"layer": name, "file": raw.file, "row": int(raw.table[ROW].iloc[at]), "column": column}
        found.faults.append(Fault(key="no_wkt", value=str(cells.iloc[at])[:40], **where))  # type: ignore[arg-type]
    if not missing.all():
        shapes[unread] = shapes[~missing][0]  # named already; a stand-in keeps it from being named twice
    return gpd.GeoSeries(shapes)


def _read_points(
    name: str, raw: RawLayer, mapping: ColumnMap, ground: Ground, found: Findings, crs: object
) -> gpd.GeoSeries:
    """Return the points of a plain table; of a layer that needs no place, none where none is given."""
    placed = LAYERS[name].placed and bool(LAYERS[name].geometry)
    nowhere = gpd.GeoSeries([None] * len(raw.table), crs=ground.crs)
    lacking = [column for column in ("x", "y") if column not in mapping.columns]
    if lacking and not placed:
        return nowhere
    if lacking:
        for column in lacking:
            words = {"x": "经度 / longitude / x", "y": "纬度 / latitude / y"}[column]
            found.faults.append(Fault(key="no_coordinate_column", layer=name, file=raw.file, value=words))
        return _stand_ins(len(raw.table), ground)
    rows = raw.table[ROW].to_numpy()
    axes = {}
    for column in ("x", "y"):
        source = mapping.columns[column]
        numbers = parse_numbers(raw.table[source])
        axes[column] = numbers.found
        found.repairs += [
            Repair(name, raw.file, int(rows[at]), source, before, after, why)
            for at, before, after, why in numbers.changes
        ]
    east, north = axes["x"], axes["y"]
    missing, faults = find_placeless(name, raw, mapping, east, north)
    found.faults += faults
    east, north = np.where(missing, np.nan, east), np.where(missing, np.nan, north)
    if missing.all():
        return _stand_ins(len(rows), ground) if placed else nowhere
    datum, system = _understand(crs)
    if datum is None and system is None:
        swapped, datum, system = _guess(name, raw, east, north, ground, found)
    else:
        near = None if ground.district is None else tuple(ground.district.to_crs(_WGS84).total_bounds)
        swapped = is_north_first(east, north, datum=datum, crs=system, district=near)
    if swapped:
        east, north = north, east
        found.repairs.append(Repair(name, raw.file, None, None, None, None, "swapped"))
    lon, lat = to_degrees(east, north, datum=datum, crs=system)
    if datum is not None:
        _note_datum(name, raw, datum, found)
    points = _to_ground(gpd.GeoSeries(gpd.points_from_xy(lon, lat), crs=_WGS84), ground, name)
    return points.where(~missing, _stand_ins(len(rows), ground) if placed else None)


def _stand_ins(count: int, ground: Ground) -> gpd.GeoSeries:
    """Return points for rows whose place is a fault already, so that it is not named a second time."""
    middle = shapely.Point(0, 0) if ground.district is None else ground.district.iloc[0].representative_point()
    return gpd.GeoSeries([middle] * count, crs=ground.crs)


def _understand(crs: object) -> tuple[Datum | None, object]:
    """Tell a datum of degrees from a system."""
    if isinstance(crs, str) and crs.lower().replace("-", "") in DATUMS:
        name = crs.lower().replace("-", "")
        return next(datum for datum in DATUMS if datum == name), None
    return None, crs


def _guess(
    name: str, raw: RawLayer, x: NDArray[np.float64], y: NDArray[np.float64], ground: Ground, found: Findings
) -> tuple[bool, Datum | None, CRS | None]:
    """Find out axes and datum of coordinates that say nothing of themselves."""
    axes = find_axes(x, y)
    detection = _detect(name, x, y, ground=ground, found=found)
    if detection is not None:
        if detection.mixed and len(x) >= _FEW:
            raise CRSError("datum_mixed", layer=name, file=raw.file, detail=_told(detection))
        if detection.clear:
            return axes.swapped, detection.best.datum, detection.best.crs
        if axes.kind == "degrees" and len(x) >= _FEW:
            raise CRSError("datum_unclear", layer=name, file=raw.file, detail=_told(detection))
    if axes.kind == "degrees":
        found.repairs.append(Repair(name, raw.file, None, None, None, "WGS 84", "unverified"))
        return axes.swapped, "wgs84", None
    if axes.zone is not None:
        return axes.swapped, None, zone_crs(axes.zone)
    if ground.district is not None:
        return axes.swapped, None, _zone_of(x, y, axes.swapped, ground.district)
    raise CRSError("zone_needed", layer=name, file=raw.file)


def _zone_of(x: NDArray[np.float64], y: NDArray[np.float64], swapped: bool, district: gpd.GeoSeries) -> CRS:  # noqa: FBT001
    """Return the zone in which metres without a prefix lie nearest to the district."""
    middle = district.to_crs(4490).iloc[0].centroid
    east, north = (np.nanmedian(y), np.nanmedian(x)) if swapped else (np.nanmedian(x), np.nanmedian(y))

    def away(zone: CRS) -> float:
        lon, lat = to_degrees([east], [north], crs=zone)
        return float(np.hypot(lon[0] - middle.x, lat[0] - middle.y))

    return min(nearest_zones(float(middle.x)), key=away)


def _verify(name: str, raw: RawLayer, geometry: gpd.GeoSeries, ground: Ground, found: Findings) -> gpd.GeoSeries:
    """Take a system at its word, unless many points clearly contradict it."""
    metric = _to_ground(geometry, ground, name)
    points = metric.to_numpy()
    kinds = set(np.unique(shapely.get_type_id(points[~shapely.is_missing(points)])).tolist())
    if ground.crs is None or kinds != {int(shapely.GeometryType.POINT)}:
        return metric
    degrees = Transformer.from_crs(ground.crs, 4490, always_xy=True)
    detection = _detect(
        name, *degrees.transform(shapely.get_x(points), shapely.get_y(points)), ground=ground, found=found
    )
    if detection is not None and len(geometry) >= _FEW:
        if detection.mixed:
            raise CRSError("datum_mixed", layer=name, file=raw.file, detail=_told(detection))
        if detection.clear and detection.best.datum != "wgs84":
            raise CRSError(
                "datum_differs", layer=name, file=raw.file, found=detection.best.name, detail=_told(detection)
            )
    return metric


def _detect(
    name: str, x: NDArray[np.float64], y: NDArray[np.float64], *, ground: Ground, found: Findings
) -> Detection | None:
    around = ground.around if name in _COMPARED else None
    if around is None:
        return None
    detection = detect_beside(x, y, around)
    found.detections[name] = detection
    return detection


def _told(detection: Detection) -> str:
    def metres(away: float) -> str:
        return f"{away:.0f} m" if np.isfinite(away) else "–"

    return "; ".join(
        f"{each.name}: {metres(each.street_m)} / {metres(each.building_m)}" for each in detection.hypotheses
    )


def _note_datum(name: str, raw: RawLayer, datum: Datum, found: Findings) -> None:
    if datum != "wgs84":
        found.repairs.append(Repair(name, raw.file, None, None, datum.upper(), "WGS 84", "datum"))


def _to_ground(geometry: gpd.GeoSeries, ground: Ground, name: str) -> gpd.GeoSeries:
    if ground.crs is None and is_metric(geometry.crs):
        # A boundary in metres of any kind is brought to the place's own zone, so that all plans of a place agree.
        geometry = geometry.to_crs(_WGS84 if geometry.crs.is_bound else geometry.crs.geodetic_crs)
    metric = to_metric(geometry, ground.crs, layer=name)
    if np.isfinite(geometry.total_bounds).all() and not np.isfinite(metric.total_bounds).any():
        raise CRSError("no_ground", layer=name)
    return metric


def _complete(name: str, raw: RawLayer, frame: gpd.GeoDataFrame, found: Findings) -> gpd.GeoDataFrame:
    """Fill in what a file may leave out, and repair what has one right repair; both are listed."""
    id_column = LAYERS[name].id_column
    if id_column not in frame:
        # Of a list by its file, so that the same file imported again means the same rows and another one does not.
        stem = Path(raw.file).stem if name in LISTS else name[:-1]
        frame = frame.assign(**{id_column: [f"{stem}-{row}" for row in frame[ROW]]})
        first = frame[id_column].iloc[0] if len(frame) else "-"
        found.repairs.append(Repair(name, raw.file, None, None, None, first, "made_id"))
    if name in _CUT_LAYERS:
        frame = _number_repeated(name, raw, frame, found)
    if name == "streets":
        frame = _complete_classes(raw, frame, found)
    if name == "units":
        frame = _complete_levels(raw, frame, found)
    geometry = frame.geometry.to_numpy()
    finite = np.isfinite(shapely.bounds(geometry)).all(axis=1)
    broken = np.flatnonzero(finite & ~shapely.is_valid(geometry) & (shapely.get_dimensions(geometry) == 2))  # noqa: PLR2004
    if len(broken) == 0:
        return frame
    whole = geometry.copy()
    for at in broken:
        repaired = shapely.make_valid(geometry[at], method="structure", keep_collapsed=False)
        if repaired.is_empty or repaired.geom_type not in {"Polygon", "MultiPolygon"}:
            continue
        whole[at] = repaired
        before, after = f"{shapely.area(geometry[at]):.1f}", f"{repaired.area:.1f}"
        found.repairs.append(Repair(name, raw.file, int(frame[ROW].iloc[at]), None, before, after, "geometry"))
    return frame.set_geometry(gpd.GeoSeries(whole, index=frame.index, crs=frame.crs))


def _number_repeated(name: str, raw: RawLayer, frame: gpd.GeoDataFrame, found: Findings) -> gpd.GeoDataFrame:
    """Give each piece of what was cut an identifier of its own: the later ones get ``-2``, ``-3`` behind it."""
    column = LAYERS[name].id_column
    ids = frame[column].copy()
    later = np.flatnonzero(ids.notna() & ids.duplicated())
    if len(later) == 0:
        return frame
    taken, counts = set(ids), dict.fromkeys(ids, 1)
    for at in later:
        given = ids.iloc[at]
        numbered = given
        while numbered in taken:
            counts[given] += 1
            numbered = f"{given}-{counts[given]}"
        taken.add(numbered)
        ids.iloc[at] = numbered
    found.repairs.append(Repair(name, raw.file, None, column, str(len(later)), str(ids.iloc[later[0]]), "repeated_id"))
    return frame.assign(**{column: ids})


def _complete_levels(raw: RawLayer, frame: gpd.GeoDataFrame, found: Findings) -> gpd.GeoDataFrame:
    """Without a column of levels the units are communities."""
    if "level" in frame:
        return frame
    found.repairs.append(Repair("units", raw.file, None, None, None, "community", "no_level"))
    return frame.assign(level="community")


def _complete_classes(raw: RawLayer, frame: gpd.GeoDataFrame, found: Findings) -> gpd.GeoDataFrame:
    if "street_class" not in frame:
        found.repairs.append(Repair("streets", raw.file, None, None, None, _ASSUMED_CLASS, "no_class"))
        return frame.assign(street_class=_ASSUMED_CLASS)
    said = frame["street_class"]
    strange = ~said.isin(STREET_CLASSES)
    for at in np.flatnonzero(strange):
        row = int(frame[ROW].iloc[at])
        source = found.mappings["streets"].columns["street_class"]
        found.repairs.append(Repair("streets", raw.file, row, source, said.iloc[at], "road", "street_class"))
    return frame.assign(street_class=said.where(~strange, "road"))
