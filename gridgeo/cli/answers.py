"""What the commands answer: the contract's objects for programs, the tables a leader understands for people."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import shapely

from gridgeo.assessment import Assessment
from gridgeo.cli import output
from gridgeo.coverage import Coverage, measure_coverage
from gridgeo.coverage.wording import word_cutoff
from gridgeo.errors import Fault, list_faults
from gridgeo.gaps.wording import word_remedy
from gridgeo.partition import Partition, check_partition
from gridgeo.plan import Plan
from gridgeo.results import summary_table
from gridgeo.texts import has_text, text

_WORST = 3
_UNITS_SHOWN = 15


def assessment_answer(assessment: Assessment, files: list[Path]) -> dict[str, Any]:
    """Put a whole run into one object.

    Parameters
    ----------
    assessment : Assessment
        What was found.
    files : list of Path
        What was written.

    Returns
    -------
    dict
        Blocks, grids, households, coverage at each cutoff, gaps and seconds per step.
    """
    plan = assessment.plan
    answer = {
        "name": {"zh": plan.info.name.zh, "en": plan.info.name.en},
        "blocks": len(plan.blocks),
        "grids": len(plan.grids),
        "stations": len(plan.open_stations),
        "estimated": bool(plan.households["estimated"].any()),
        "notes": [str(note) for note in plan.info.notes],
        "attribution": plan.info.attribution,
        "ground": _ground(plan),
        **coverage_answer(assessment, files),
    }
    if assessment.partition is not None:
        answer["partition"] = partition_answer(assessment.partition)
    return answer


def coverage_answer(assessment: Assessment, files: list[Path]) -> dict[str, Any]:
    """Put coverage into the contract's object.

    Parameters
    ----------
    assessment : Assessment
        What was found.
    files : list of Path
        What was written.

    Returns
    -------
    dict
        The figures of the first cutoff on top, those of every cutoff under ``cutoffs``.
    """
    by_cutoff = [_cutoff_answer(coverage) for coverage in assessment.coverages]
    return {
        **by_cutoff[0],
        "cutoffs": by_cutoff,
        "gaps": len(assessment.gaps),
        "seconds": {**assessment.seconds, "total": round(sum(assessment.seconds.values()), 3)},
        "files": [str(path) for path in files],
    }


def partition_answer(partition: Partition) -> dict[str, Any]:
    """Put a partition into the contract's object.

    Parameters
    ----------
    partition : Partition
        The partition.

    Returns
    -------
    dict
        Its metrics, and its violations as faults.
    """
    violations = [fault.as_dict() for fault in check_partition(partition)]
    return {**partition.metrics, "violations": violations}


def print_assessment(assessment: Assessment, files: list[Path]) -> None:
    """Print what a leader asks first: how many, how many covered, where not.

    Parameters
    ----------
    assessment : Assessment
        What was found.
    files : list of Path
        What was written.
    """
    plan = assessment.plan
    marked = _mark(plan.households)
    total = assessment.coverages[0].summary().iloc[0]
    rows = [
        [text("cli.households") + marked, _count(total["households"]), ""],
        [text("cli.persons") + marked, _count(total.get("persons")), ""],
        [text("cli.stations") + _mark(plan.stations), _count(len(plan.open_stations)), ""],
        [text("cli.blocks"), _count(len(plan.blocks)), ""],
        [text("cli.grids"), _count(len(plan.grids)), ""],
    ]
    for coverage in assessment.coverages:
        figures = coverage.summary().iloc[0]
        label = text("cli.covered_at", cutoff=word_cutoff(coverage)) + marked
        rows.append([label, _count(figures["covered"]), _rate(figures["coverage_rate"])])
    output.print_table(str(plan.info.name), ["", "", text("cli.rate")], rows, right={1, 2})
    for level in reversed(plan.info.levels[1:]):
        _print_units(plan, assessment.coverages, level.level, str(level.name))
    _print_gaps(assessment)
    if assessment.partition is not None:
        _print_violations(check_partition(assessment.partition))
    if plan.info.notes:
        output.print_lines(f"{text('cli.notes')}:", *(f"- {note}" for note in plan.info.notes))
    output.print_lines(plan.info.attribution, text("cli.wrote"), *(f"  {path}" for path in files))


def print_partition(partition: Partition, files: list[Path]) -> None:
    """Print a partition's figures and what is wrong with it.

    Parameters
    ----------
    partition : Partition
        The partition.
    files : list of Path
        What was written.
    """
    low, high = (f"{each:g}" for each in partition.households_per_grid)
    inside = partition.grids["households"].between(*partition.households_per_grid).sum()
    rows = [
        [text("cli.blocks"), _count(len(partition.blocks))],
        [text("cli.grids"), _count(len(partition.grids))],
        [text("cli.grids_in_band", low=low, high=high), _count(inside)],
        [text("cli.households"), _count(partition.grids["households"].sum())],
    ]
    output.print_table("", ["", ""], rows, right={1})
    _print_violations(check_partition(partition))
    output.print_lines(text("cli.wrote"), *(f"  {path}" for path in files))


def _cutoff_answer(coverage: Coverage) -> dict[str, Any]:
    figures = coverage.summary().iloc[0]
    reasons = {name: int(figures[name]) for name in ("beyond_cutoff", "unreachable", "unsnapped")}
    return {
        "cutoff_m": coverage.cutoff_m,
        "households": int(figures["households"]),
        "covered": int(figures["covered"]),
        "coverage_rate": figures["coverage_rate"],
        "reasons": reasons,
        "basis": _basis(coverage),
    }


def _basis(coverage: Coverage) -> dict[str, Any]:
    """Say how a figure came about (口径), and how many households hang on the exact cutoff."""
    flips = measure_coverage(coverage).iloc[0]
    return {
        **coverage.basis,
        "lost_at_minus_10": int(flips["lost_at_minus_10"]),
        "gained_at_plus_10": int(flips["gained_at_plus_10"]),
    }


def _ground(plan: Plan) -> dict[str, float]:
    """Say how exactly the blocks cover the district: both figures are areas in square metres."""
    ground = plan.blocks.geometry.to_numpy()
    union = shapely.union_all(ground)
    return {
        "district_m2": float(shapely.area(plan.district)),
        "difference_m2": float(shapely.area(shapely.symmetric_difference(union, plan.district))),
        "overlap_m2": float(shapely.area(ground).sum() - shapely.area(union)),
    }


def _print_units(plan: Plan, coverages: tuple[Coverage, ...], level: str, title: str) -> None:
    table = summary_table(plan, coverages)
    table = table[table["level"] == level]
    if table["unit_id"].isna().all():  # a plan without units of this level: every household lies outside them
        return
    first = table[table["cutoff_m"] == coverages[0].cutoff_m].sort_values("coverage_rate", na_position="last")
    rows = []
    for _, unit in first.head(_UNITS_SHOWN).iterrows():
        same = table["unit_id"] == unit["unit_id"] if pd.notna(unit["unit_id"]) else table["unit_id"].isna()
        rates = [_rate(rate) for rate in table[same]["coverage_rate"]]
        rows.append([_unit_label(unit, title), _count(unit["households"]), *rates])
    columns = [text("cli.unit"), text("cli.households"), *(f"≤ {word_cutoff(each)}" for each in coverages)]
    output.print_table(
        text("cli.by_unit", level=title) + _mark(plan.households), columns, rows, right=set(range(1, len(columns)))
    )
    if len(first) > _UNITS_SHOWN:
        output.print_lines(text("cli.more_units", count=len(first) - _UNITS_SHOWN))


def _unit_label(unit: pd.Series, level: str) -> str:
    if pd.isna(unit["unit_id"]):
        return text("cli.outside", level=level)
    return str(unit["name"] if pd.notna(unit["name"]) else unit["unit_id"])


def _print_gaps(assessment: Assessment) -> None:
    gaps = assessment.gaps
    if len(gaps) == 0:
        output.print_lines(text("cli.all_covered"))
        return
    names = assessment.plan.stations.set_index("station_id")["name"]
    rows = []
    for _, gap in gaps.head(_WORST).iterrows():
        station = names.get(gap["station_id"])
        rows.append(
            [
                str(gap["rank"]),
                _count(gap["households"]),
                _cause(gap["cause"]),
                str(station) if pd.notna(station) else text("cli.none"),
                word_remedy(gap),
            ]
        )
    columns = ["gap", "households", "cause", "nearest_station", "remedy"]
    title = text("cli.worst_gaps", total=len(gaps)) + _mark(assessment.plan.households)
    output.print_table(title, [text(f"cli.{name}") for name in columns], rows, right={0, 1})


def _print_violations(violations: list[Fault]) -> None:
    if violations:
        output.print_lines(f"{text('cli.violations')}:", *list_faults(violations))


def _mark(layer: pd.DataFrame) -> str:
    """Mark what comes from a layer as estimated, if any row of it is."""
    return f" ({text('cli.estimated')})" if layer["estimated"].any() else ""


def _cause(code: object) -> str:
    """Word a gap's cause as the map words it."""
    key = f"maps.cause.{code}"
    return text(key) if has_text(key) else str(code)


def _count(value: Any) -> str:  # noqa: ANN401 (a cell of a table)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return text("cli.not_known")
    return f"{round(value):,}"


def _rate(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else text("cli.none")
