"""The language of one reader: the browser's own, until they choose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.state.address import put
from app.state.environment import LANGUAGE_VARIABLE
from app.state.settings import read_settings
from gridgeo.texts import LANGUAGES, text, using_language

KEPT = "kept_language"
NAMES = {"zh": "中文", "en": "English"}


def reader_language() -> str:
    """Return the language the reader chose, else the one the app was started or set in, else the browser's.

    Returns
    -------
    {'zh', 'en'}
        The language.
    """
    said = st.session_state.get("language") or st.session_state.get(KEPT) or st.query_params.get("lang")
    return find_language(said, st.context.locale)


def find_language(said: str | None, browser: str | None) -> str:
    """Return the language that was asked for, else the one the app was started or set in, else the browser's.

    Parameters
    ----------
    said : str or None
        What the reader chose, or the page's address says.
    browser : str or None
        What the browser speaks, as it says so itself.

    Returns
    -------
    {'zh', 'en'}
        The language.
    """
    wishes = (said, os.environ.get(LANGUAGE_VARIABLE), read_settings().language, (browser or "")[:2].lower())
    return next((wish for wish in wishes if wish in LANGUAGES), "en")


@contextmanager
def speaking() -> Iterator[str]:
    """Give all texts in the reader's language for the length of a ``with`` block.

    Yields
    ------
    {'zh', 'en'}
        The language.
    """
    lang = reader_language()
    with using_language(lang):
        yield lang


def language_switch() -> None:
    """Draw the switch between the languages."""
    # Said anew each time: a browser that goes from page to page forgets what its widgets stood at.
    st.session_state["language"] = reader_language()
    st.segmented_control(
        text("app.language"),
        LANGUAGES,
        format_func=NAMES.__getitem__,
        key="language",
        required=True,
        label_visibility="collapsed",
        on_change=_keep,
    )


def keep_language() -> None:
    """Keep a reader's choice of language from page to page, and in the address: it travels with a copied link."""
    chosen = st.session_state.get(KEPT) or st.query_params.get("lang")
    if chosen in LANGUAGES:
        st.session_state[KEPT] = chosen
        put("lang", chosen)


def _keep() -> None:
    st.session_state[KEPT] = st.session_state["language"]
