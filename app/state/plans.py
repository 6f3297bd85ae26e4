"""Which plan a reader has open: named in the page's address by a key, never by a path; known again after a restart."""

from __future__ import annotations

import hashlib
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from app.state.address import put
from app.state.environment import PLAN_VARIABLE
from app.state.folders import user_folder
from app.state.settings import config_folder, toml_value, write_whole
from gridgeo.errors import FileError
from gridgeo.plan import Name, Plan
from gridgeo.store import read_plan, write_plan

KEPT = 12
"""How many plans are remembered."""

PARAMETER = "plan"

CLOSED = "none"
"""Stands in the address for no plan."""


@dataclass(frozen=True)
class Known:
    """A plan file the app knows.

    Parameters
    ----------
    key : str
        What stands for it in a page's address.
    path : Path
        The file.
    """

    key: str
    path: Path


def known_plans() -> list[Known]:
    """List the plans the app knows and that are still there.

    Returns
    -------
    list of Known
        The one the app was started with first, then the last opened first.
    """
    given = os.environ.get(PLAN_VARIABLE)
    paths = [*([given] if given else []), *_remembered()]
    known = [Known(plan_key(Path(path)), Path(path)) for path in dict.fromkeys(paths)]
    return [each for each in known if each.path.is_file()]


def chosen_plan() -> Path | None:
    """Return the plan this reader has open.

    Returns
    -------
    Path or None
        The one the page's address names, else the one the app was started with; None when there is neither. A file
        that was deleted is still returned: the page says so.
    """
    key = st.session_state.get("plan_key") or st.query_params.get(PARAMETER)
    given = os.environ.get(PLAN_VARIABLE)
    paths = {plan_key(Path(path)): Path(path) for path in [*_remembered(), *([given] if given else [])]}
    if key in paths:
        choose_plan(key)
        return paths[key]
    return Path(given) if given and key != CLOSED else None


def open_plan(path: Path) -> None:
    """Open a plan for this reader; whoever has the address sees it too.

    Parameters
    ----------
    path : Path
        The plan file.

    Raises
    ------
    GridgeoError
        If it is no plan, or cannot be read.
    """
    read_plan(path)
    _remember(path.absolute())
    choose_plan(plan_key(path))


def choose_plan(key: str) -> None:
    """Turn this reader to a plan that the app knows.

    Parameters
    ----------
    key : str
        Its `Known.key`.
    """
    st.session_state["plan_key"] = key
    put(PARAMETER, key)


def close_plan() -> None:
    """Turn this reader back to the start."""
    st.session_state["plan_key"] = CLOSED
    put(PARAMETER, CLOSED)


def plan_title(path: Path) -> Name:
    """Return what a plan's place is called.

    Parameters
    ----------
    path : Path
        The plan file.

    Returns
    -------
    Name
        The name in both languages.

    Raises
    ------
    GridgeoError
        If it is no plan, or cannot be read.
    """
    return _title(str(path), path.stat().st_mtime_ns)


def adopt_plan(path: Path) -> None:
    """Open a plan file that was uploaded: a copy among the user's own plans.

    Parameters
    ----------
    path : Path
        Where the upload lies.

    Raises
    ------
    GridgeoError
        If it is no plan, or cannot be read or kept.
    """
    keep_plan(read_plan(path), path.stem)


def keep_plan(plan: Plan, name: str) -> Path:
    """Save a new plan among the user's own and open it.

    Parameters
    ----------
    plan : Plan
        The plan.
    name : str
        What it is called; becomes the file's name, with a number where there is one already.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    folder, stem = plans_folder(), file_stem(name)
    numbered = (stem, *(f"{stem}-{number}" for number in range(2, 10_000)))
    path = next(path for path in (folder / f"{each}.gpkg" for each in numbered) if not path.exists())
    write_plan(plan, path)
    open_plan(path)
    return path


def plans_folder() -> Path:
    """Return the folder of plans that were made in the app; it is there afterwards.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileError
        If it cannot be made.
    """
    folder = user_folder() / "plans"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError("unwritable_file", file=folder.name, detail=error.strerror or error) from error
    return folder


def plan_key(path: Path) -> str:
    """Return what stands for a plan file in an address.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    str
        Twelve letters and digits that tell nothing of the path.
    """
    return hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def file_stem(name: str) -> str:
    """Make any name one that a file can have.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        Its letters and digits of any language, at most 60.
    """
    plain = "".join(letter if letter.isalnum() else "-" for letter in name[:60]).strip("-")
    return plain or "plan"


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _title(path: str, changed: int) -> Name:  # noqa: ARG001 - the time is part of the cache's key
    return read_plan(path).info.name


def _remembered() -> list[str]:
    try:
        said = tomllib.loads(_file().read_text(encoding="utf-8"))["plans"]
    except (OSError, ValueError, KeyError):
        return []
    return [path for path in said if isinstance(path, str)] if isinstance(said, list) else []


def _remember(path: Path) -> None:
    paths = [str(path), *(each for each in _remembered() if each != str(path))][:KEPT]
    write_whole(_file(), f"plans = {toml_value(paths)}\n")


def _file() -> Path:
    return config_folder() / "plans.toml"
