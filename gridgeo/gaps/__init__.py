"""Gap areas: uncovered households that belong together, with people, cause, nearest station and cheapest remedy."""

from gridgeo.gaps.find import JOIN_M, find_gaps

__all__ = ["JOIN_M", "find_gaps"]
