"""The app's entry: pages, language, who is there, and one plain sentence where something is wrong."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import streamlit as st

from app.parts.language import keep_language, speaking
from app.parts.theme import page_style
from app.parts.widgets import plain, show_missing, show_told
from app.state import plans, sign_in
from app.state.address import PAGES
from app.views import coverage, data, overview, programme, redraw, settings, start, whatif
from gridgeo.errors import GridgeoError, MissingDataError
from gridgeo.texts import text

VIEWS = dict(zip(PAGES, (overview, coverage, redraw, whatif, programme, data, settings), strict=True))
"""What draws each page."""

FOR_PLANNERS = ("redraw", "whatif", "programme", "data", "settings")
"""Pages that change something, or show single people: closed to viewers."""

WITHOUT_PLAN = ("data", "settings")
"""Pages that do not need a plan."""


def main() -> None:
    """Draw the page the reader is on."""
    with speaking() as lang:
        st.set_page_config(page_title=text("app.name"), page_icon="🗺️", layout="wide")
        st.html(page_style())
        if sign_in.must_sign_in():
            sign_in.show_sign_in()
            return
        pages = {name: _make_page(name, lang) for name in VIEWS}
        st.session_state["pages"] = pages
        page = st.navigation(list(pages.values()), position="top")
        keep_language()
        if "go" in st.session_state:
            st.switch_page(pages[st.session_state.pop("go")])
        show_told()
        try:
            page.run()
        except MissingDataError as error:
            show_missing(error, pages["data"])
        except GridgeoError as error:
            st.error(plain(str(error)))
        except Exception:
            # The last line before the browser: the reader gets a sentence, the server's log the traceback.
            logging.getLogger("gridgeo.app").exception("a page failed")
            st.error(text("app.failed"))


def _make_page(name: str, lang: str) -> Any:  # noqa: ANN401 - Streamlit's own kind
    # A viewer's page is hidden rather than missing: whoever follows a link to it reads why it stays shut.
    hidden = name in FOR_PLANNERS and not sign_in.reader().may_edit
    return st.Page(
        partial(_draw, name, lang),
        title=text(f"app.page.{name}"),
        url_path=name,
        default=name == PAGES[0],
        visibility="hidden" if hidden else "visible",
    )


def _draw(name: str, lang: str) -> None:
    if name in FOR_PLANNERS:
        sign_in.require_planner()
    plan = plans.chosen_plan()
    if plan is None and name not in WITHOUT_PLAN:
        start.show()
    else:
        VIEWS[name].show(str(plan) if plan else None, lang)


main()
