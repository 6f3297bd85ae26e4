"""A file looked at before it is imported: what it holds, what its columns are taken for, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import shapely

from gridgeo.plan import Plan
from gridgeo.readers.columns import LISTS, ColumnMap, guess_layer, map_columns, personal_names
from gridgeo.readers.ground import Ground
from gridgeo.readers.intake import Intake, Source, read_rows
from gridgeo.readers.lists import plan_ground, read_list
from gridgeo.readers.names import HIDDEN
from gridgeo.readers.raw import RawLayer
from gridgeo.readers.report import Findings, ImportReport
from gridgeo.readers.street_checks import check_streets

SAMPLE_ROWS = 20
_KINDS = ("point", "line", "polygon")


@dataclass(frozen=True)
class Preview:
    """What a file holds, and how it would be understood.

    Parameters
    ----------
    file, kind : str
        Its name, and what its content is (``xlsx``, ``shp``, …).
    choices : tuple of str
        Its layers or visible sheets, where it can hold several; any may be given as ``sheet``.
    layer : str
        The layer of a plan it is taken for.
    rows : int
        How many rows it holds, without title, header and totals.
    columns : tuple of str
        Its columns, in order.
    sample : DataFrame
        Its first rows; cells of columns about persons are hidden. `gridgeo.readers.raw.ROW` is the row of the file.
    geometry : str, optional
        ``point``, ``line``, ``polygon``; None for a plain table.
    crs : str, optional
        The coordinate system the file states; None when it states none.
    mapping : ColumnMap
        Which of its columns is used for what.
    report : ImportReport
        Without a plan: ``report.findings`` holds faults, repairs and, beside a plan, the datum's detection.
    """

    file: str
    kind: str
    choices: tuple[str, ...]
    layer: str
    rows: int
    columns: tuple[str, ...]
    sample: pd.DataFrame
    geometry: str | None
    crs: str | None
    mapping: ColumnMap
    report: ImportReport


def preview_file(
    source: Source,
    *,
    layer: str | None = None,
    sheet: str | None = None,
    chosen: Mapping[str, str] | None = None,
    crs: object = None,
    beside: Plan | None = None,
    rows: int = SAMPLE_ROWS,
) -> Preview:
    """Look at a file before it is imported.

    Parameters
    ----------
    source : path, GeoDataFrame or DataFrame
        The file, also as ``file.xlsx|sheet``.
    layer : {'boundary', 'units', 'streets', 'households', 'stations', …}, optional
        What it is to be; guessed from its columns and geometries when left out.
    sheet : str, optional
        Which sheet or layer of the file; the first when left out.
    chosen : mapping of str to str, optional
        Column of the layer → column of the file, as a person set it; the rest is recognised. A column set to ``""`` is
        left out.
    crs : object, optional
        As for `gridgeo.readers.import_plan`.
    beside : Plan, optional
        A plan of the same place: its streets and buildings tell the datum of points.
    rows : int
        How many rows the sample holds.

    Returns
    -------
    Preview
        What it holds, what its columns are taken for, and what is wrong with it.

    Raises
    ------
    FileError
        If it cannot be read.
    InputError
        If there is no such layer, or `chosen` names a column that the layer or the file does not have.
    """
    raw = read_rows(source, layer or "table", sheet=sheet, first=True)
    names = raw.columns
    kind = _geometry_kind(raw)
    layer = layer or guess_layer(names, kind)
    schema = "units" if layer == "boundary" else layer
    mapping = map_columns(schema, names, chosen=chosen, empty=raw.empty_columns)
    sample = raw.table.head(rows)
    personal = personal_names(schema, names)
    return Preview(
        file=raw.file,
        kind=raw.kind,
        choices=raw.choices,
        layer=layer,
        rows=len(raw.table),
        columns=tuple(names),
        sample=sample.assign(**dict.fromkeys(personal, HIDDEN)),
        geometry=kind,
        crs=None if raw.crs is None else raw.crs.name,
        mapping=mapping,
        report=_check(raw, layer, chosen=chosen, crs=crs, beside=beside),
    )


def check_file(source: Source, *, layer: str, crs: object = None, beside: Plan | None = None) -> ImportReport:
    """Check one file by itself.

    Parameters
    ----------
    source : path, GeoDataFrame or DataFrame
        The file, also as ``file.xlsx|sheet``.
    layer : {'households', 'stations', 'streets', 'boundary', 'units', …}
        What it is to be.
    crs : object, optional
        As for `gridgeo.readers.import_plan`.
    beside : Plan, optional
        A plan of the same place: its streets and buildings tell the datum of points.

    Returns
    -------
    ImportReport
        Without a plan; ``findings.faults`` is empty when the file is sound.
    """
    return _check(source, layer, chosen=None, crs=crs, beside=beside)


def preview_columns(source: Source, *, layer: str, sheet: str | None = None) -> ColumnMap:
    """Show which of a file's columns would be used for what, for a person to correct.

    Parameters
    ----------
    source : path, GeoDataFrame or DataFrame
        The file.
    layer : str
        The layer it is for.
    sheet : str, optional
        Which sheet or layer of the file.

    Returns
    -------
    ColumnMap
        See `gridgeo.readers.columns.map_columns`.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    raw = read_rows(source, layer, sheet=sheet)
    return map_columns(layer, raw.columns, empty=raw.empty_columns)


def _check(
    source: Source, layer: str, *, chosen: Mapping[str, str] | None, crs: object, beside: Plan | None
) -> ImportReport:
    found = Findings()
    task = Intake(found, crs, {layer: chosen} if chosen else {}, skip_faulty=False)
    if layer == "boundary":
        task.read_boundary(source)
        return ImportReport(None, found)
    if layer in LISTS:
        read_list(task, layer, source, beside)
        return ImportReport(None, found)
    frame = task.read_layer(layer, source, Ground() if beside is None else plan_ground(beside))
    remarks = tuple(check_streets(frame)) if layer == "streets" and frame is not None and not found.faults else ()
    return ImportReport(None, found, remarks)


def _geometry_kind(raw: RawLayer) -> str | None:
    """Tell what most of a layer's geometries are."""
    if raw.geometry is None:
        return None
    dimension = shapely.get_dimensions(raw.geometry.to_numpy())
    known = dimension[dimension >= 0]
    return _KINDS[round(float(known.mean()))] if len(known) else None
