"""Files from the outside world, made into the layers of a plan."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gridgeo.readers.bounded import read_file as read_file
    from gridgeo.readers.bundled import bundled_places as bundled_places
    from gridgeo.readers.bundled import bundled_plan_path as bundled_plan_path
    from gridgeo.readers.columns import ColumnMap as ColumnMap
    from gridgeo.readers.columns import guess_layer as guess_layer
    from gridgeo.readers.columns import map_columns as map_columns
    from gridgeo.readers.columns import mappable_columns as mappable_columns
    from gridgeo.readers.columns import read_profile as read_profile
    from gridgeo.readers.columns import write_profile as write_profile
    from gridgeo.readers.coordinates import find_axes as find_axes
    from gridgeo.readers.datum import Detection as Detection
    from gridgeo.readers.datum import detect_datum as detect_datum
    from gridgeo.readers.imports import import_plan as import_plan
    from gridgeo.readers.imports import prepare_import as prepare_import
    from gridgeo.readers.intake import is_osm as is_osm
    from gridgeo.readers.lists import prepare_lists as prepare_lists
    from gridgeo.readers.online import OnlinePlace as OnlinePlace
    from gridgeo.readers.online import read_online_place as read_online_place
    from gridgeo.readers.osm import MARGIN_M as MARGIN_M
    from gridgeo.readers.osm import OsmLayers as OsmLayers
    from gridgeo.readers.osm import read_osm as read_osm
    from gridgeo.readers.preview import Preview as Preview
    from gridgeo.readers.preview import check_file as check_file
    from gridgeo.readers.preview import preview_columns as preview_columns
    from gridgeo.readers.preview import preview_file as preview_file
    from gridgeo.readers.report import ImportReport as ImportReport
    from gridgeo.readers.street_checks import check_streets as check_streets

# Name → module. Loaded when first asked for: the child process that reads one file must start fast.
_WHERE = {
    "ColumnMap": "columns",
    "Detection": "datum",
    "ImportReport": "report",
    "MARGIN_M": "osm",
    "OnlinePlace": "online",
    "OsmLayers": "osm",
    "Preview": "preview",
    "bundled_places": "bundled",
    "bundled_plan_path": "bundled",
    "check_file": "preview",
    "check_streets": "street_checks",
    "detect_datum": "datum",
    "find_axes": "coordinates",
    "guess_layer": "columns",
    "import_plan": "imports",
    "is_osm": "intake",
    "map_columns": "columns",
    "mappable_columns": "columns",
    "prepare_import": "imports",
    "prepare_lists": "lists",
    "preview_columns": "preview",
    "preview_file": "preview",
    "read_file": "bounded",
    "read_online_place": "online",
    "read_osm": "osm",
    "read_profile": "columns",
    "write_profile": "columns",
}

__all__ = list(_WHERE)


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Load a name when it is first asked for."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
