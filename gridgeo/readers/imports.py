"""Files as offices have them into a plan: everything read, understood and checked, every fault named at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gridgeo.errors import Fault, FileError, GridgeoError, ImportFaults, InputError
from gridgeo.plan import STANDARD_LEVELS, Name, Plan, PlanInfo, check_plan, make_plan
from gridgeo.readers.bounded import read_file
from gridgeo.readers.columns import ColumnMap, map_columns, read_profile
from gridgeo.readers.osm import read_osm
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.report import Findings, ImportReport
from gridgeo.readers.shaping import Ground, shape_layer
from gridgeo.readers.sniff import sniff
from gridgeo.readers.street_checks import check_streets
from gridgeo.schema import check_layer
from gridgeo.texts import text

Source: TypeAlias = str | Path | gpd.GeoDataFrame | pd.DataFrame

OSM_ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"

FAR_M = 1000.0
"""A household further than this from every street is remarked on."""

_LINES_FIRST = ("streets", "barriers", "buildings", "gates", "units", "households", "stations")
_OSM_LAYERS = ("streets", "barriers", "gates", "buildings", "landuse", "places")


def import_plan(
    *,
    boundary: Source,
    streets: Source,
    households: Source | None = None,
    stations: Source | None = None,
    barriers: Source | None = None,
    gates: Source | None = None,
    units: Source | None = None,
    buildings: Source | None = None,
    crs: object = None,
    profile: str | Path | Mapping[str, Mapping[str, str]] | None = None,
    name: str | None = None,
    skip_faulty: bool = False,
) -> Plan:
    """Make a plan of files from outside.

    Parameters
    ----------
    boundary : path, GeoDataFrame
        The district, one polygon or several.
    streets : path, GeoDataFrame
        The streets; an OSM extract (``.osm.pbf``, ``.osm``) brings barriers, gates, buildings, land use and places.
    households, stations : path, GeoDataFrame or DataFrame, optional
        Points, as geometries or as two columns of coordinates.
    barriers, gates, units, buildings : path, GeoDataFrame, optional
        Further layers. Without units the boundary is the one sub-district.
    crs : object, optional
        What the coordinates of households and stations and of files that state no system are in: ``wgs84``,
        ``gcj02``, ``bd09``, ``EPSG:n``; or a mapping from layer to that. Found out when left out.
    profile : path or mapping, optional
        Which column of the file is which column of the layer, by layer; see `gridgeo.readers.columns.read_profile`.
    name : str, optional
        What the place is called; by default the boundary's file.
    skip_faulty : bool
        Set faulty rows aside instead of refusing the import; see `prepare_import` for which.

    Returns
    -------
    Plan
        The plan, in the metric system of the place.

    Raises
    ------
    ImportFaults
        If anything is wrong; its ``faults`` name everything, of all files.
    """
    report = prepare_import(
        boundary=boundary,
        streets=streets,
        households=households,
        stations=stations,
        barriers=barriers,
        gates=gates,
        units=units,
        buildings=buildings,
        crs=crs,
        profile=profile,
        name=name,
        skip_faulty=skip_faulty,
    )
    if report.plan is None:
        faults = report.findings.faults
        raise ImportFaults("import_faults", faults=faults, count=len(faults))
    return report.plan


def prepare_import(
    *,
    boundary: Source,
    streets: Source,
    crs: object = None,
    profile: str | Path | Mapping[str, Mapping[str, str]] | None = None,
    name: str | None = None,
    skip_faulty: bool = False,
    **sources: Source | None,
) -> ImportReport:
    """Do what `import_plan` does and tell all that was found on the way, without raising for faults of the data.

    Parameters
    ----------
    boundary, streets : path, GeoDataFrame
        As for `import_plan`.
    crs, profile, name, skip_faulty : object
        As for `import_plan`.
    **sources : path, GeoDataFrame or DataFrame
        ``households``, ``stations``, ``barriers``, ``gates``, ``units``, ``buildings``.

    Returns
    -------
    ImportReport
        The plan (None when there are faults), faults, repairs, mappings, datum detections, rows set aside, remarks.

    Raises
    ------
    FileError
        If the profile cannot be read.
    """
    unknown = set(sources) - {"households", "stations", "barriers", "gates", "units", "buildings"}
    if unknown:
        raise TypeError(f"there are no sources {sorted(unknown)}")
    chosen = read_profile(profile) if isinstance(profile, (str, Path)) else dict(profile or {})
    given = {layer: source for layer, source in {"streets": streets, **sources}.items() if source is not None}
    found = Findings()
    task = _Import(found, crs, chosen, skip_faulty=skip_faulty)
    district = task.read_boundary(boundary)
    if district is None:
        return ImportReport(None, found)
    layers = task.read_layers(given, district)
    if found.faults:
        return ImportReport(None, found)
    title = name or _title(boundary)
    if "units" not in layers:
        layers["units"] = _single_unit(district, title)
    layers = {layer: frame.drop(columns=ROW, errors="ignore") for layer, frame in layers.items()}
    attribution = OSM_ATTRIBUTION if _is_osm(streets) else ""
    info = PlanInfo(name=Name(title, title), attribution=attribution, notes=tuple(_notes(found)))
    try:
        plan = make_plan(info, district.crs, **layers)
    except InputError as error:
        found.faults += error.faults or [Fault(key=error.key, values=dict(error.values))]
        return ImportReport(None, found)
    remarks = (*check_plan(plan), *_far_households(plan), *check_streets(plan.streets, boundary=plan.district))
    return ImportReport(plan, found, remarks)


def preview_columns(source: Source, *, layer: str, sheet: str | None = None) -> ColumnMap:
    """Show which of a file's columns would be used for what, for a person to correct.

    Parameters
    ----------
    source : path, GeoDataFrame or DataFrame
        The file.
    layer : str
        The layer it is for.
    sheet : str, optional
        Which sheet or layer of the file.

    Returns
    -------
    ColumnMap
        See `gridgeo.readers.columns.map_columns`.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    return map_columns(layer, _raw(source, layer, sheet=sheet).table.columns.drop(ROW))


