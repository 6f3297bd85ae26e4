"""Overview, for leaders: four figures, one map, the worst gaps, the rates by community and grid."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from app.parts import downloads, questions, widgets
from app.parts.component import show_map, take_events
from app.parts.language import language_switch
from app.state import cache, sign_in
from gridgeo.assessment import Assessment
from gridgeo.texts import text

MAP_HEIGHT = 600


def show(given: str | None, lang: str) -> None:
    """Draw the page.

    Parameters
    ----------
    given : str or None
        The plan file the app was started with.
    lang : {'zh', 'en'}
        The reader's language.
    """
    path = cache.plan_path(given)
    title, choice, switch = st.columns([9, 8, 3], vertical_alignment="top")
    with switch:
        language_switch()
    with choice:
        cutoffs, minutes = questions.choose_cutoffs()
    public = not sign_in.reader().may_edit
    with st.spinner(text("app.working")):
        found = cache.assess(path, cutoffs, minutes)
        data = cache.map_data(path, cutoffs, minutes, public=public)
    title.subheader(widgets.plain(data["frame"]["place"][lang]), anchor=False)
    left, right = st.columns([14, 5])
    with right:
        widgets.show_headline(data["frame"]["figures"]["headline"], lang)
        fit = widgets.choose_gap(found, data["frame"]["figures"]["gaps"])
    with left:
        take_events("overview")
        show_map(data, key="overview", lang=lang, height=MAP_HEIGHT, fit=fit)
    widgets.show_tables(found, lang)
    widgets.show_printed(found, lang)
    downloads.offer_answer(
        "overview",
        found.plan,
        found.coverages,
        gaps=found.gaps,
        service_areas=found.service_areas,
        map_file=partial(cache.map_file, path, cutoffs, minutes, lang, public=public),
    )
    _show_notes(found, data["frame"]["figures"], lang)


def _show_notes(found: Assessment, figures: dict[str, Any], lang: str) -> None:
    with st.expander(text("app.notes"), expanded=False):
        for note in [figures["basis"][lang], *(str(note) for note in found.plan.info.notes)]:
            st.text(note)
