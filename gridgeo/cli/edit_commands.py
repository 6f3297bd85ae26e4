"""The commands of edits: edit, undo, log, compare. Each reads, calls one function of the library, and prints."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Hashable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo.cli import output
from gridgeo.errors import InputError
from gridgeo.texts import text

if TYPE_CHECKING:
    import pandas as pd

AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.plan"))]
Who = Annotated[str | None, typer.Option("--who", help=text("edits.cli_who"), metavar="NAME")]

_SHOWN = 20


def edit(
    plan: PlanFile,
    edits: Annotated[Path, typer.Argument(metavar="EDITS.toml", help=text("edits.cli_edits"))],
    who: Who = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Make the edits of a file: all of them, or none."""
    from gridgeo.redraw import edit_file, find_breaks  # noqa: PLC0415
    from gridgeo.scenario import apply_scenario, read_scenario  # noqa: PLC0415

    scenario = read_scenario(edits)
    if not scenario.edits:
        raise InputError("scenario_without_edits", file=edits.name)
    done: list[Any] = []
    broken: list[Any] = []

    def work(before: Any) -> Any:  # noqa: ANN401 (imported late)
        after, outcomes = apply_scenario(before, scenario, who=_name(who))
        done.extend(outcomes)
        broken.extend(find_breaks(before, after))
        return after

    saved = edit_file(plan, work)
    answer = {
        "file": str(plan),
        "edits": [
            {**outcome.edit.as_dict(), "what": str(outcome.edit), "offers": [each.as_dict() for each in outcome.offers]}
            for outcome in done
        ],
        "breaks": [
            {
                "rule": finding.rule,
                "item": finding.item,
                "blocks": list(finding.blocks),
                "message": finding.message,
                "repairs": [each.as_dict() for each in repairs],
            }
            for finding, repairs in broken
        ],
        "rev": len(saved.edits),
    }
    if as_json:
        output.print_json(answer)
        return
    output.print_lines(*(f"{number}. {outcome.edit}" for number, outcome in enumerate(done, start=1)))
    offers = [str(offer) for outcome in done for offer in outcome.offers]
    if offers:
        output.print_lines(text("edits.offers"), *(f"- {offer}" for offer in offers))
    for finding, repairs in broken:
        output.print_lines(f"! {finding.message}", *(f"    {text('edits.repair', edit=each)}" for each in repairs))
    output.print_lines(text("edits.saved", file=plan.name, rev=len(saved.edits)))


