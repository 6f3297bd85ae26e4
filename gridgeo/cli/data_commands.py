"""The commands of data: import, check, export. Each reads, calls one function of the library, and prints."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridgeo.cli import output
from gridgeo.cli.wording import require_choice
from gridgeo.errors import Fault, FileError, ImportFaults, InputError, PlanError, list_alike, list_faults
from gridgeo.texts import column_label, layer_label, text

if TYPE_CHECKING:
    from gridgeo.readers import ImportReport

AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.plan"))]


def _source(name: str, metavar: str = "FILE") -> Any:  # noqa: ANN401 (an option)
    return typer.Option(f"--{name}", metavar=metavar, help=text(f"cli.import_{name}"))


def import_files(
    *,
    boundary: Annotated[str | None, _source("boundary")] = None,
    streets: Annotated[str | None, _source("streets")] = None,
    households: Annotated[str | None, _source("households")] = None,
    stations: Annotated[str | None, _source("stations")] = None,
    barriers: Annotated[str | None, _source("barriers")] = None,
    gates: Annotated[str | None, _source("gates")] = None,
    units: Annotated[str | None, _source("units")] = None,
    buildings: Annotated[str | None, _source("buildings")] = None,
    enterprises: Annotated[str | None, _source("enterprises")] = None,
    people: Annotated[list[str] | None, _source("people", "[ROLE=]FILE")] = None,
    needs: Annotated[str | None, _source("needs")] = None,
    visits: Annotated[str | None, _source("visits")] = None,
    into: Annotated[Path | None, _source("into", "PLAN")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help=text("cli.import_fresh"))] = False,
    place: Annotated[str | None, typer.Option("--place", metavar="NAME", help=text("cli.import_place"))] = None,
    crs: Annotated[list[str] | None, typer.Option("--crs", metavar="[LAYER=]CRS", help=text("cli.import_crs"))] = None,
    profile: Annotated[Path | None, typer.Option("--profile", metavar="FILE", help=text("cli.import_profile"))] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", metavar="LAYER.COLUMN=NAME", help=text("cli.import_choose"))
    ] = None,
    save_profile: Annotated[
        Path | None, typer.Option("--save-profile", metavar="FILE", help=text("cli.import_save_profile"))
    ] = None,
    population: Annotated[
        float | None, typer.Option("--population", metavar="N", help=text("cli.import_population"))
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="PLAN", help=text("cli.import_out"))] = None,
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help=text("cli.import_skip_faulty"))] = False,
    as_json: AsJson = False,
) -> None:
    """Make a plan of files from outside, or bring lists into one."""
    layers = {
        "households": households,
        "stations": stations,
        "barriers": barriers,
        "gates": gates,
        "units": units,
        "buildings": buildings,
    }
    lists = {"enterprises": enterprises, "people": _roles(people or []), "needs": needs, "visits": visits}
    task = _Import(
        layers={name: source for name, source in layers.items() if source is not None},
        lists={name: source for name, source in lists.items() if source is not None},
        options={"crs": _systems(crs or []), "profile": _profile(profile, column or []), "skip_faulty": skip_faulty},
        save_profile=save_profile,
        as_json=as_json,
    )
    if into is None:
        if fresh:
            raise typer.BadParameter(text("cli.import_fresh_alone"))
        edges, ways = _ground(boundary, streets, place)
        _make(task, edges, ways, place, population, out or Path("plan.gpkg"))
        return
    ground = {"boundary": boundary, "streets": streets, "place": place, "population": population, **task.layers}
    for name, value in ground.items():
        if value is not None:
            raise typer.BadParameter(text("cli.import_not_into", option=f"--{name}"))
    if not task.lists:
        raise typer.BadParameter(text("cli.import_nothing"))
    _bring_in(task, into, out or into, fresh=fresh)


@dataclass(frozen=True)
class _Import:
    """What an import was asked for."""

    layers: dict[str, Any]
    lists: dict[str, Any]
    options: dict[str, Any]
    save_profile: Path | None
    as_json: bool


def _make(task: _Import, edges: Any, ways: Any, place: str | None, population: float | None, out: Path) -> None:  # noqa: ANN401
    from gridgeo.estimate import fill_households  # noqa: PLC0415
    from gridgeo.readers import prepare_import  # noqa: PLC0415
    from gridgeo.store import require_target, write_plan  # noqa: PLC0415

    require_target(out)
    report = prepare_import(boundary=edges, streets=ways, name=place, **task.layers, **task.lists, **task.options)
    plan = _plan_of(report, task)
    before = len(plan.info.notes)
    if population is not None or plan.units["population"].notna().any():
        plan = fill_households(plan, population=population)
    write_plan(plan, out)
    _tell(report, plan, out, task, notes=[str(note) for note in plan.info.notes[before:]])


def _bring_in(task: _Import, into: Path, out: Path, *, fresh: bool) -> None:
    from gridgeo.readers import prepare_lists  # noqa: PLC0415
    from gridgeo.store import hold_lock, read_plan, require_target, write_plan  # noqa: PLC0415

    if not into.is_file():
        raise FileError("missing_file", file=into)
    require_target(out)
    with hold_lock(into):
        report = prepare_lists(read_plan(into), fresh=fresh, **task.lists, **task.options)
        plan = _plan_of(report, task)
        write_plan(plan, out)
    _tell(report, plan, out, task, notes=[])


def _plan_of(report: Any, task: _Import) -> Any:  # noqa: ANN401 (imported late)
    """Return an import's plan; raise what stopped it."""
    from gridgeo.readers import write_profile  # noqa: PLC0415

    if task.save_profile is not None:
        write_profile(report.findings.mappings, task.save_profile)
    if report.plan is None:
        faults = report.findings.faults
        raise ImportFaults("import_faults", faults=faults, count=len(faults))
    return report.plan


