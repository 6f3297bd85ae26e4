"""The commands. Each reads, calls one function of the library, and prints; none computes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import traceback
from contextlib import nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from gridgeo.cli import data_commands, edit_commands, output, programme_commands, wording
from gridgeo.errors import FileError, GridgeoError
from gridgeo.texts import LANGUAGES, text

app = typer.Typer(help=text("cli.about"), no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.plan"))]
OutFolder = Annotated[Path, typer.Option("--out", help=text("cli.out_dir"))]
Cutoffs = Annotated[list[float] | None, typer.Option("--cutoff", help=text("cli.coverage_cutoff"))]

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C has ended."""


def run(arguments: list[str]) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str
        What stands behind ``gridgeo``.

    Returns
    -------
    int
        0 when done, 1 for bad data, 2 for bad use, 130 when interrupted.
    """
    as_json = "--json" in arguments
    try:
        result = wording.word_help(app)(args=arguments, prog_name="gridgeo", standalone_mode=False)
    except (GridgeoError, OSError) as error:
        output.print_error(error if isinstance(error, GridgeoError) else _refused(error), as_json=as_json)
        return 1
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        name = context.command_path.removeprefix("gridgeo").strip() if context else ""
        message = wording.word_misuse(error)
        if not message:  # called without a command: the help has just been shown
            return 2
        message = message if message.endswith((".", "?", "。")) else message + text("cli.full_stop")
        call = " ".join(("gridgeo", *name.split(), "--help"))
        output.print_misuse(text("cli.usage_error", message=message, call=call), as_json=as_json)
        return 2
    except (typer.Abort, KeyboardInterrupt):
        result = INTERRUPTED
    except Exception as error:  # noqa: BLE001 (the last line of defence: a sentence, never a traceback)
        if os.environ.get("GRIDGEO_DEBUG"):
            traceback.print_exc()
        output.print_misuse(text("cli.internal_error", detail=type(error).__name__), as_json=as_json)
        return 1
    if result == INTERRUPTED:  # the parser makes it of Ctrl-C itself, without a word
        output.print_misuse(text("cli.interrupted"), as_json=as_json)
    return result if isinstance(result, int) else 0


def _refused(error: OSError) -> FileError:
    """Word what the system refuses before anybody could look whether there is such a file: a name too long, say."""
    name = Path(str(error.filename or "")).name[:60]
    return FileError("unreadable_file", file=name, detail=error.strerror or type(error).__name__)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 (an option's callback)
    if wanted:
        output.print_lines(version("gridgeo"))
        raise typer.Exit


@app.callback()
def gridgeo(
    lang: Annotated[str | None, typer.Option("--lang", help=text("cli.lang"), metavar="zh|en")] = None,
    *,
    show_version: Annotated[  # noqa: ARG001 (its callback has the say)
        bool, typer.Option("--version", help=text("cli.version"), is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Take the options that stand before every command."""
    _check_language(lang)


