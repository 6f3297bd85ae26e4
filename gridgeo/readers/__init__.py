"""Files from the outside world, made into the layers of a plan."""

from gridgeo.readers.bundled import bundled_places, bundled_plan_path
from gridgeo.readers.osm import MARGIN_M, OsmLayers, read_osm

__all__ = ["MARGIN_M", "OsmLayers", "bundled_places", "bundled_plan_path", "read_osm"]