def _tell(report: Any, plan: Any, out: Path, task: _Import, *, notes: list[str]) -> None:  # noqa: ANN401
    """Keep the rows that were set aside, and print what was done."""
    from gridgeo.store import write_table  # noqa: PLC0415

    files, rejected = [out], report.rejected()
    if len(rejected):
        files.append(out.with_suffix(".rejected.csv"))
        write_table(rejected, files[1])
    if task.as_json:
        counts = {name: len(layer) for name, layer in plan.layers().items()}
        told = {"file": str(out), "files": [str(file) for file in files], "layers": counts, "notes": notes}
        output.print_json({**told, **report.as_dict()})
        return
    _print_report(report)
    output.print_lines(*notes)
    if len(rejected):
        output.print_lines(text("cli.import_rejected", count=len(rejected), file=files[1].name))
    output.print_lines(text("cli.wrote"), *(f"  {file}" for file in files))


def _ground(boundary: str | None, streets: str | None, place: str | None) -> tuple[Any, Any]:
    """Return boundary and streets: the files given, and for those not given what the place of that name has."""
    if place is None:
        for name, given in (("boundary", boundary), ("streets", streets)):
            if given is None:
                raise typer.BadParameter(text("cli.import_lacking", option=f"--{name}"))
        return boundary, streets
    from gridgeo.readers import read_online_place  # noqa: PLC0415

    found = read_online_place(place)
    return boundary or found.boundary, streets or found.layers


def _roles(people: list[str]) -> dict[str, str] | list[str] | None:
    """Take roles and files apart; a file alone may hold an equals sign in its name."""
    tables = [("", said) if Path(said).exists() else said.rpartition("=")[::2] for said in people]
    if not any(role for role, _ in tables):
        return [file for _, file in tables] or None
    roles = [role for role, _ in tables]
    if "" in roles or len(set(roles)) < len(roles):
        raise InputError("roles_unclear", value=", ".join(people))
    return dict(tables)


def _systems(said: list[str]) -> dict[str, str] | None:
    """Return the coordinate systems by layer; one without a layer is of all the others."""
    from gridgeo.readers.intake import EVERY_FILE  # noqa: PLC0415

    systems: dict[str, str] = {}
    for each in said:
        # EPSG:n+towgs84=… holds an equals sign too, behind what is no word.
        layer, system = each.split("=", 1) if re.match(r"[a-z_]+=", each) else (EVERY_FILE, each)
        if layer in systems or not system.strip():
            raise InputError("bad_crs_choice", value=each)
        systems[layer] = system
    return systems or None


def _profile(file: Path | None, columns: list[str]) -> dict[str, dict[str, str]]:
    """Return the profile with single columns set anew."""
    from gridgeo.readers import read_profile  # noqa: PLC0415

    profile = {} if file is None else read_profile(file)
    for said in columns:
        column, equals, name = said.partition("=")
        layer, dot, field = column.partition(".")
        if not (equals and dot and layer and field):
            raise InputError("bad_column_choice", value=said)
        profile = {**profile, layer: {**profile.get(layer, {}), field: name}}
    return profile


