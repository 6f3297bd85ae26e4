"""Services for groups, and what several bodies spend twice: overlap, stations that can be pooled, rooms shared."""

from gridgeo.sharing.groups import find_lacking, serve_groups
from gridgeo.sharing.overlap import Overlap, find_overlap
from gridgeo.sharing.pooling import Pooling, pool_stations
from gridgeo.sharing.rooms import share_rooms

__all__ = ["Overlap", "Pooling", "find_lacking", "find_overlap", "pool_stations", "serve_groups", "share_rooms"]
