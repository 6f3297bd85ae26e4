"""What-if, for planners: drag, add and close stations, gates and streets; compare scenarios side by side."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.parts.language import language_switch, reader_language
from app.parts.live import live, show_told
from app.parts.takeaways import offer_draft
from app.parts.whatif import MAP, hear_map, open_draft
from app.parts.whatif_panel import choose_scenario, show_comparison, show_draft_map, show_panel
from app.state import cache
from app.state.address import remember
from app.state.sign_in import require_planner
from gridgeo.texts import text

MAP_HEIGHT = 600
VIEWS = ("draft", "compare")


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
        state = cache.living(path).current()
    state.plan.require("streets", "households", "stations")
    _work(path)


@live
def _work(path: Path) -> None:
    state = cache.living(path).current()
    view, switch = st.columns([16, 3], vertical_alignment="bottom")
    with switch:
        language_switch()
    remember("whatif_view", lambda said: said if said in VIEWS else None, VIEWS[0])
    shown = view.segmented_control(
        text("whatif_page.view"),
        VIEWS,
        key="whatif_view",
        required=True,
        format_func=lambda name: text(f"whatif_page.view.{name}"),
        label_visibility="collapsed",
    )
    if shown == "compare":
        show_comparison(path, state, MAP_HEIGHT - 120)
        return
    key = choose_scenario(path)
    if key is None:
        show_told()
        st.info(text("whatif_page.how"))
        return
    draft = open_draft(cache.living(path), key)
    hear_map(draft)
    show_told()
    left, right = st.columns([14, 5])
    with left:
        show_draft_map(draft, MAP, MAP_HEIGHT)
    with right:
        show_panel(draft)
    offer_draft(path, draft, reader_language())
