"""Several zonings of one ground (多网融合): where they differ, whether two are the same, and one for all."""

from gridgeo.zonings.compare import (
    Coincidence,
    ZoningComparison,
    compare_zonings,
    overlay_zonings,
    zonings_coincide,
)
from gridgeo.zonings.intake import ZoningImport, assign_zoning
from gridgeo.zonings.merge import Merge, merge_zonings

__all__ = [
    "Coincidence",
    "Merge",
    "ZoningComparison",
    "ZoningImport",
    "assign_zoning",
    "compare_zonings",
    "merge_zonings",
    "overlay_zonings",
    "zonings_coincide",
]
