"""Parts of a page that run again by themselves: in the reader's language, and with a sentence where something fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import streamlit as st

from app.parts.language import speaking
from app.parts.widgets import plain
from app.state.workspace import open_workspace
from gridgeo.errors import GridgeoError
from gridgeo.texts import text

P = ParamSpec("P")
_TOLD = "live_told"
_SAID = "live_said"
"""What stands above the map already: it need not be said twice."""


def live(draw: Callable[P, None]) -> Callable[P, None]:
    """Make a part of a page that runs again alone, so that a click on a map does not draw the whole page anew.

    Parameters
    ----------
    draw : callable
        Draws the part; its first value is the plan's file.

    Returns
    -------
    callable
        The same as a Streamlit fragment.
    """

    @st.fragment
    @wraps(draw)
    def drawn(*values: P.args, **named: P.kwargs) -> None:
        with speaking():
            try:
                draw(*values, **named)
            except GridgeoError as error:
                if st.session_state.get(_SAID) != str(error):
                    st.error(plain(str(error)))
                offer_rescue(Path(str(values[0])))
            except Exception:
                # The last line before the browser: the reader gets a sentence, the server's log the traceback.
                logging.getLogger("gridgeo.app").exception("a part of a page failed")
                st.error(text("app.failed"))

    return drawn


def perform(work: Callable[..., object], *values: object, **named: object) -> None:
    """Do what a button asks for; what it says or why it cannot be done stands above the map next.

    Parameters
    ----------
    work : callable
        What to do; a text it returns is said.
    *values, **named : object
        What it is given.
    """
    with speaking():
        try:
            said = work(*values, **named)
        except GridgeoError as error:
            st.session_state[_TOLD] = (False, str(error))
        else:
            st.session_state[_TOLD] = (True, said) if isinstance(said, str) else None


def show_told() -> None:
    """Say what was done last or could not be done; after the map was heard, before it is shown."""
    told = st.session_state.pop(_TOLD, None)
    st.session_state[_SAID] = told[1] if told else None
    # There is always a place for it: what lies below would move otherwise, and a map that moves begins anew.
    place = st.container()
    if told:
        good, said = told
        (place.success if good else place.error)(plain(said))


def offer_rescue(path: Path) -> None:
    """Offer to write a plan again whose file is gone or broken, while this process still holds it.

    Parameters
    ----------
    path : Path
        The plan file.
    """
    if open_workspace(path).holds_unsaved:
        st.button(text("redraw_page.rescue"), key="rescue", on_click=perform, args=(_rescue, path))


def _rescue(path: Path) -> str:
    return text("redraw_page.rescued", file=open_workspace(path).rescue().name)
