"""Where plans are kept."""

from gridgeo.store.export import ENCODINGS, FORMATS, Export, export_plan
from gridgeo.store.geopackage import SCHEMA_VERSION, read_log, read_plan, write_plan
from gridgeo.store.lock import hold_lock

__all__ = [
    "ENCODINGS",
    "FORMATS",
    "SCHEMA_VERSION",
    "Export",
    "export_plan",
    "hold_lock",
    "read_log",
    "read_plan",
    "write_plan",
]
