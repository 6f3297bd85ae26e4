"""Coverage: for every household the station it walks to, how far that is, and if it is not covered, why."""

from gridgeo.coverage.assess import COUNT_COLUMNS, REASONS, Coverage, assess_coverage
from gridgeo.coverage.summary import summarise

__all__ = ["COUNT_COLUMNS", "REASONS", "Coverage", "assess_coverage", "summarise"]