@app.command(help=text("cli.demo"))
def demo(
    place: Annotated[str, typer.Option("--place", help=text("cli.demo_place"), metavar="NAME")] = "qinghuayuan",
    out: OutFolder = Path("gridgeo-demo"),
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Do the main job on a bundled place."""
    from gridgeo.cli import answers  # noqa: PLC0415
    from gridgeo.readers import bundled_plan_path  # noqa: PLC0415
    from gridgeo.results import make_folder, write_results  # noqa: PLC0415
    from gridgeo.store import read_plan, write_plan  # noqa: PLC0415

    source = bundled_plan_path(place)
    folder = make_folder(out)
    with _progress(8, quiet=as_json) as report:
        report("read")
        assessment = _assess(read_plan(source), None, report)
        report("write")
        begun = time.perf_counter()
        plan_file = folder / f"{place}.gpkg"
        write_plan(assessment.plan, plan_file)
        files = [plan_file, *write_results(assessment, folder)]
        assessment.seconds["write"] = round(time.perf_counter() - begun, 3)
    answer = answers.assessment_answer(assessment, files)
    if as_json:
        output.print_json({"place": place, **answer})
    else:
        answers.print_assessment(assessment, files)


@app.command(help=text("cli.coverage"))
def coverage(
    plan: PlanFile,
    cutoff: Cutoffs = None,
    service: Annotated[str | None, typer.Option("--service", metavar="NAME", help=text("cli.coverage_service"))] = None,
    person: Annotated[
        str | None, typer.Option("--person", metavar="adult|elder|wheelchair", help=text("cli.coverage_person"))
    ] = None,
    minutes: Annotated[list[float] | None, typer.Option("--minutes", help=text("cli.coverage_minutes"))] = None,
    speed: Annotated[float | None, typer.Option("--speed", metavar="M/MIN", help=text("cli.coverage_speed"))] = None,
    max_access: Annotated[
        float | None, typer.Option("--max-access", metavar="M", help=text("cli.coverage_max_access"))
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help=text("cli.coverage_at"))] = None,
    out: OutFolder = Path("gridgeo-coverage"),
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Assess the coverage of a plan."""
    from gridgeo.cli import answers  # noqa: PLC0415
    from gridgeo.network.persons import find_walker  # noqa: PLC0415
    from gridgeo.results import make_folder, write_results  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    if minutes and cutoff:
        raise typer.BadParameter(text("cli.minutes_or_metres"))
    asked = {
        "cutoffs_min": tuple(minutes) if minutes else None,
        "person": find_walker(person, speed_m_per_min=speed),
        "service": service,
        "at": at,
        **({} if max_access is None else {"max_access_m": max_access}),
    }
    with _progress(8, quiet=as_json) as report:
        report("read")
        source = read_plan(plan)
        assessment = _assess(source, cutoff, report, **asked)
        report("write")
        files = write_results(assessment, make_folder(out))
    if as_json:
        output.print_json(answers.coverage_answer(assessment, files))
    else:
        answers.print_assessment(assessment, files)


@app.command(help=text("cli.partition"))
def partition(
    plan: PlanFile,
    households: Annotated[
        str, typer.Option("--households", help=text("cli.partition_households"), metavar="LOW-HIGH")
    ] = "300-500",
    keep: Annotated[bool, typer.Option("--keep", help=text("cli.partition_keep"))] = False,  # noqa: FBT002
    seed: Annotated[int, typer.Option("--seed", help=text("cli.partition_seed"))] = 0,
    out: Annotated[Path | None, typer.Option("--out", help=text("cli.partition_out"), metavar="PLAN")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Cut a plan's ground into grids."""
    from gridgeo.assessment import divide_plan  # noqa: PLC0415
    from gridgeo.cli import answers  # noqa: PLC0415
    from gridgeo.store import read_plan, require_target, write_plan  # noqa: PLC0415

    band = _read_band(households)
    with _progress(4, quiet=as_json) as report:
        report("read")
        source = read_plan(plan)
        target = out or plan
        require_target(target)
        divided, made, seconds = divide_plan(source, households_per_grid=band, keep=keep, seed=seed, watch=report)
        report("write")
        write_plan(divided, target)
    if as_json:
        output.print_json({**answers.partition_answer(made), "seconds": seconds, "files": [str(target)]})
    else:
        answers.print_partition(made, [target])


@app.command(name="app", help=text("cli.app"))
def serve(
    plan: Annotated[Path | None, typer.Argument(metavar="[PLAN]", help=text("cli.app_plan"))] = None,
    port: Annotated[int, typer.Option("--port", help=text("cli.app_port"), min=1, max=65535)] = 8501,
    lang: Annotated[str | None, typer.Option("--lang", help=text("cli.lang"), metavar="zh|en")] = None,
) -> int:
    """Serve the app. It is a program of its own, so that nothing here ever imports Streamlit."""
    _check_language(lang)
    arguments = [*([str(plan)] if plan else []), "--port", str(port), *(["--lang", lang] if lang else [])]
    command = [sys.executable, "-m", "app", *arguments]
    if os.name == "posix":
        # Become the server rather than its parent: whoever ends this process ends the server too.
        os.execv(sys.executable, command)  # noqa: S606 (our own program)
    return subprocess.call(command)  # noqa: S603 (our own program)


app.command(name="import", help=text("cli.import"))(data_commands.import_files)
app.command(help=text("cli.check"))(data_commands.check)
app.command(help=text("cli.export"))(data_commands.export)
app.command(help=text("edits.cli_edit"))(edit_commands.edit)
app.command(help=text("edits.cli_undo"))(edit_commands.undo)
app.command(help=text("edits.cli_redo"))(edit_commands.redo)
app.command(help=text("edits.cli_log"))(edit_commands.log)
app.command(help=text("edits.cli_compare"))(edit_commands.compare)
app.command(help=text("edits.cli_handover"))(edit_commands.handover)
app.add_typer(programme_commands.programmes, name="programme")


def _assess(plan: Any, cutoffs: list[float] | None, report: output.Report, **asked: Any) -> Any:  # noqa: ANN401
    from gridgeo.assessment import DEFAULT_CUTOFFS_M, assess_plan  # noqa: PLC0415

    return assess_plan(plan, cutoffs_m=tuple(cutoffs or DEFAULT_CUTOFFS_M), watch=report, **asked)


def _progress(steps: int, *, quiet: bool) -> Any:  # noqa: ANN401 (a context manager of a Report)
    return nullcontext(lambda _step: None) if quiet else output.progress_bar(steps)


def _check_language(lang: str | None) -> None:
    if lang is not None:
        wording.require_choice("--lang", lang, LANGUAGES)


def _read_band(value: str) -> tuple[float, float]:
    found = re.fullmatch(r"\s*(\d+)\s*[-–~至]\s*(\d+)\s*", value)
    if not found or not 0 < int(found[1]) <= int(found[2]):
        raise typer.BadParameter(text("cli.bad_band", value=value))
    return float(found[1]), float(found[2])
