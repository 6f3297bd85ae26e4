"""Street blocks: the district cut along streets and barriers, exactly, without slivers and without a split building."""

from gridgeo.blocks.edges import find_edges, read_borders, write_borders
from gridgeo.blocks.enclose import BOUNDING_CLASSES, enclose_blocks, read_district

__all__ = ["BOUNDING_CLASSES", "enclose_blocks", "find_edges", "read_borders", "read_district", "write_borders"]
