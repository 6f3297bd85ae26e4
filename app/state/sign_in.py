"""Who is at the page: a planner on this computer, unless the office has a sign-in (see `app.state.access`)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from app.state.access import Role, Rules, read_rules, role_of
from app.state.environment import SIGN_IN_VARIABLE
from gridgeo.errors import GridgeoError
from gridgeo.texts import text


class PermissionDenied(GridgeoError, PermissionError):  # noqa: N818 - it is what happened
    """The reader may not do this."""


@dataclass(frozen=True)
class Reader:
    """Who is at the page.

    Parameters
    ----------
    name : str
        What the log of edits calls them.
    role : {'viewer', 'planner'}
        What they may do.
    """

    name: str
    role: Role

    @property
    def may_edit(self) -> bool:
        """Whether they may change the plan and see single households."""
        return self.role == "planner"


def reader() -> Reader:
    """Return who is at the page.

    Returns
    -------
    Reader
        Without a sign-in the user of this computer, a planner. Where there is one, nobody unknown is more than a
        viewer.
    """
    given = os.environ.get(SIGN_IN_VARIABLE)
    if not given:
        return Reader(_local_name(), "planner")
    claims = st.user.to_dict()
    if not claims.get("is_logged_in"):
        return Reader("", "viewer")
    name = next((str(claims[each]) for each in ("name", "preferred_username", "email", "sub") if claims.get(each)), "")
    return Reader(name, role_of(claims, _rules(Path(given))))


def require_planner() -> None:
    """Refuse what only planners may do.

    Raises
    ------
    PermissionDenied
        If the reader is none; one sentence, and nothing was changed.
    """
    if not reader().may_edit:
        raise PermissionDenied("no_permission")


def must_sign_in() -> bool:
    """Tell whether the reader has to sign in first.

    Returns
    -------
    bool
        True where the office has a sign-in and this reader has not.
    """
    return bool(os.environ.get(SIGN_IN_VARIABLE)) and not st.user.to_dict().get("is_logged_in")


def show_sign_in() -> None:
    """Show the way to the office's sign-in."""
    st.subheader(text("app.name"), anchor=False)
    st.write(text("app.sign_in.why"))
    st.button(text("app.sign_in"), type="primary", on_click=st.login, key="sign_in")


def show_reader() -> None:
    """Say who is signed in, and let them leave."""
    if not os.environ.get(SIGN_IN_VARIABLE):
        return
    who = reader()
    st.text(text("app.sign_in.as", name=who.name, role=text(f"app.role.{who.role}")))
    st.button(text("app.sign_out"), on_click=st.logout, key="sign_out")


@cache
def _rules(path: Path) -> Rules:
    # Once for the life of the server: a file that changes or vanishes meanwhile makes nobody a planner.
    return read_rules(path)


def _local_name() -> str:
    return os.environ.get("USER") or os.environ.get("USERNAME") or ""
