"""Where plans are kept."""

from gridgeo.store.changes import Head, Touched, read_head, save_records
from gridgeo.store.export import ENCODINGS, FORMATS, Export, export_plan
from gridgeo.store.geopackage import read_log, read_plan, require_target, write_plan
from gridgeo.store.lock import hold_lock
from gridgeo.store.migrations import SCHEMA_VERSION
from gridgeo.store.spreadsheet import write_table

__all__ = [
    "ENCODINGS",
    "FORMATS",
    "SCHEMA_VERSION",
    "Export",
    "Head",
    "Touched",
    "export_plan",
    "hold_lock",
    "read_head",
    "read_log",
    "read_plan",
    "require_target",
    "save_records",
    "write_plan",
    "write_table",
]