def check_file(path: str | Path, *, layer: str, crs: object = None) -> ImportReport:
    """Check one file by itself, without a place to compare it with.

    Parameters
    ----------
    path : str or Path
        The file.
    layer : {'households', 'stations', 'streets', 'boundary', 'units', …}
        What it is to be.
    crs : object, optional
        As for `import_plan`.

    Returns
    -------
    ImportReport
        Without a plan; ``findings.faults`` is empty when the file is sound.
    """
    found = Findings()
    task = _Import(found, crs, {}, skip_faulty=False)
    if layer == "boundary":
        task.read_boundary(path)
        return ImportReport(None, found)
    frame = task.read_layer(layer, path, Ground())
    remarks = tuple(check_streets(frame)) if layer == "streets" and frame is not None and not found.faults else ()
    return ImportReport(None, found, remarks)


class _Import:
    """The steps of one import, which share what they find."""

    def __init__(
        self, found: Findings, crs: object, chosen: Mapping[str, Mapping[str, str]], *, skip_faulty: bool
    ) -> None:
        self.found, self.crs, self.chosen, self.skip_faulty = found, crs, chosen, skip_faulty

    def read_boundary(self, source: Source) -> gpd.GeoSeries | None:
        """Return the district as one area in metres."""
        frame = self.read_layer("units", source, Ground(), stated="boundary")
        if frame is None or self.found.faults:
            return None
        area = shapely.union_all(frame.geometry.to_numpy())
        if area.is_empty or area.area == 0:
            self.found.faults.append(Fault(key="empty_district", layer="boundary", file=_file(source)))
            return None
        return gpd.GeoSeries([area], crs=frame.crs)

    def read_layers(self, given: Mapping[str, Source], district: gpd.GeoSeries) -> dict[str, gpd.GeoDataFrame]:
        """Read all layers, the ones that others are compared with first."""
        layers: dict[str, gpd.GeoDataFrame] = {}
        ground = Ground(CRS.from_user_input(district.crs), district)
        for name in _LINES_FIRST:
            if name not in given:
                continue
            source = given[name]
            if name == "streets" and _is_osm(source):
                layers |= self._read_osm(source, district, given)
            else:
                frame = self.read_layer(name, source, ground)
                if frame is not None:
                    layers[name] = frame
            ground = replace(ground, streets=layers.get("streets"), buildings=layers.get("buildings"))
        return layers

    def _read_osm(
        self, source: Source, district: gpd.GeoSeries, given: Mapping[str, Source]
    ) -> dict[str, gpd.GeoDataFrame]:
        try:
            osm = read_osm(Path(str(source)), boundary=district, crs=district.crs)
        except GridgeoError as error:
            self._stop("streets", source, error)
            return {}
        return {name: layer for name, layer in osm.layers().items() if name == "streets" or name not in given}

    def read_layer(
        self, name: str, source: Source, ground: Ground, *, stated: str | None = None
    ) -> gpd.GeoDataFrame | None:
        """Read and check one layer; None when it cannot be read at all."""
        label = stated or name
        crs = self.crs.get(label) if isinstance(self.crs, Mapping) else self.crs
        try:
            raw = _raw(source, label)
            if stated == "boundary" and len(raw.table) == 0:
                raise InputError("empty_district")
            if raw.crs is not None and label not in {"households", "stations"} and not isinstance(self.crs, Mapping):
                crs = None
            chosen = self.chosen.get(label)
            before = len(self.found.faults)
            frame = shape_layer(name, raw, ground, self.found, crs=crs, chosen=chosen)
        except GridgeoError as error:
            self._stop(label, source, error)
            return None
        if stated == "boundary":
            self.found.repairs = [each for each in self.found.repairs if each.why != "made_id"]
            frame = frame[[ROW, frame.geometry.name]].assign(unit_id=frame[ROW].astype("str"), level="boundary")
        rows = frame[ROW].to_numpy()
        for fault in check_layer(name, frame):
            row = None if fault.row is None else int(rows[fault.row - 1])
            self.found.faults.append(replace(fault, row=row, file=raw.file, layer=label))
        return self._set_aside(label, raw, frame, before)

    def _set_aside(self, label: str, raw: RawLayer, frame: gpd.GeoDataFrame, before: int) -> gpd.GeoDataFrame:
        """Take faulty rows out when asked to; they are listed, never lost."""
        here = self.found.faults[before:]
        if not self.skip_faulty or any(fault.row is None for fault in here):
            return frame
        for fault in here:
            row: dict[str, object] = {"layer": label, "file": raw.file, "row": fault.row, "message": fault.message}
            self.found.rejected.append(row)
        del self.found.faults[before:]
        return frame[~frame[ROW].isin({fault.row for fault in here})]

    def _stop(self, label: str, source: Source, error: GridgeoError) -> None:
        if error.faults:
            self.found.faults += [replace(fault, layer=label) for fault in error.faults]
            return
        values = {"layer": label} | dict(error.values)
        self.found.faults.append(Fault(key=error.key, layer=label, file=_file(source), values=values))


