"""Who serves whom: needs and volunteers, households and members, by walking distance."""

from gridgeo.matching.care import Care, assign_members
from gridgeo.matching.needs import Matching, match_needs
from gridgeo.matching.pairs import Pairs
from gridgeo.matching.paths import solve_transport
from gridgeo.matching.transport import level_loads, serve_most, serve_whole

__all__ = [
    "Care",
    "Matching",
    "Pairs",
    "assign_members",
    "level_loads",
    "match_needs",
    "serve_most",
    "serve_whole",
    "solve_transport",
]
