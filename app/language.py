"""The language of one reader: the browser's own, until they choose."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.server import LANGUAGE_VARIABLE
from gridgeo.texts import LANGUAGES, text, using_language

NAMES = {"zh": "中文", "en": "English"}


def reader_language() -> str:
    """Return the language the reader chose, else the one the app was started in, else the browser's.

    Returns
    -------
    {'zh', 'en'}
        The language.
    """
    wishes = (
        st.session_state.get("language"),
        st.query_params.get("lang"),
        os.environ.get(LANGUAGE_VARIABLE),
        (st.context.locale or "")[:2].lower(),
    )
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
    st.session_state.setdefault("language", reader_language())
    st.segmented_control(
        text("app.language"),
        LANGUAGES,
        format_func=NAMES.__getitem__,
        key="language",
        required=True,
        label_visibility="collapsed",
        on_change=_keep,
    )


def _keep() -> None:
    # In the address the choice survives a reload and travels with a copied link.
    if st.session_state["language"]:
        st.query_params["lang"] = st.session_state["language"]
