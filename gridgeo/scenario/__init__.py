"""Scenarios: edits as data → run → compare."""

from gridgeo.scenario.compare import (
    Comparison,
    compare,
    compare_files,
    tabulate_figures,
    write_comparison,
    write_tables,
)
from gridgeo.scenario.model import Scenario, plan_key, read_scenario, require_plan, write_scenario
from gridgeo.scenario.run import ScenarioResult, apply_scenario, assess_fresh, run_scenario, update_coverage
from gridgeo.scenario.walks import judge_walks

__all__ = [
    "Comparison",
    "Scenario",
    "ScenarioResult",
    "apply_scenario",
    "assess_fresh",
    "compare",
    "compare_files",
    "judge_walks",
    "plan_key",
    "read_scenario",
    "require_plan",
    "run_scenario",
    "tabulate_figures",
    "update_coverage",
    "write_comparison",
    "write_scenario",
    "write_tables",
]
