"""What a programme's report leaves behind: tables for a leader, places for a map, cards for households."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from gridgeo.maps import write_map
from gridgeo.maps.programme import programme_map
from gridgeo.programmes import ProgrammeReport
from gridgeo.programmes.cards import make_cards
from gridgeo.programmes.verdicts import PAIR_COLUMNS
from gridgeo.results import make_folder, write_whole
from gridgeo.store.spreadsheet import write_csv, write_workbook
from gridgeo.texts import current_language, text

_SHEETS = {
    "rules": ("number", "name", "state", "value", "wanted", "places", "households", "sentence", "basis", "assumed"),
    "public": ("number", "name", "state", "value", "wanted", "basis", "assumed"),
    "units": ("rule", "level", "name", "all", "met", "share"),
    "pairs": ("rule", *PAIR_COLUMNS),
}


def leader_table(report: ProgrammeReport, *, public: bool = False) -> pd.DataFrame:
    """Return the table of all rules as a leader reads it, in the current language.

    Parameters
    ----------
    report : ProgrammeReport
        The report.
    public : bool, optional
        Without the columns that count people: a small count could give somebody away.

    Returns
    -------
    DataFrame
        One row a rule, with headings in words.
    """
    table = report.table().assign(state=[str(verdict.word) for verdict in report.verdicts])
    return _worded(table, "public" if public else "rules")


def unit_table(report: ProgrammeReport) -> pd.DataFrame:
    """Return the figures behind the rules unit by unit as a leader reads them, in the current language.

    Parameters
    ----------
    report : ProgrammeReport
        The report.

    Returns
    -------
    DataFrame
        One row a rule and unit, with headings in words.
    """
    names = {verdict.rule.rule: str(verdict.rule.name) for verdict in report.verdicts}
    levels = {each.station: str(each.name) for each in report.programme.stations}
    levels |= {each.level: str(each.name) for each in report.plan.info.levels}
    levels |= {each.level: str(each.name) for each in report.programme.levels}
    units = report.units()
    units = units.assign(rule=units["rule"].map(names), level=units["level"].map(lambda key: levels.get(key, key)))
    return _worded(units, "units")


def pair_table(report: ProgrammeReport) -> pd.DataFrame:
    """Return who takes whom, need by need and household by household, in the current language.

    Parameters
    ----------
    report : ProgrammeReport
        The report.

    Returns
    -------
    DataFrame
        One row for each need and who meets it, each household point and who takes it in care; people by their ids.
        Empty where no rule asks for it.
    """
    found = [
        verdict.answer.pairs.assign(rule=str(verdict.rule.name))
        for verdict in report.verdicts
        if verdict.answer is not None and len(verdict.answer.pairs)
    ]
    whole = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(_SHEETS["pairs"]))
    return _worded(whole, "pairs")


def _worded(table: pd.DataFrame, sheet: str) -> pd.DataFrame:
    columns = list(_SHEETS[sheet])
    return table[columns].rename(columns={name: text(f"programmes.heading.{name}") for name in columns})


def report_answer(report: ProgrammeReport, files: list[Path]) -> dict[str, Any]:
    """Put a report into one object.

    Parameters
    ----------
    report : ProgrammeReport
        The report.
    files : list of Path
        What was written.

    Returns
    -------
    dict
        ``programme``, ``title``, ``counts`` by state, ``rules`` (with the number itself, what it must be, how many
        places fail, and a sentence), ``estimated``, ``seconds``, ``files``.
    """
    rules = report.table().to_dict("records")
    for row, verdict in zip(rules, report.verdicts, strict=True):
        answer = verdict.answer
        row["kind"] = verdict.rule.kind
        row["number_found"] = None if answer is None else answer.value
        row["unit"] = None if answer is None else answer.unit
        row["missing"] = None if verdict.missing is None else str(verdict.missing)
    return {
        "programme": report.programme.name,
        "title": {"zh": report.programme.title.zh, "en": report.programme.title.en},
        "place": {"zh": report.plan.info.name.zh, "en": report.plan.info.name.en},
        "counts": report.counts,
        "rules": rules,
        "estimated": bool(report.plan.households["estimated"].any()),
        "notes": [str(note) for note in report.plan.info.notes],
        "attribution": report.plan.info.attribution,
        "seconds": report.seconds,
        "files": [str(path) for path in files],
    }


def write_report(report: ProgrammeReport, folder: str | Path) -> list[Path]:
    """Write a report's tables, places, map and cards, in the current language.

    Parameters
    ----------
    report : ProgrammeReport
        The report.
    folder : str or Path
        Where to; made when missing.

    Returns
    -------
    list of Path
        ``rules.csv``, ``units.csv``, ``rules.xlsx`` (both), ``places.gpkg`` (what fails, in layers ``points``,
        ``lines`` and ``polygons``), ``map.html``; ``cards.csv`` where a rule asks for a contact, and ``pairs.csv``
        where one asks who takes whom.

    Raises
    ------
    FileError
        If one cannot be written; no file is left half written.
    """
    folder = make_folder(folder)
    rules, units, places = leader_table(report), unit_table(report), report.places()
    page = programme_map(report, lang=current_language())
    cards = make_cards(report.plan, report.programme)
    books = {text("programmes.sheet.rules"): rules, text("programmes.sheet.units"): units}
    files = [
        write_whole(folder / "rules.csv", lambda path: write_csv(rules, path, encoding="utf-8")),
        write_whole(folder / "units.csv", lambda path: write_csv(units, path, encoding="utf-8")),
        write_whole(folder / "rules.xlsx", lambda path: write_workbook(books, path)),
        write_whole(folder / "places.gpkg", lambda path: _write_places(places, path)),
        write_whole(folder / "map.html", lambda path: write_map(page, path)),
    ]
    pairs = pair_table(report)
    for name, table in (("cards.csv", cards), ("pairs.csv", pairs)):
        if len(table):
            files.append(write_whole(folder / name, partial(write_csv, table, encoding="utf-8")))
    return files


def _write_places(places: gpd.GeoDataFrame, path: Path) -> None:
    """Write places in a layer for each kind of geometry: QGIS splits a mixed one into several."""
    dimension = shapely.get_dimensions(places.geometry.to_numpy())
    for number, (layer, kind) in enumerate(_LAYERS.items()):
        mine = places[dimension == number]
        options = {"VERSION": "1.3"} if number == 0 else {}
        mine.to_file(
            path,
            layer=layer,
            driver="GPKG",
            engine="pyogrio",
            mode="w" if number == 0 else "a",
            geometry_type=kind,
            promote_to_multi=number > 0,
            **options,
        )


_LAYERS = {"points": "Point", "lines": "MultiLineString", "polygons": "MultiPolygon"}