def check(
    file: Annotated[Path, typer.Argument(metavar="PLAN|FILE", help=text("cli.check_file"))],
    layer: Annotated[str | None, typer.Option("--layer", metavar="LAYER", help=text("cli.check_layer"))] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> int:
    """Name everything in a plan or a file that is wrong."""
    faults, report = _check_plan(file, layer), None
    if faults is None:
        report = _check_file(file, layer)
        faults = [*report.findings.faults, *report.remarks]
    if as_json:
        told = {} if report is None else {"rows": sum(report.findings.rows.values()), **report.as_dict()}
        output.print_json({**told, "file": str(file), "faults": [fault.as_dict() for fault in faults]})
        return 1 if faults else 0
    if faults:
        output.print_lines(text("cli.check_found", file=file.name, count=len(faults)), *list_faults(faults))
    else:
        output.print_lines(text("cli.check_ok", file=file.name))
    if report is not None and report.findings.rows:
        output.print_lines(text("cli.check_rows", rows=sum(report.findings.rows.values())))
        _print_report(replace(report, remarks=()))
    return 1 if faults else 0


def export(
    plan: PlanFile,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=text("cli.export_format"))],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help=text("cli.out_dir"))] = Path("gridgeo-export"),
    encoding: Annotated[
        str, typer.Option("--encoding", metavar="gbk|utf-8", help=text("cli.export_encoding"))
    ] = "utf-8",
    *,
    public: Annotated[bool, typer.Option("--public", help=text("cli.export_public"))] = False,
    sensitive: Annotated[bool, typer.Option("--sensitive", help=text("cli.export_sensitive"))] = False,
    as_json: AsJson = False,
) -> None:
    """Write a plan for other programs."""
    from gridgeo.store import ENCODINGS, FORMATS, export_plan, read_plan  # noqa: PLC0415

    require_choice("--format", form, FORMATS)
    require_choice("--encoding", encoding, ENCODINGS)
    done = export_plan(read_plan(plan), out, format=form, encoding=encoding, public=public, sensitive=sensitive)
    if as_json:
        losses = [vars(loss) for loss in done.losses]
        output.print_json({"files": [str(file) for file in done.files], "losses": losses})
        return
    output.print_lines(text("cli.wrote"), *(f"  {file}" for file in done.files))
    if done.losses:
        output.print_lines(text("cli.export_losses", count=len(done.losses)))


def _check_plan(file: Path, layer: str | None) -> list[Fault] | None:
    """Check a plan; None when the file is no plan but some layer's file."""
    from gridgeo.plan import check_plan  # noqa: PLC0415
    from gridgeo.schema import LAYERS  # noqa: PLC0415
    from gridgeo.store import read_plan  # noqa: PLC0415

    if layer is not None:
        require_choice("--layer", layer, ("boundary", *LAYERS))
    if file.suffix.lower() != ".gpkg" and layer is not None:
        return None
    try:
        plan = read_plan(file)
    except (PlanError, FileError) as error:
        if layer is not None and error.key == "not_a_plan":
            return None
        raise
    return [fault for fault in check_plan(plan) if layer in (None, fault.layer)]


def _check_file(file: Path, layer: str | None) -> ImportReport:
    from gridgeo.readers import check_file  # noqa: PLC0415

    return check_file(file, layer=str(layer))


def _print_report(report: Any) -> None:  # noqa: ANN401 (imported late)
    """Print what was understood, repaired and noticed."""
    rows = [
        [layer_label(layer), f"{column_label(column)} ({layer}.{column})", str(source)]
        for layer, mapping in report.findings.mappings.items()
        for column, source in mapping.columns.items()
        if source is not None
    ]
    if rows:
        titles = [text("cli.import_layer"), text("cli.import_column"), text("cli.import_from")]
        output.print_table(text("cli.import_mapped"), titles, rows)
    output.print_lines(*report.findings.say_taken())
    repairs = report.findings.repairs
    for title, count, lines in (
        ("import_repaired", len(repairs), list_alike(((each.layer, each.why), each.message) for each in repairs)),
        ("import_remarks", len(report.remarks), list_faults(report.remarks)),
    ):
        if lines:
            output.print_lines(f"{text(f'cli.{title}')} ({count}):", *lines)
