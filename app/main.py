"""The app's entry: pages, language, and one plain sentence where something is wrong."""

from __future__ import annotations

import logging
import os
from functools import partial

import streamlit as st

from app.language import speaking
from app.server import PLAN_VARIABLE
from app.views import coverage, overview
from app.widgets import STYLE, plain
from gridgeo.errors import GridgeoError
from gridgeo.texts import text


def main() -> None:
    """Draw the page the reader is on."""
    with speaking() as lang:
        st.set_page_config(page_title=text("app.name"), page_icon="🗺️", layout="wide")
        st.html(STYLE)
        given = os.environ.get(PLAN_VARIABLE) or None
        pages = [
            st.Page(partial(view.show, given, lang), title=text(f"app.page.{name}"), url_path=name, default=first)
            for name, view, first in (("overview", overview, True), ("coverage", coverage, False))
        ]
        page = st.navigation(pages, position="top")
        try:
            page.run()
        except GridgeoError as error:
            st.error(plain(str(error)))
        except Exception:
            # The last line before the browser: the reader gets a sentence, the server's log the traceback.
            logging.getLogger("gridgeo.app").exception("a page failed")
            st.error(text("app.failed"))


main()
