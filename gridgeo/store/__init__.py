"""Where plans are kept."""

from gridgeo.store.geopackage import SCHEMA_VERSION, read_log, read_plan, write_plan
from gridgeo.store.lock import hold_lock

__all__ = ["SCHEMA_VERSION", "hold_lock", "read_log", "read_plan", "write_plan"]
