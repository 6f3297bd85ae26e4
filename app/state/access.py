"""Who may do what where an office has a sign-in: one TOML file, read before the app starts.

``signin.toml`` in the folder of settings names an OpenID Connect provider (the table ``[auth]``, as Streamlit reads
it), who is a planner (``[roles]``), and where the server listens (``[server]``). Whoever signs in and is no planner is
a viewer.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from app.state.settings import config_folder
from gridgeo.errors import FileError

Role = Literal["viewer", "planner"]

_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
_LEAST_SECRET = 32


@dataclass(frozen=True)
class Rules:
    """Who may do what, and to whom the app answers.

    Parameters
    ----------
    claim : str
        What the provider says of a person that decides: ``roles``, ``groups``, ``email``, …
    planners : frozenset of str
        The values of it that make a planner.
    address : str
        The network address the server listens on.
    hosts : tuple of str
        Further names it answers to.
    """

    claim: str
    planners: frozenset[str]
    address: str | None = None
    hosts: tuple[str, ...] = ()


def find_sign_in() -> Path | None:
    """Return the office's sign-in file.

    Returns
    -------
    Path or None
        None where there is none: then everybody on this computer is a planner.
    """
    path = config_folder() / "signin.toml"
    return path if path.exists() else None


def read_rules(path: Path) -> Rules:
    """Read a sign-in file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Rules
        Who is a planner, and where the server listens.

    Raises
    ------
    FileError
        If it cannot be read, or lacks anything: the app then does not start at all rather than without a sign-in.
    """
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        detail = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise FileError("bad_sign_in", file=path.name, detail=detail) from error
    auth, roles, server = (said.get(name, {}) for name in ("auth", "roles", "server"))
    missing = [f"auth.{name}" for name in _NEEDED if not isinstance(auth.get(name), str) or not auth[name]]
    planners = roles.get("planners")
    if not isinstance(planners, list) or not planners or not all(isinstance(each, str) for each in planners):
        missing.append("roles.planners")
    if not missing and len(auth["cookie_secret"]) < _LEAST_SECRET:
        missing.append(f"auth.cookie_secret (≥ {_LEAST_SECRET})")
    if importlib.util.find_spec("authlib") is None:
        missing.append("gridgeo[signin]")
    if missing:
        raise FileError("bad_sign_in", file=path.name, detail=", ".join(missing))
    hosts = tuple(str(host).lower() for host in server.get("hosts", ()))
    return Rules(str(roles.get("claim", "roles")), frozenset(planners), server.get("address"), hosts)


def role_of(claims: Mapping[str, Any], rules: Rules) -> Role:
    """Tell what a person may do from what the provider says of them.

    Parameters
    ----------
    claims : mapping
        The claims of their identity token.
    rules : Rules
        Who is a planner.

    Returns
    -------
    {'viewer', 'planner'}
        Planner only where a claim says so; an e-mail address counts unless the provider calls it unverified.
    """
    said = claims.get(rules.claim)
    values = [said] if isinstance(said, str) else said
    if not isinstance(values, (list, tuple)) or (rules.claim == "email" and claims.get("email_verified") is False):
        return "viewer"
    return "planner" if rules.planners.intersection(str(each) for each in values) else "viewer"
