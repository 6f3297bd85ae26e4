"""Programme: its rules with numbers and verdicts, the places that fail one, and what is missing to judge it."""

from __future__ import annotations

import streamlit as st

from app.parts.component import show_map, take_events
from app.parts.downloads import offer_downloads
from app.parts.language import language_switch
from app.parts.programme_panel import choose_programme, choose_rule, show_counts, show_rule
from app.parts.widgets import plain
from app.state import cache, programmes, sign_in
from gridgeo.programme_report import leader_table, unit_table
from gridgeo.programmes import ProgrammeReport
from gridgeo.texts import text

MAP_HEIGHT = 560


def show(given: str | None, lang: str) -> None:
    """Draw the page.

    Parameters
    ----------
    given : str or None
        The plan file.
    lang : {'zh', 'en'}
        The reader's language.
    """
    path = cache.plan_path(given)
    choice, switch = st.columns([16, 3], vertical_alignment="bottom")
    with switch:
        language_switch()
    with choice:
        programme = choose_programme(cache.living(path).current().plan)
    if programme is None:
        st.info(text("programmes.page.how"))
        return
    personal = sign_in.reader().may_edit
    with st.spinner(text("app.working")):
        found = programmes.report(path, programme, personal=personal)
    left, right = st.columns([11, 10])
    with left:
        show_counts(found)
        verdict = choose_rule(found)
    with right:
        take_events("programme")
        data = programmes.report_map(path, programme, verdict.rule.rule, personal=personal)
        show_map(data, key="programme", lang=lang, height=MAP_HEIGHT)
        show_rule(found, verdict, personal=personal)
    _offer(found, lang, personal=personal)
    with st.expander(text("app.notes"), expanded=False):
        for note in (found.programme.about, *found.plan.info.notes):
            st.text(str(note))
    st.caption(plain(found.plan.info.attribution))


def _offer(found: ProgrammeReport, lang: str, *, personal: bool) -> None:
    tables = {text("programmes.sheet.rules"): lambda: leader_table(found, public=not personal)}
    if personal:
        tables[text("programmes.sheet.units")] = lambda: unit_table(found)
    offer_downloads(
        "programme",
        f"{found.plan.info.name.zh}-{found.programme.name}",
        tables=tables,
        layers={"places": found.places},
        map_file=lambda: programmes.report_map_file(found, lang, personal=personal),
    )