def undo(
    plan: PlanFile,
    n: Annotated[int, typer.Argument(metavar="[N]", help=text("edits.cli_n"), min=1)] = 1,
    who: Who = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Take the last edits back."""
    from gridgeo.redraw import undo_edits  # noqa: PLC0415

    _step(undo_edits, plan, n, who, as_json=as_json)


def redo(
    plan: PlanFile,
    n: Annotated[int, typer.Argument(metavar="[N]", help=text("edits.cli_n"), min=1)] = 1,
    who: Who = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Do again what was taken back."""
    from gridgeo.redraw import redo_edits  # noqa: PLC0415

    _step(redo_edits, plan, n, who, as_json=as_json)


def _step(step: Callable[..., Any], plan: Path, n: int, who: str | None, *, as_json: bool) -> None:
    from gridgeo.redraw import describe_record, edit_file  # noqa: PLC0415

    saved = edit_file(plan, lambda before: step(before, n, who=_name(who)))
    said = [describe_record(record, saved.edits) for record in saved.edits[-n:]]
    if as_json:
        output.print_json({"file": str(plan), "done": said, "rev": len(saved.edits)})
        return
    output.print_lines(*said, text("edits.saved", file=plan.name, rev=len(saved.edits)))


def log(plan: PlanFile, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print every edit in order, after checking that none was altered."""
    from gridgeo.redraw import base_plan, tabulate_log  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    read = read_plan(plan)
    table = tabulate_log(read)
    base_plan(read)
    if as_json:
        output.print_json({"file": str(plan), "edits": table.to_dict("records")})
        return
    if table.empty:
        output.print_lines(text("edits.log_empty"))
        return
    marks = {True: text("edits.stands"), False: text("edits.taken_back")}
    rows = [
        [
            str(record["rev"]),
            record["time"],
            record["who"],
            record["what"],
            "" if record["kind"] in ("undo", "redo") else marks[bool(record["stands"])],
        ]
        for record in table.to_dict("records")
    ]
    output.print_table("", [text(f"edits.column_{name}") for name in ("rev", "time", "who", "what", "state")], rows)


def compare(
    plan: PlanFile,
    scenarios: Annotated[list[Path], typer.Argument(metavar="A.toml [B.toml …]", help=text("edits.cli_scenarios"))],
    cutoff: Annotated[list[float] | None, typer.Option("--cutoff", help=text("cli.coverage_cutoff"))] = None,
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help=text("cli.coverage_service"))] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="adult|elder|wheelchair", help=text("cli.coverage_person"))
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help=text("cli.coverage_at"))] = None,
    out: Annotated[Path | None, typer.Option("--out", help=text("edits.cli_out"))] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Run scenarios on a plan and put what they change side by side; the plan file stays as it is."""
    from gridgeo.scenario import compare_files, write_comparison  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    with nullcontext(lambda _step: None) if as_json else output.progress_bar(2 + len(scenarios)) as report:
        report("read")
        read = read_plan(plan)
        report("coverage")
        cutoffs = tuple(cutoff) if cutoff else None
        found = compare_files(read, scenarios, cutoffs_m=cutoffs, person=person, service=service, at=at)
        files = write_comparison(found, out) if out is not None else []
    if as_json:
        tables = {"figures": found.headline(), "households": found.households, "grids": found.grids}
        answer = {name: _records(table) for name, table in tables.items()}
        output.print_json({"file": str(plan), **answer, "files": [str(path) for path in files]})
        return
    _print_headline(found.headline())
    _print_rows("households", found.households, _HOUSEHOLD_COLUMNS)
    _print_rows("grids", found.grids, list(found.grids.columns))
    if files:
        output.print_lines(text("cli.wrote"), *(f"  {path}" for path in files))


def handover(
    plan: PlanFile,
    scenario: Annotated[
        Path | None, typer.Argument(metavar="[EDITS.toml]", help=text("edits.cli_handover_edits"))
    ] = None,
    since: Annotated[int, typer.Option("--since", metavar="REV", help=text("edits.cli_since"), min=0)] = 0,
    out: Annotated[Path | None, typer.Option("--out", help=text("edits.cli_out"))] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List what goes from one grid and its staff to another, and the old ↔ new crosswalk of the grids."""
    from gridgeo.redraw import cross_grids, list_handover, plan_at  # noqa: PLC0415
    from gridgeo.scenario import apply_scenario, read_scenario, write_tables  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    read = read_plan(plan)
    if scenario is None:
        before, after = plan_at(read, since), read
    else:
        before, after = read, apply_scenario(read, read_scenario(scenario))[0]
    tables = {"crosswalk": cross_grids(before, after), "handover": list_handover(before, after)}
    files = write_tables(tables, out) if out is not None else []
    if as_json:
        told = {name: _records(table) for name, table in tables.items()}
        output.print_json({"file": str(plan), **told, "files": [str(path) for path in files]})
        return
    changed = tables["crosswalk"][tables["crosswalk"]["relation"] != "same"]
    _print_rows("crosswalk", changed, _CROSSWALK_COLUMNS)
    _print_rows("handover", tables["handover"], _HANDOVER_COLUMNS)
    if files:
        output.print_lines(text("cli.wrote"), *(f"  {path}" for path in files))


def _records(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return table.astype("object").where(table.notna(), None).to_dict("records")


def _print_headline(table: pd.DataFrame) -> None:
    rows = [
        [
            row["scenario"],
            f"{row['cutoff_m']:g}",
            text(f"edits.group_{row['group']}"),
            _count(row["total"]),
            _count(row["base_covered"]),
            _count(row["covered"]),
            _change(row["change"]),
        ]
        for row in table.to_dict("records")
        if row["total"] or row["base_total"]  # a group that nobody is known to be in tells nothing
    ]
    names = ("scenario", "cutoff", "group", "total", "base_covered", "covered", "change")
    output.print_table("", [text(f"edits.column_{name}") for name in names], rows, right={1, 3, 4, 5, 6})


def _print_rows(name: str, table: pd.DataFrame, columns: list[str]) -> None:
    if table.empty:
        output.print_lines(text(f"edits.no_{name}"))
        return
    shown = table[columns].head(_SHOWN)
    rows = [["–" if _is_missing(cell) else _cell(cell) for cell in row] for row in shown.itertuples(index=False)]
    output.print_table(text(f"edits.title_{name}"), [text(f"edits.column_{column}") for column in columns], rows)
    if len(table) > _SHOWN:
        output.print_lines(text("edits.more", count=len(table) - _SHOWN))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.1f}".removesuffix(".0")
    return text(f"edits.change_{value}") if value in _CHANGES else str(value)


_HOUSEHOLD_COLUMNS = ["scenario", "cutoff_m", "household_id", "households", "change", "base_distance_m", "distance_m"]
_CROSSWALK_COLUMNS = ["old_grid", "old_code", "new_grid", "new_code", "relation", "blocks", "households"]
_HANDOVER_COLUMNS = ["from_grid", "from_staff", "to_grid", "to_staff", "building_id", "household_id", "households"]
_CHANGES = ("gained", "lost", "new", "gone", "redrawn", "renamed", "recoded", "split", "merged", "changed")


def _count(value: float) -> str:
    return text("cli.not_known") if _is_missing(value) else f"{round(value):,}"


def _change(value: float) -> str:
    return text("cli.not_known") if _is_missing(value) else f"{round(value):+,}"


def _name(who: str | None) -> str:
    """Return who edits: as said, else the system's user."""
    if who is not None:
        return who
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _is_missing(value: Any) -> bool:  # noqa: ANN401 (any cell)
    from pandas import isna  # noqa: PLC0415 (who asks for help must not wait for it)

    return bool(isna(value))
