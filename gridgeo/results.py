"""What a run leaves behind: the files of the contract, each whole or not there at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from gridgeo.assessment import Assessment
from gridgeo.coverage import Coverage
from gridgeo.coverage.summary import unit_names
from gridgeo.errors import FileError
from gridgeo.maps import coverage_map, write_map
from gridgeo.plan import Plan


def summary_table(plan: Plan, coverages: tuple[Coverage, ...]) -> pd.DataFrame:
    """Put the coverage of the whole plan and of every unit of every level into one table.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : tuple of Coverage
        One for each cutoff.

    Returns
    -------
    DataFrame
        One row for each level, unit and cutoff: ``level``, ``unit_id``, ``code``, ``name``, ``cutoff_m`` (and
        ``cutoff_min``, where walks are measured in time), then the columns of `gridgeo.coverage.Coverage.summary`, then
        ``estimated``. The level ``all`` is the whole plan. Households that lie in no unit of a level form a row without
        a ``unit_id``.
    """
    estimated = bool(plan.households["estimated"].any())
    tables = []
    for coverage in coverages:
        for level in (None, *(level.level for level in plan.info.levels)):
            table = _with_every_unit(coverage.summary(by=level), plan, level)
            known = unit_names(plan, level).reindex(table.index)
            head = {
                "level": level or "all",
                "unit_id": table.index.to_numpy() if level else None,
                "code": known["code"].to_numpy(),
                "name": known["name"].to_numpy() if level else str(plan.info.name),
                "cutoff_m": coverage.cutoff_m,
                **({} if coverage.cutoff_min is None else {"cutoff_min": coverage.cutoff_min}),
            }
            figures = table.reset_index(drop=True)
            tables.append(pd.concat([pd.DataFrame(head, index=figures.index), figures], axis=1))
    whole = pd.concat(tables, ignore_index=True)
    return whole.assign(estimated=estimated)


def _with_every_unit(table: pd.DataFrame, plan: Plan, level: str | None) -> pd.DataFrame:
    """Add the units in which nobody lives: a leader counts the rows."""
    if level is None:
        return table
    ids = unit_names(plan, level).index
    empty = pd.DataFrame(index=ids[~ids.isin(table.index)])
    for name in table:
        # Nobody lives there: no rate can be given, and what is unknown elsewhere is unknown here too.
        unknown = str(name).endswith("_rate") or bool(table[name].isna().all())
        empty[name] = pd.Series(float("nan") if unknown else 0, index=empty.index, dtype=table[name].dtype)
    return pd.concat([table, empty]) if len(empty) else table


def write_results(assessment: Assessment, folder: str | Path) -> list[Path]:
    """Write what ``gridgeo coverage`` promises.

    Parameters
    ----------
    assessment : Assessment
        What was found.
    folder : str or Path
        Where to; made when missing.

    Returns
    -------
    list of Path
        ``households.parquet``, ``gaps.gpkg``, ``summary.csv`` and ``map.html``. The tables hold the first cutoff's
        households and all cutoffs' figures. The CSV begins with a byte-order mark, so that Excel reads its Chinese.

    Raises
    ------
    FileError
        If one cannot be written; no file is left half written.
    """
    folder = make_folder(folder)
    page = coverage_map(
        assessment.plan, assessment.coverages, gaps=assessment.gaps, service_areas=assessment.service_areas
    )
    households = assessment.coverages[0].households
    gaps = assessment.gaps.assign(estimated=bool(assessment.plan.households["estimated"].any()))
    summary = summary_table(assessment.plan, assessment.coverages)
    return [
        write_whole(folder / "households.parquet", households.to_parquet),
        write_whole(folder / "gaps.gpkg", lambda path: _write_gaps(gaps, path)),
        write_whole(folder / "summary.csv", lambda path: summary.to_csv(path, index=False, encoding="utf-8-sig")),
        write_whole(folder / "map.html", lambda path: write_map(page, path)),
    ]


def make_folder(folder: str | Path) -> Path:
    """Make a folder for results.

    Parameters
    ----------
    folder : str or Path
        The folder; those above it are made too.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileError
        If it cannot be made.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError("unwritable_file", file=str(folder), detail=error.strerror) from error
    return folder


def _write_gaps(gaps: gpd.GeoDataFrame, path: Path) -> None:
    gaps.to_file(path, layer="gaps", driver="GPKG", engine="pyogrio", VERSION="1.3")


def write_whole(path: Path, write: Callable[[Path], Any]) -> Path:
    """Write a file under another name and rename it when it is whole.

    Parameters
    ----------
    path : Path
        Where to.
    write : callable
        Writes to the path it is given.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileError
        If it cannot be written; what was there is as it was.
    """
    draft = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        write(draft)
        draft.replace(path)
    except OSError as error:
        raise FileError("unwritable_file", file=path.name, detail=error.strerror or str(error)) from error
    finally:
        draft.unlink(missing_ok=True)
    return path