def _raw(source: object, label: str, *, sheet: str | None = None) -> RawLayer:
    """Return the rows of a file or of a table in memory."""
    if isinstance(source, (str, Path)):
        return read_file(source, layer=sheet)
    if isinstance(source, gpd.GeoDataFrame):
        geometry = source.geometry.reset_index(drop=True)
        table = pd.DataFrame(source.drop(columns=source.geometry.name)).reset_index(drop=True)
        table[ROW] = np.arange(1, len(table) + 1)
        return RawLayer(label, "memory", table, geometry, source.crs)
    if isinstance(source, pd.DataFrame):
        table = source.reset_index(drop=True)
        return RawLayer(label, "memory", table.assign(**{ROW: np.arange(1, len(table) + 1)}))
    raise TypeError(f"{label} is a path or a table, not {type(source).__name__}")


def _is_osm(source: Source) -> bool:
    try:
        return isinstance(source, (str, Path)) and sniff(Path(source)) == "osm"
    except FileError:
        return False


def _file(source: Source) -> str | None:
    return Path(source).name if isinstance(source, (str, Path)) else None


def _title(boundary: Source) -> str:
    return Path(boundary).stem if isinstance(boundary, (str, Path)) else "plan"


def _single_unit(district: gpd.GeoSeries, title: str) -> gpd.GeoDataFrame:
    columns = {"unit_id": ["1"], "name": [title], "level": [STANDARD_LEVELS[0].level]}
    return gpd.GeoDataFrame(columns, geometry=district.to_numpy(), crs=district.crs)


def _notes(found: Findings) -> list[Name]:
    """Say in the plan what was assumed of whole layers; single cells stand in the report."""
    told = [
        repair for repair in found.repairs if repair.row is None and repair.why in {"unverified", "datum", "no_class"}
    ]
    return [
        Name(*(text(f"readers.repairs.{each.why}", lang, **_values(each)) for lang in ("zh", "en"))) for each in told
    ]


def _values(repair: object) -> dict[str, object]:
    return {name: getattr(repair, name) for name in ("layer", "row", "column", "before", "after")}


def _far_households(plan: Plan) -> list[Fault]:
    if len(plan.streets) == 0 or len(plan.households) == 0:
        return []
    tree, points = shapely.STRtree(plan.streets.geometry.to_numpy()), plan.households.geometry.to_numpy()
    near, _ = tree.query_nearest(points, max_distance=FAR_M, all_matches=False)
    far = np.setdiff1d(np.arange(len(points)), near)
    _, away = tree.query_nearest(points[far], return_distance=True, all_matches=False)
    return [
        Fault(
            key="household_far",
            layer="households",
            row=int(at) + 1,
            value=plan.households["household_id"].iloc[at],
            values={"distance_m": round(float(distance))},
        )
        for at, distance in zip(far, away, strict=True)
    ]
