"""Redraw, for planners: choose blocks, assign, split, merge, lock; live figures and the referee; undo; scenario."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.parts.component import editing, show_map
from app.parts.language import language_switch, reader_language
from app.parts.live import live, show_told
from app.parts.redraw_panel import Bench, painted, show_panel
from app.parts.redrawing import MAP, desk, hear_map
from app.parts.takeaways import offer_grids
from app.state import cache
from app.state.news import follow
from app.state.settings import read_settings
from app.state.sign_in import require_planner
from gridgeo.texts import text

MAP_HEIGHT = 640


def show(given: str | None, lang: str) -> None:  # noqa: ARG001 - every page's form
    """Draw the page.

    Parameters
    ----------
    given : str or None
        The plan file.
    lang : {'zh', 'en'}
        The reader's language.
    """
    require_planner()
    path = cache.plan_path(given)
    with st.spinner(text("app.working")):
        cache.living(path).current()
    _redraw(path)


@live
def _redraw(path: Path) -> None:
    hear_map(path)
    show_told()
    work = cache.living(path)
    news = follow(work)
    state, band = work.current(), read_settings().households_per_grid
    desk()["seen"] = state.head
    if len(state.plan.grids) == 0:
        st.info(text("redraw_page.no_blocks"))
        return
    bench = Bench(path, state, band)
    left, right = st.columns([14, 5])
    with left:
        can = editing(
            choose="blocks",
            tools=("choose", "lasso", "line"),
            chosen=desk()["chosen"],
            turn=desk()["turn"],
            paint=painted(bench),
        )
        data = cache.redraw_map(path, state, band)
        show_map(data, key=MAP, lang=reader_language(), height=MAP_HEIGHT, edit=can, news=news)
    with right:
        language_switch()
        show_panel(bench)
    offer_grids(state, band, reader_language())
    st.caption(text("redraw_page.copied" if work.is_copy else "redraw_page.saved", file=str(work.target)))
