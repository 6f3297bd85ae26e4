"""Grids out of blocks: the search, its objective, the checks, and what a grid says of itself."""

from gridgeo.partition.bounds_text import describe_bounds, walk_corners
from gridgeo.partition.codes import assign_codes, beijing_15, cjt_349, community_sequence
from gridgeo.partition.dedicated import find_dedicated
from gridgeo.partition.divide import Partition, check_partition, partition_grids
from gridgeo.partition.grid_layer import dissolve_grids, measure_partition
from gridgeo.partition.groups import group_buildings
from gridgeo.partition.levels import group_units, partition_communities
from gridgeo.partition.search import Objective

__all__ = [
    "Objective",
    "Partition",
    "assign_codes",
    "beijing_15",
    "check_partition",
    "cjt_349",
    "community_sequence",
    "describe_bounds",
    "dissolve_grids",
    "find_dedicated",
    "group_buildings",
    "group_units",
    "measure_partition",
    "partition_communities",
    "partition_grids",
    "walk_corners",
]
