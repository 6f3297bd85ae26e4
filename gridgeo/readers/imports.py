"""Files as offices have them into a plan: everything read, understood and checked, every fault named at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import geopandas as gpd
import pandas as pd

from gridgeo.errors import Fault, ImportFaults, InputError
from gridgeo.plan import STANDARD_LEVELS, Name, Plan, PlanInfo, check_plan, make_plan
from gridgeo.readers.columns import LISTS
from gridgeo.readers.doubts import ask_datum
from gridgeo.readers.intake import Intake, Source, is_osm, split_source
from gridgeo.readers.lists import ListSource, choose_columns, read_lists, require_files
from gridgeo.readers.plan_checks import check_import
from gridgeo.readers.raw import ROW
from gridgeo.readers.report import Findings, ImportReport
from gridgeo.readers.street_checks import check_streets
from gridgeo.texts import text

OSM_ATTRIBUTION = "© OpenStreetMap contributors, ODbL 1.0"


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
    enterprises: ListSource | None = None,
    people: ListSource | None = None,
    needs: ListSource | None = None,
    visits: ListSource | None = None,
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
    enterprises, people, needs, visits : path, DataFrame, list of them, or mapping from role to one, optional
        Lists; see `gridgeo.readers.prepare_lists`, which adds them to a plan that is there already.
    crs : object, optional
        What the coordinates of households, stations and lists and of files that state no system are in: ``wgs84``,
        ``gcj02``, ``bd09``, ``EPSG:n``; or a mapping from layer to that, with ``"*"`` for the others. Found out when
        left out.
    profile : path or mapping, optional
        Which column of the file is which column of the layer, by layer; see `gridgeo.readers.columns.read_profile`.
    name : str, optional
        What the place is called; by default the boundary's only name, else its file.
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
        enterprises=enterprises,
        people=people,
        needs=needs,
        visits=visits,
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
    **sources: Source | ListSource | None,
) -> ImportReport:
    """Do what `import_plan` does and tell all that was found on the way, without raising for faults of the data.

    Parameters
    ----------
    boundary, streets : path, GeoDataFrame
        As for `import_plan`.
    crs, profile, name, skip_faulty : object
        As for `import_plan`.
    **sources : path, GeoDataFrame or DataFrame
        ``households``, ``stations``, ``barriers``, ``gates``, ``units``, ``buildings``, and the lists
        ``enterprises``, ``people``, ``needs``, ``visits``.

    Returns
    -------
    ImportReport
        The plan (None when there are faults), faults, repairs, mappings, datum detections, rows set aside, remarks.

    Raises
    ------
    FileError
        If the profile cannot be read.
    InputError
        If `crs` names a layer of which there is no file.
    """
    unknown = set(sources) - {"households", "stations", "barriers", "gates", "units", "buildings", *LISTS}
    if unknown:
        raise TypeError(f"there are no sources {sorted(unknown)}")
    lists = {layer: source for layer, source in sources.items() if layer in LISTS and source is not None}
    every = cast("dict[str, Source | None]", {"streets": streets, **sources})
    given = {layer: source for layer, source in every.items() if layer not in LISTS and source is not None}
    require_files(crs, {"boundary", *given, *lists})
    task = Intake(Findings(), crs, choose_columns(profile), skip_faulty=skip_faulty)
    with task.reading_ahead({"boundary": boundary, **given}):
        return _put_together(task, boundary, given, lists, name)


def _put_together(
    task: Intake, boundary: Source, given: Mapping[str, Source], lists: Mapping[str, ListSource], name: str | None
) -> ImportReport:
    """Make a plan of all layers, unless faults stop it."""
    found = task.found
    district = task.read_boundary(boundary)
    layers = {} if district is None else task.read_layers(given, district)
    found.faults += ask_datum(found.repairs)
    if district is None or found.faults:
        read_lists(task, lists, None)
        return ImportReport(None, found)
    title = name or task.district_name or _title(boundary)
    layers["units"] = _with_district(layers.get("units"), district, title)
    layers = {layer: frame.drop(columns=ROW, errors="ignore") for layer, frame in layers.items()}
    attribution = OSM_ATTRIBUTION if is_osm(given["streets"]) else ""
    info = PlanInfo(name=Name(title, title), attribution=attribution, notes=tuple(_notes(found)))
    try:
        plan = make_plan(info, district.crs, **layers)
    except InputError as error:
        found.faults += error.faults or [Fault(key=error.key, values=dict(error.values))]
        return ImportReport(None, found)
    complete = read_lists(task, lists, plan)
    found.faults += ask_datum(found.repairs)
    if complete is None or found.faults:
        return ImportReport(None, found)
    plan = complete
    remarks = (*check_plan(plan), *check_import(plan), *check_streets(plan.streets, boundary=plan.district))
    return ImportReport(plan, found, remarks)


def _title(boundary: Source) -> str:
    return split_source(boundary)[0].stem if isinstance(boundary, (str, Path)) else "plan"


def _with_district(units: gpd.GeoDataFrame | None, district: gpd.GeoSeries, title: str) -> gpd.GeoDataFrame:
    """Put the district above the units, unless they bring it themselves."""
    top, below = STANDARD_LEVELS[0].level, STANDARD_LEVELS[1].level
    known = set() if units is None else set(units["unit_id"])
    name = next(each for each in ("1", "district", "district-1") if each not in known)
    columns = {"unit_id": [name], "name": [title], "level": [top]}
    whole = gpd.GeoDataFrame(columns, geometry=district.to_numpy(), crs=district.crs)
    if units is None or (units["level"] == top).any():
        return whole if units is None else units
    if "parent_id" not in units:
        units = units.assign(parent_id=None)
    orphans = (units["level"] == below) & units["parent_id"].isna()
    units = units.assign(parent_id=units["parent_id"].where(~orphans, name))
    return gpd.GeoDataFrame(pd.concat([whole, units], ignore_index=True), crs=district.crs)


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
