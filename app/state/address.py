"""What a reader has chosen, kept in the page's address: it survives a reload, a lost connection and a copied link."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

KEPT = "kept"

PAGES = ("overview", "coverage", "redraw", "whatif", "programme", "data", "settings")
"""The name of every page in its address."""


def remember(key: str, read: Callable[[str], object | None], default: object) -> None:
    """Give a widget what the address says before it is drawn, and keep what the reader chose in the address.

    What is not offered any more gives way to the default.

    Parameters
    ----------
    key : str
        The widget's key, and the address's parameter.
    read : callable
        Makes the widget's value of the parameter's text; None where it means nothing.
    default : object
        What stands for itself: it is not written into the address.
    """
    if key not in st.session_state:
        # A page that is left forgets its widgets; what they said is kept beside them.
        kept = st.session_state.get(f"{KEPT}_{key}")
        said = st.query_params.get(key) if kept is None else kept
        found = None if said is None else read(str(said))
        st.session_state[key] = default if found is None else found
    value = st.session_state[key]
    if value not in (None, default) and read(str(value)) is None:
        # Another plan or another question offers other things.
        value = st.session_state[key] = default
    st.session_state[f"{KEPT}_{key}"] = value
    put(key, None if value == default else str(value))


def forget(key: str) -> None:
    """Let a widget begin at its default again.

    Parameters
    ----------
    key : str
        As for `remember`.
    """
    st.session_state.pop(key, None)
    st.session_state.pop(f"{KEPT}_{key}", None)
    put(key, None)


def put(name: str, value: str | None) -> None:
    """Write one parameter of the address, where it differs.

    Parameters
    ----------
    name : str
        The parameter.
    value : str or None
        What it is to say; None takes it away.
    """
    if value is None:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def read_whole(said: str, least: int, most: int) -> int | None:
    """Read a whole number from a page's address.

    Parameters
    ----------
    said : str
        What stands there.
    least, most : int
        What it may be, inclusive; from zero.

    Returns
    -------
    int or None
        The number; None when it is none of these.
    """
    sound = said.isascii() and said.isdigit() and len(said) <= len(str(most))
    return int(said) if sound and least <= int(said) <= most else None
