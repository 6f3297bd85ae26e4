"""Files from the outside world, made into the layers of a plan."""

from gridgeo.readers.bounded import read_file
from gridgeo.readers.bundled import bundled_places, bundled_plan_path
from gridgeo.readers.columns import ColumnMap, map_columns, read_profile, write_profile
from gridgeo.readers.coordinates import find_axes
from gridgeo.readers.datum import Detection, detect_datum
from gridgeo.readers.imports import check_file, import_plan, prepare_import, preview_columns
from gridgeo.readers.osm import MARGIN_M, OsmLayers, read_osm
from gridgeo.readers.report import ImportReport
from gridgeo.readers.street_checks import check_streets

__all__ = [
    "MARGIN_M",
    "ColumnMap",
    "Detection",
    "ImportReport",
    "OsmLayers",
    "bundled_places",
    "bundled_plan_path",
    "check_file",
    "check_streets",
    "detect_datum",
    "find_axes",
    "import_plan",
    "map_columns",
    "prepare_import",
    "preview_columns",
    "read_file",
    "read_osm",
    "read_profile",
    "write_profile",
]
