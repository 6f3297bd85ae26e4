"""gridgeo: governance grids along streets, and who can walk to a service station and who cannot.

The names below are the contract that others script against; each module holds more steps of its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from gridgeo.assessment import Assessment as Assessment
    from gridgeo.assessment import assess_plan as assess_plan
    from gridgeo.blocks import enclose_blocks as enclose_blocks
    from gridgeo.coverage import Coverage as Coverage
    from gridgeo.coverage import Walk as Walk
    from gridgeo.coverage import allocate_capacity as allocate_capacity
    from gridgeo.coverage import assess_coverage as assess_coverage
    from gridgeo.coverage import trace_walk as trace_walk
    from gridgeo.crs import to_metric as to_metric
    from gridgeo.errors import GridgeoError as GridgeoError
    from gridgeo.errors import ImportFaults as ImportFaults
    from gridgeo.examples import make_example as make_example
    from gridgeo.gaps import find_gaps as find_gaps
    from gridgeo.maps import coverage_map as coverage_map
    from gridgeo.maps import write_map as write_map
    from gridgeo.matching import assign_members as assign_members
    from gridgeo.matching import match_needs as match_needs
    from gridgeo.network import Network as Network
    from gridgeo.network import build_network as build_network
    from gridgeo.partition import Partition as Partition
    from gridgeo.partition import check_partition as check_partition
    from gridgeo.partition import group_buildings as group_buildings
    from gridgeo.partition import partition_grids as partition_grids
    from gridgeo.plan import Plan as Plan
    from gridgeo.plan import check_plan as check_plan
    from gridgeo.plan import make_plan as make_plan
    from gridgeo.programmes import apply_programme as apply_programme
    from gridgeo.programmes import judge_programme as judge_programme
    from gridgeo.programmes import read_programme as read_programme
    from gridgeo.readers import bundled_places as bundled_places
    from gridgeo.readers import bundled_plan_path as bundled_plan_path
    from gridgeo.readers import import_plan as import_plan
    from gridgeo.readers import read_osm as read_osm
    from gridgeo.scenario import Scenario as Scenario
    from gridgeo.scenario import compare as compare
    from gridgeo.scenario import run_scenario as run_scenario
    from gridgeo.service_area import service_areas as service_areas
    from gridgeo.sharing import find_overlap as find_overlap
    from gridgeo.sharing import pool_stations as pool_stations
    from gridgeo.sharing import serve_groups as serve_groups
    from gridgeo.sharing import share_rooms as share_rooms
    from gridgeo.store import export_plan as export_plan
    from gridgeo.store import read_plan as read_plan
    from gridgeo.store import write_plan as write_plan
    from gridgeo.visits import assess_visits as assess_visits
    from gridgeo.zonings import assign_zoning as assign_zoning
    from gridgeo.zonings import compare_zonings as compare_zonings
    from gridgeo.zonings import merge_zonings as merge_zonings
    from gridgeo.zonings import zonings_coincide as zonings_coincide

# Name → module. Loaded when first asked for: `gridgeo --help` must not wait for the map and the solver.
_WHERE = {
    "Assessment": "assessment",
    "Coverage": "coverage",
    "GridgeoError": "errors",
    "ImportFaults": "errors",
    "Network": "network",
    "Partition": "partition",
    "Plan": "plan",
    "Scenario": "scenario",
    "Walk": "coverage",
    "allocate_capacity": "coverage",
    "apply_programme": "programmes",
    "assess_coverage": "coverage",
    "assess_plan": "assessment",
    "assess_visits": "visits",
    "assign_members": "matching",
    "assign_zoning": "zonings",
    "build_network": "network",
    "bundled_places": "readers",
    "bundled_plan_path": "readers",
    "check_partition": "partition",
    "check_plan": "plan",
    "compare": "scenario",
    "compare_zonings": "zonings",
    "coverage_map": "maps",
    "enclose_blocks": "blocks",
    "export_plan": "store",
    "find_gaps": "gaps",
    "find_overlap": "sharing",
    "group_buildings": "partition",
    "import_plan": "readers",
    "make_example": "examples",
    "judge_programme": "programmes",
    "make_plan": "plan",
    "match_needs": "matching",
    "merge_zonings": "zonings",
    "partition_grids": "partition",
    "pool_stations": "sharing",
    "read_osm": "readers",
    "read_plan": "store",
    "read_programme": "programmes",
    "run_scenario": "scenario",
    "serve_groups": "sharing",
    "service_areas": "service_area",
    "share_rooms": "sharing",
    "to_metric": "crs",
    "trace_walk": "coverage",
    "write_map": "maps",
    "write_plan": "store",
    "zonings_coincide": "zonings",
}

__all__ = ["__version__", *_WHERE]  # noqa: PLE0604 (all are strings)


def __getattr__(name: str) -> Any:  # noqa: ANN401 (any of the contract's names)
    if name == "__version__":
        # Looking into the package's own description takes longer than all else here, and few ask.
        return import_module("importlib.metadata").version("gridgeo")
    if name not in _WHERE:
        msg = f"module 'gridgeo' has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"gridgeo.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
