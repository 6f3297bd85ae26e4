"""Reports of programmes for the page: computed once for all readers and kept."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from app.state.cache import KEPT, living
from app.state.public import PERSONAL_LAYERS, public_map
from app.state.workspace import State
from gridgeo.maps import write_map
from gridgeo.maps.document import PlanMap
from gridgeo.maps.programme import programme_map
from gridgeo.plan import Plan
from gridgeo.programmes import PROGRAMMES, Programme, ProgrammeReport, judge_programme, parse_programme, read_programme
from gridgeo.programmes.verdicts import Verdict


def known_programmes(plan: Plan) -> dict[str, Programme]:
    """Return the programmes that a reader may choose from.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    dict
        Name → programme: the one that the plan keeps comes first, then those that come with gridgeo.
    """
    kept = [parse_programme(plan.info.programme, file="programme.toml")] if plan.info.programme else []
    shipped = [read_programme(name) for name in PROGRAMMES]
    known = {each.name: each for each in kept}
    return known | {each.name: each for each in shipped if each.name not in known}


def report(path: Path, programme: Programme, *, personal: bool) -> ProgrammeReport:
    """Judge a plan file by a programme.

    Parameters
    ----------
    path : Path
        The plan file.
    programme : Programme
        The programme.
    personal : bool
        Whether the places may tell where single people and their needs are.

    Returns
    -------
    ProgrammeReport
        Shared by all readers, so never changed.
    """
    state = living(path).current()
    return _report(str(path), state.number, programme.source, personal, state)


def report_map(path: Path, programme: Programme, rule: str, *, personal: bool) -> dict[str, Any]:
    """Compile the map of the places that fail a rule.

    Parameters
    ----------
    path, programme, personal
        As for `report`.
    rule : str
        The rule.

    Returns
    -------
    dict
        What `gridgeo.maps.document.PlanMap.component_data` returns; shared, so never changed.
    """
    state = living(path).current()
    return _report_map(str(path), state.number, programme.source, rule, personal, state)


def report_map_file(found: ProgrammeReport, lang: str, *, personal: bool) -> bytes:
    """Write the map of a report as one offline HTML file.

    Parameters
    ----------
    found : ProgrammeReport
        The report.
    lang : {'zh', 'en'}
        The language it opens in.
    personal : bool
        As for `report`.

    Returns
    -------
    bytes
        The file's content.
    """
    with tempfile.TemporaryDirectory() as folder:
        return write_map(_page(found, None, personal, lang), Path(folder) / "map.html").read_bytes()


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _report(path: str, number: int, source: str, personal: bool, _state: State) -> ProgrammeReport:  # noqa: ARG001, FBT001
    found = judge_programme(_state.plan, parse_programme(source, file="programme.toml"))
    return found if personal else replace(found, verdicts=tuple(_without_people(each) for each in found.verdicts))


@st.cache_resource(max_entries=KEPT, show_spinner=False)
def _report_map(path: str, number: int, source: str, rule: str, personal: bool, _state: State) -> dict[str, Any]:  # noqa: FBT001
    return _page(_report(path, number, source, personal, _state), [rule], personal, None).component_data()


def _page(found: ProgrammeReport, rules: list[str] | None, personal: bool, lang: str | None) -> PlanMap:  # noqa: FBT001
    page = programme_map(found, rules=rules, lang=lang)
    return page if personal else public_map(page)


def _without_people(verdict: Verdict) -> Verdict:
    """Keep the number and the verdict, but neither where single people are nor how few of them."""
    if verdict.answer is None:
        return verdict
    places = verdict.answer.places
    kept = places[~places["layer"].isin((*PERSONAL_LAYERS, "gaps"))].assign(households=float("nan"), value=float("nan"))
    return replace(verdict, answer=replace(verdict.answer, places=kept, units=verdict.answer.units.iloc[:0]))
