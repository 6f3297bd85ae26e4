"""Coverage: for every household the station it walks to, how far that is, and if it is not covered, why."""

from gridgeo.coverage.assess import assess_coverage
from gridgeo.coverage.model import REASONS, Coverage
from gridgeo.coverage.summary import summarise
from gridgeo.coverage.whatif import add_station, change_gates, move_station, remove_station, shut_streets

__all__ = [
    "REASONS", "Coverage", "add_station", "assess_coverage", "change_gates", "move_station", "remove_station",
    "shut_streets", "summarise",
]  # fmt: skip
