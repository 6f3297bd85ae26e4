"""Where plans are kept."""

from gridgeo.store.geopackage import SCHEMA_VERSION, read_plan, write_plan

__all__ = ["SCHEMA_VERSION", "read_plan", "write_plan"]
