"""Scenarios beside each other: figures by level and group, households gained and lost, grids changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridgeo.coverage import Coverage
from gridgeo.coverage.summary import unit_names
from gridgeo.errors import FileError, InputError
from gridgeo.plan import Plan
from gridgeo.scenario.model import Scenario, read_scenario, require_plan
from gridgeo.scenario.run import DEFAULT_CUTOFFS_M, Assessed, ScenarioResult, run_scenario

GROUPS = ("households", "persons", "elderly", "children", "disabled", "low_income")
"""Who is counted."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What scenarios change.

    Parameters
    ----------
    figures : DataFrame
        One row for each scenario, level, unit, cutoff and group: ``scenario``, ``level`` (``all`` is the whole plan),
        ``unit_id``, ``name``, ``cutoff_m``, ``group``, ``total``, ``covered``, ``rate``, ``base_total``,
        ``base_covered``, ``base_rate``, ``change`` (in covered). A number that is not known is NaN.
    households : DataFrame
        The household points whose cover changes: ``scenario``, ``cutoff_m``, ``household_id``, ``households``,
        ``persons``, ``change`` (``gained`` or ``lost``), ``grid_id``, ``base_station_id``, ``station_id``,
        ``base_distance_m``, ``distance_m``.
    grids : DataFrame
        The grids that change: ``scenario``, ``grid_id``, ``change`` (``new``, ``gone``, ``redrawn``, ``renamed``),
        ``blocks_in``, ``blocks_out``, ``base_households``, ``households``.
    """

    figures: pd.DataFrame
    households: pd.DataFrame
    grids: pd.DataFrame

    def headline(self) -> pd.DataFrame:
        """Return the figures of the whole plan alone.

        Returns
        -------
        DataFrame
            The rows of `figures` of level ``all``.
        """
        return self.figures[self.figures["level"] == "all"].drop(columns=["level", "unit_id"]).reset_index(drop=True)


def compare(base: Assessed, *results: ScenarioResult) -> Comparison:
    """Compare scenarios with their base, side by side.

    Parameters
    ----------
    base : ScenarioResult or Assessment
        The plan as it is.
    *results : ScenarioResult
        The scenarios, run on that plan with the same cutoffs.

    Returns
    -------
    Comparison
        What each changes.

    Raises
    ------
    InputError
        If there is nothing to compare, a scenario ran with other cutoffs, another question or on other household
        points, or two have one name.
    """
    if not results:
        raise InputError("nothing_to_compare")
    names = [result.name for result in results]
    if len(set(names)) < len(names):
        raise InputError("scenarios_of_one_name", value=next(name for name in names if names.count(name) > 1))
    cutoffs = base.coverages[0].cutoffs_m
    for result in results:
        same = result.plan.households["household_id"].equals(base.plan.households["household_id"])
        same = same and result.coverages[0].asked == base.coverages[0].asked
        if result.coverages[0].cutoffs_m != cutoffs or not same:
            raise InputError("not_comparable", name=result.name)
    known = tabulate_figures(base.plan, base.coverages)
    return Comparison(
        figures=pd.concat([_figures(known, result) for result in results], ignore_index=True),
        households=pd.concat([_households(base, result) for result in results], ignore_index=True),
        grids=pd.concat([_grids(base.plan, result) for result in results], ignore_index=True),
    )


def compare_files(
    plan: Plan,
    paths: Sequence[str | Path],
    *,
    cutoffs_m: tuple[float, ...] | None = None,
    person: str | None = None,
    service: str | None = None,
    at: str | None = None,
) -> Comparison:
    """Run the scenarios of files on a plan and compare them with it.

    Parameters
    ----------
    plan : Plan
        The plan; it stays as it is.
    paths : sequence of str or Path
        The scenario files.
    cutoffs_m : tuple of float, optional
        Walking distances in metres.
    person, service, at : str, optional
        Who walks, what for and when: see `gridgeo.assess_coverage`.

    Returns
    -------
    Comparison
        What each changes.

    Raises
    ------
    GridgeoError
        If a file cannot be read, is for another plan, or an edit cannot be done.
    """
    scenarios = [read_scenario(path) for path in paths]
    for scenario in scenarios:
        require_plan(plan, scenario)
    asked: dict[str, Any] = {
        "cutoffs_m": cutoffs_m or DEFAULT_CUTOFFS_M, "person": person, "service": service, "at": at,
    }  # fmt: skip
    base = run_scenario(plan, Scenario("–"), **asked)
    return compare(base, *(run_scenario(plan, scenario, base=base, **asked) for scenario in scenarios))


def write_comparison(comparison: Comparison, folder: str | Path) -> list[Path]:
    """Write a comparison's tables as CSV files.

    Parameters
    ----------
    comparison : Comparison
        The comparison.
    folder : str or Path
        Where to; made when missing.

    Returns
    -------
    list of Path
        ``figures.csv``, ``households.csv``, ``grids.csv``; each begins with a byte-order mark, so that Excel reads its
        Chinese.

    Raises
    ------
    FileError
        If one cannot be written; no file is left half written.
    """
    return write_tables({name: getattr(comparison, name) for name in ("figures", "households", "grids")}, folder)


def write_tables(tables: Mapping[str, pd.DataFrame], folder: str | Path) -> list[Path]:
    """Write tables as CSV files.

    Parameters
    ----------
    tables : mapping
        The name of the file, without ``.csv`` → its table.
    folder : str or Path
        Where to; made when missing.

    Returns
    -------
    list of Path
        The files; each begins with a byte-order mark, so that Excel reads its Chinese.

    Raises
    ------
    FileError
        If one cannot be written; no file is left half written.
    """
    folder = Path(folder)
    files = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            path = folder / f"{name}.csv"
            draft = folder / f".{name}.csv.draft"
            table.to_csv(draft, index=False, encoding="utf-8-sig")
            files.append(draft.replace(path))
    except OSError as error:
        raise FileError("unwritable_file", file=str(folder), detail=error.strerror) from error
    return files


def tabulate_figures(plan: Plan, coverages: tuple[Coverage, ...]) -> pd.DataFrame:
    """Put the coverage of every level, unit, cutoff and group into one long table.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : tuple of Coverage
        One for each cutoff.

    Returns
    -------
    DataFrame
        ``level``, ``unit_id``, ``name``, ``cutoff_m``, ``group``, ``total``, ``covered``, ``rate``.
    """
    tables = []
    for coverage in coverages:
        for level in (None, *(level.level for level in plan.info.levels)):
            table = coverage.summary(by=level)
            names = unit_names(plan, level)["name"].fillna("").to_dict() if level else {"all": str(plan.info.name)}
            for group in GROUPS:
                if group not in table:
                    continue
                covered = "covered" if group == "households" else f"{group}_covered"
                rate = "coverage_rate" if group == "households" else f"{group}_rate"
                tables.append(
                    pd.DataFrame(
                        {
                            "level": level or "all",
                            "unit_id": table.index.astype("str") if level else "",
                            "name": [names.get(unit, "") for unit in table.index],
                            "cutoff_m": coverage.cutoff_m,
                            "group": group,
                            "total": table[group].to_numpy(dtype="float64"),
                            "covered": table[covered].to_numpy(dtype="float64"),
                            "rate": table[rate].to_numpy(dtype="float64"),
                        }
                    )
                )
    return pd.concat(tables, ignore_index=True)


def _figures(known: pd.DataFrame, result: ScenarioResult) -> pd.DataFrame:
    keys = ["level", "unit_id", "cutoff_m", "group"]
    mine = tabulate_figures(result.plan, result.coverages)
    was = known.rename(columns={name: f"base_{name}" for name in ("name", "total", "covered", "rate")})
    both = mine.merge(was, on=keys, how="outer", sort=False, indicator=True)
    # A grid that only one of the two plans has holds nobody in the other; what is not known stays so.
    for side, columns in (("left_only", ["base_total", "base_covered"]), ("right_only", ["total", "covered"])):
        both.loc[both["_merge"] == side, columns] = 0.0
    both["name"] = both["name"].where(both["name"].notna(), both["base_name"])
    both["change"] = both["covered"] - both["base_covered"]
    # An outer join sorts by its keys: levels and groups are wanted from the whole to the part.
    levels = ["all", *(level.level for level in result.plan.info.levels)]
    order = [both["level"].map(levels.index), both["unit_id"], both["cutoff_m"], both["group"].map(GROUPS.index)]
    both = both.iloc[np.lexsort([key.fillna("").to_numpy() for key in reversed(order)])].reset_index(drop=True)
    both.insert(0, "scenario", result.name)
    columns = [
        "scenario", "level", "unit_id", "name", "cutoff_m", "group", "total", "covered", "rate", "base_total",
        "base_covered", "base_rate", "change",
    ]  # fmt: skip
    return both[columns]


def _households(base: Assessed, result: ScenarioResult) -> pd.DataFrame:
    tables = []
    for was, now in zip(base.coverages, result.coverages, strict=True):
        old, new = was.households, now.households
        changed = old["covered"].to_numpy() != new["covered"].to_numpy()
        table = new[changed]
        tables.append(
            pd.DataFrame(
                {
                    "scenario": result.name,
                    "cutoff_m": now.cutoff_m,
                    "household_id": table.index.to_numpy(),
                    "households": table["households"].to_numpy(),
                    "persons": table["persons"].to_numpy(),
                    "change": ["gained" if covered else "lost" for covered in table["covered"]],
                    "grid_id": table["grid_id"].to_numpy(),
                    "base_station_id": old["station_id"].to_numpy()[changed],
                    "station_id": table["station_id"].to_numpy(),
                    "base_distance_m": old["distance_m"].to_numpy()[changed],
                    "distance_m": table["distance_m"].to_numpy(),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _grids(plan: Plan, result: ScenarioResult) -> pd.DataFrame:
    was, now = _members(plan), _members(result.plan)
    rows = []
    for grid in sorted(was.keys() | now.keys()):
        old, new = was.get(grid, (set(), {}, 0)), now.get(grid, (set(), {}, 0))
        if old[0] == new[0] and old[1] == new[1]:
            continue
        kind = "new" if grid not in was else "gone" if grid not in now else "redrawn" if old[0] != new[0] else "renamed"
        rows.append(
            {
                "scenario": result.name,
                "grid_id": grid,
                "change": kind,
                "blocks_in": ", ".join(sorted(new[0] - old[0])),
                "blocks_out": ", ".join(sorted(old[0] - new[0])),
                "base_households": old[2],
                "households": new[2],
            }
        )
    columns = ["scenario", "grid_id", "change", "blocks_in", "blocks_out", "base_households", "households"]
    return pd.DataFrame(rows, columns=columns)


def _members(plan: Plan) -> dict[str, tuple[set[str], dict[str, str], int]]:
    """Return each grid's blocks, what is said of it, and its households."""
    blocks = plan.blocks.groupby("grid_id")["block_id"].agg(set)
    held = plan.households.groupby("grid_id")["households"].sum()
    said = plan.grids.set_index("grid_id")[["code", "name", "grid_kind", "locked", "staff"]].astype("object")
    return {
        str(grid): (
            blocks.get(grid, set()),
            {name: str(value) for name, value in said.loc[grid].items()},
            int(held.get(grid, 0)),
        )
        for grid in said.index
    }
