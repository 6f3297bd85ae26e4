"""The commands of data: import, check, export. Each reads, calls one function of the library, and prints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from gridgeo.cli import output
from gridgeo.errors import Fault, FileError, ImportFaults, InputError, PlanError, list_alike, list_faults
from gridgeo.texts import text

AsJson = Annotated[bool, typer.Option("--json", help=text("cli.json"))]
PlanFile = Annotated[Path, typer.Argument(metavar="PLAN", help=text("cli.plan"))]


def _source(name: str) -> Any:  # noqa: ANN401 (an option)
    return typer.Option(f"--{name}", metavar="FILE", help=text(f"cli.import_{name}"))


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
    place: Annotated[str | None, typer.Option("--place", metavar="NAME", help=text("cli.import_place"))] = None,
    crs: Annotated[str | None, typer.Option("--crs", metavar="CRS", help=text("cli.import_crs"))] = None,
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
    out: Annotated[Path, typer.Option("--out", metavar="PLAN", help=text("cli.import_out"))] = Path("plan.gpkg"),
    skip_faulty: Annotated[bool, typer.Option("--skip-faulty", help=text("cli.import_skip_faulty"))] = False,
    as_json: AsJson = False,
) -> None:
    """Make a plan of files from outside."""
    from gridgeo.estimate import fill_households  # noqa: PLC0415
    from gridgeo.readers import prepare_import, write_profile  # noqa: PLC0415
    from gridgeo.store import write_plan, write_table  # noqa: PLC0415

    edges, ways = _ground(boundary, streets, place)
    report = prepare_import(
        boundary=edges,
        streets=ways,
        households=households,
        stations=stations,
        barriers=barriers,
        gates=gates,
        units=units,
        buildings=buildings,
        crs=crs,
        profile=_profile(profile, column or []),
        name=place,
        skip_faulty=skip_faulty,
    )
    if save_profile is not None:
        write_profile(report.findings.mappings, save_profile)
    if report.plan is None:
        faults = report.findings.faults
        raise ImportFaults("import_faults", faults=faults, count=len(faults))
    plan = report.plan
    if population is not None or plan.units["population"].notna().any():
        plan = fill_households(plan, population=population)
    notes = [str(note) for note in plan.info.notes[len(report.plan.info.notes) :]]
    write_plan(plan, out)
    files, rejected = [out], report.rejected()
    if len(rejected):
        files.append(out.with_suffix(".rejected.csv"))
        write_table(rejected, files[1])
    if as_json:
        counts = {name: len(layer) for name, layer in plan.layers().items()}
        written = {"file": str(out), "files": [str(file) for file in files]}
        output.print_json({**written, "layers": counts, "notes": notes, **report.as_dict()})
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
    faults = _check_plan(file, layer)
    if faults is None:
        faults = _check_file(file, layer)
    if as_json:
        output.print_json({"file": str(file), "faults": [fault.as_dict() for fault in faults]})
    elif faults:
        output.print_lines(text("cli.check_found", file=file.name, count=len(faults)), *list_faults(faults))
    else:
        output.print_lines(text("cli.check_ok", file=file.name))
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

    if form not in FORMATS:
        raise typer.BadParameter(f"--format {form} ({' | '.join(FORMATS)})")
    if encoding not in ENCODINGS:
        raise typer.BadParameter(f"--encoding {encoding} ({' | '.join(ENCODINGS)})")
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

    if layer is not None and layer not in {*LAYERS, "boundary"}:
        raise typer.BadParameter(f"--layer {layer} (boundary | {' | '.join(LAYERS)})")
    if file.suffix.lower() != ".gpkg" and layer is not None:
        return None
    try:
        plan = read_plan(file)
    except (PlanError, FileError) as error:
        if layer is not None and error.key == "not_a_plan":
            return None
        raise
    return [fault for fault in check_plan(plan) if layer in (None, fault.layer)]


def _check_file(file: Path, layer: str | None) -> list[Fault]:
    from gridgeo.readers import check_file  # noqa: PLC0415

    report = check_file(file, layer=str(layer))
    return [*report.findings.faults, *report.remarks]


def _print_report(report: Any) -> None:  # noqa: ANN401 (imported late)
    """Print what was understood, repaired and noticed."""
    rows = [
        [layer, column, source]
        for layer, mapping in report.findings.mappings.items()
        for column, source in mapping.columns.items()
        if source is not None
    ]
    if rows:
        titles = [text("cli.import_layer"), text("cli.import_column"), text("cli.import_from")]
        output.print_table(text("cli.import_mapped"), titles, [[str(cell) for cell in row] for row in rows])
    repairs = report.findings.repairs
    for title, count, lines in (
        ("import_repaired", len(repairs), list_alike(((each.layer, each.why), each.message) for each in repairs)),
        ("import_remarks", len(report.remarks), list_faults(report.remarks)),
    ):
        if lines:
            output.print_lines(f"{text(f'cli.{title}')} ({count}):", *lines)
