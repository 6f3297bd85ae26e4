"""Scenarios of a plan: kept as files beside the plan that edits go to, so that they outlive every page and server."""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path

from app.state.workspace import Workspace
from gridgeo.errors import FileError, GridgeoError
from gridgeo.scenario import Scenario, read_scenario, write_scenario

_PLAIN = re.compile(r"[^\w-]+")
_LONGEST = 40


def list_scenarios(work: Workspace) -> dict[str, Scenario]:
    """Return the scenarios kept for a plan.

    Parameters
    ----------
    work : Workspace
        The living plan.

    Returns
    -------
    dict
        Key (as addresses name it) → scenario, by name. A file that is none is passed over.
    """
    found: dict[str, Scenario] = {}
    for path in sorted(_folder(work).glob("*.toml")):
        try:
            found[path.stem] = read_scenario(path)
        except GridgeoError:
            continue
    return dict(sorted(found.items(), key=lambda each: each[1].name))


def keep_scenario(work: Workspace, scenario: Scenario, *, key: str | None = None) -> str:
    """Keep a scenario.

    Parameters
    ----------
    work : Workspace
        The living plan.
    scenario : Scenario
        The scenario.
    key : str, optional
        The key it has; made of its name when left out.

    Returns
    -------
    str
        Its key.

    Raises
    ------
    FileError
        If it cannot be written; what was there is as it was.
    """
    key = key or scenario_key(scenario.name)
    folder = _folder(work)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError("unwritable_file", file=folder.name, detail=error.strerror) from error
    write_scenario(scenario, folder / f"{key}.toml")
    return key


def drop_scenario(work: Workspace, key: str) -> None:
    """Forget a scenario.

    Parameters
    ----------
    work : Workspace
        The living plan.
    key : str
        Its key.
    """
    if key in list_scenarios(work):
        (_folder(work) / f"{key}.toml").unlink(missing_ok=True)


def scenario_key(name: str) -> str:
    """Return what files and addresses call a scenario.

    Parameters
    ----------
    name : str
        Its name, any text.

    Returns
    -------
    str
        Letters, digits, ``_`` and ``-``; different names have different keys.
    """
    plain = _PLAIN.sub("-", name).strip("-")[:_LONGEST]
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return plain if plain == name else f"{plain or 'scenario'}-{mark}"


def scenario_file(scenario: Scenario) -> bytes:
    """Return a scenario as the file people hand on.

    Parameters
    ----------
    scenario : Scenario
        The scenario.

    Returns
    -------
    bytes
        TOML that `gridgeo.scenario.read_scenario` and ``gridgeo compare`` read.
    """
    with tempfile.TemporaryDirectory() as folder:
        return write_scenario(scenario, Path(folder) / "scenario.toml").read_bytes()


def _folder(work: Workspace) -> Path:
    return work.target.with_name(f"{work.target.stem}.scenarios")
