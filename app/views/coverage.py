"""Coverage, for planners: any cutoff, person, service and time; the walk against the radius on paper; overlap; why."""

from __future__ import annotations

from functools import partial
from typing import get_args

import streamlit as st

from app.parts import downloads, measures, widgets
from app.parts.component import show_map
from app.parts.language import language_switch
from app.parts.questions import ask
from app.state import cache, sign_in
from app.state.address import remember
from gridgeo.coverage.wording import word_basis
from gridgeo.maps.results import Show
from gridgeo.texts import text

MAP_HEIGHT = 600
WAYS = get_args(Show)[1:]


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
    questions, switch = st.columns([16, 3], vertical_alignment="bottom")
    with switch:
        language_switch()
    with questions:
        asked = ask(cache.living(path).current().plan)
    public = not sign_in.reader().may_edit
    with st.spinner(text("app.working")):
        found = cache.answer(path, asked)
    left, right = st.columns([14, 5])
    with right:
        remember("show", lambda said: said if said in WAYS else None, WAYS[0])
        way = st.segmented_control(text("app.show"), WAYS, key="show", required=True, format_func=_way_name)
        measures.show_measures(found)
    with left:
        row = measures.picked_household(found, "coverage")
        data = measures.with_walk(cache.answer_map(path, asked, way or WAYS[0], public=public), found, row)
        show_map(data, key="coverage", lang=lang, height=MAP_HEIGHT)
    with right:
        measures.explain_household(found, row)
    measures.show_measures_table(found, lang)
    st.caption(widgets.plain(word_basis([found.coverage])))
    downloads.offer_answer(
        "coverage",
        found.plan,
        [found.coverage],
        gaps=found.gaps,
        service_areas=found.service_areas,
        map_file=partial(cache.answer_file, path, asked, way or WAYS[0], lang, public=public),
    )


def _way_name(way: str) -> str:
    return text(f"app.show.{way}")
