"""Coverage: for every household the station it walks to, how far that is, and if it is not covered, why."""

from gridgeo.coverage.assess import assess_coverage
from gridgeo.coverage.capacity import allocate_capacity
from gridgeo.coverage.islands import list_islands
from gridgeo.coverage.measures import Spacing, count_overlap, inside_on_paper, measure_coverage, measure_spacing
from gridgeo.coverage.model import REASONS, Coverage
from gridgeo.coverage.summary import summarise
from gridgeo.coverage.walks import Walk, trace_walk
from gridgeo.coverage.whatif import add_station, move_station, remove_station
from gridgeo.coverage.whatif_network import change_gates, shut_streets

__all__ = [
    "REASONS",
    "Coverage",
    "Spacing",
    "Walk",
    "add_station",
    "allocate_capacity",
    "assess_coverage",
    "change_gates",
    "count_overlap",
    "inside_on_paper",
    "list_islands",
    "measure_coverage",
    "measure_spacing",
    "move_station",
    "remove_station",
    "shut_streets",
    "summarise",
    "trace_walk",
]  # fmt: skip
