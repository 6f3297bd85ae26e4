"""The commands of programmes: list, show, apply, report. Each reads, calls one function of the library, and prints."""

from __future__ import annotations

import tomllib
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from gridgeo.cli import output
from gridgeo.texts import text

programmes = typer.Typer(help=text("programmes.cli_about"), no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.plan"))]
ProgrammeName = Annotated[str, typer.Argument(metavar="NAME|FILE.toml", help=text("programmes.cli_name"))]

_SHOWN = 20


@programmes.command("list", help=text("programmes.cli_list"))
def list_programmes(as_json: AsJson = False) -> None:  # noqa: FBT002
    """List the programmes that come with gridgeo."""
    from gridgeo.programmes import PROGRAMMES, read_programme  # noqa: PLC0415

    found = [read_programme(name) for name in PROGRAMMES]
    if as_json:
        rows = [
            {
                "name": each.name,
                "title": {"zh": each.title.zh, "en": each.title.en},
                "place": {"zh": each.place.zh, "en": each.place.en},
                "levels": [level.level for level in each.levels],
                "rules": len(each.rules),
            }
            for each in found
        ]
        output.print_json({"programmes": rows})
        return
    columns = [text(f"programmes.heading.{name}") for name in ("name", "title", "place", "levels", "rules")]
    rows_shown = [
        [each.name, str(each.title), str(each.place), str(len(each.levels)), str(len(each.rules))] for each in found
    ]
    output.print_table("", columns, rows_shown, right={3, 4})


@programmes.command(help=text("programmes.cli_show"))
def show(programme: ProgrammeName, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Print a programme as the TOML file it is: a file to copy and change."""
    found = _find(programme)
    if as_json:
        output.print_json({"name": found.name, "programme": tomllib.loads(found.source)})
        return
    output.print_lines(found.source.rstrip("\n"))


@programmes.command(help=text("programmes.cli_apply"))
def apply(
    programme: ProgrammeName,
    plan: PlanFile,
    out: Annotated[Path | None, typer.Option("--out", metavar="PLAN", help=text("programmes.cli_out_plan"))] = None,
    example: Annotated[bool, typer.Option("--example", help=text("programmes.cli_example"))] = False,  # noqa: FBT002
    seed: Annotated[int, typer.Option("--seed", help=text("cli.partition_seed"))] = 0,
    *,
    as_json: AsJson = False,
) -> None:
    """Put a programme into a plan, or build its worked example."""
    from gridgeo.programme_run import apply_to_plan, build_example  # noqa: PLC0415
    from gridgeo.programmes import read_programme  # noqa: PLC0415
    from gridgeo.store import read_plan, require_target, write_plan  # noqa: PLC0415

    found = read_programme(programme)
    target = out or plan
    with nullcontext(lambda _step: None) if as_json else output.progress_bar(3) as report:
        report("read")
        # An example may start from nothing: from the place that the programme's own file names.
        nothing = example and not plan.exists()
        source = None if nothing else read_plan(plan)
        require_target(target)
        report("grids")
        if example or source is None:
            made = build_example(found, plan=source, seed=seed)
        else:
            made = apply_to_plan(source, found)
        report("write")
        write_plan(made, target)
    levels = [{"level": each.level, "zh": each.name.zh, "en": each.name.en} for each in made.info.levels]
    if as_json:
        answer = {"programme": found.name, "levels": levels, "rules": len(found.rules), "example": example}
        counts = {name: len(layer) for name, layer in made.layers().items() if len(layer)}
        output.print_json({**answer, "layers": counts, "notes": [str(note) for note in made.info.notes],
                           "files": [str(target)]})  # fmt: skip
        return
    names = " – ".join(str(each.name) for each in made.info.levels)
    output.print_lines(text("programmes.applied", title=found.title, levels=names, rules=len(found.rules)))
    if example:
        output.print_lines(*(f"- {note}" for note in made.info.notes))
    output.print_lines(text("cli.wrote"), f"  {target}")


@programmes.command(help=text("programmes.cli_report"))
def report(
    plan: PlanFile,
    programme: Annotated[
        str | None, typer.Option("--programme", metavar="NAME|FILE.toml", help=text("programmes.cli_other"))
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help=text("programmes.cli_out"))] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Judge a plan by its programme, rule by rule."""
    from gridgeo.programme_report import leader_table, report_answer, write_report  # noqa: PLC0415
    from gridgeo.programme_run import report_on_plan  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    with nullcontext(lambda _step: None) if as_json else output.progress_bar(3) as progress:
        progress("read")
        read = read_plan(plan)
        progress("rules")
        found = report_on_plan(read, programme, file=plan.name)
        files: list[Path] = []
        if out is not None:
            progress("write")
            files = write_report(found, out)
    if as_json:
        output.print_json({"file": str(plan), **report_answer(found, files)})
        return
    _print_report(found, leader_table(found))
    if files:
        output.print_lines(text("cli.wrote"), *(f"  {path}" for path in files))


def _find(name: str) -> Any:  # noqa: ANN401 (imported late)
    """Read a programme by name or file, or the one that a plan keeps."""
    from gridgeo.programmes import applied_programme, read_programme  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    if name.lower().endswith(".gpkg"):
        return applied_programme(read_plan(name))
    return read_programme(name)


def _print_report(found: Any, table: Any) -> None:  # noqa: ANN401 (imported late)
    """Print every rule with its number and verdict, then what was found or is missing for those that are not met."""
    title = f"{found.programme.title} · {found.plan.info.name}"
    heads = list(table.columns[:7])
    rows = [[_cell(cell) for cell in row[:7]] for row in table.itertuples(index=False, name=None)]
    output.print_table(title, heads, rows, right={0, 3, 5, 6})
    output.print_lines(text("programmes.counts", **found.counts))
    worse = [verdict for verdict in found.verdicts if verdict.state != "met"]
    output.print_lines(*(_line(verdict) for verdict in worse))
    assumed = [verdict for verdict in found.verdicts if verdict.assumed]
    if assumed:
        lines = (text("programmes.line", name=verdict.rule.name, sentence=verdict.assumed) for verdict in assumed)
        output.print_lines(text("programmes.assumed_heading"), *(f"- {line}" for line in lines))
    if found.plan.info.notes:
        output.print_lines(f"{text('cli.notes')}:", *(f"- {note}" for note in found.plan.info.notes))
    output.print_lines(found.plan.info.attribution)


def _line(verdict: Any) -> str:  # noqa: ANN401 (imported late)
    return "- " + text("programmes.line", name=verdict.rule.name, sentence=verdict.sentence)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:,.0f}"  # noqa: PLR0124 - NaN is the only number unlike itself
    return str(value)
