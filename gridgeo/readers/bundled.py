"""The places that come with gridgeo, so that there is something real to look at from the first minute."""

from __future__ import annotations

from pathlib import Path

from gridgeo.errors import InputError

# In an installed wheel the plans lie in the package; in a checkout, in the folder beside it.
_FOLDERS = (Path(__file__).parents[1] / "data", Path(__file__).parents[2] / "data")
_DEFAULT = "qinghuayuan"


def bundled_places() -> tuple[str, ...]:
    """Return the names of the bundled places.

    Returns
    -------
    tuple of str
        The default place first, then the others by name.
    """
    names = {path.parent.name for path in _plans()}
    return tuple(sorted(names, key=lambda name: (name != _DEFAULT, name)))


def bundled_plan_path(name: str) -> Path:
    """Return where the plan of a bundled place lies.

    Parameters
    ----------
    name : str
        One of `bundled_places`.

    Returns
    -------
    Path
        Its GeoPackage. Copy it before changing it: it belongs to the installation.

    Raises
    ------
    InputError
        If there is no such place.
    """
    for path in _plans():
        if path.parent.name == name:
            return path
    raise InputError("unknown_place", value=name, allowed=", ".join(bundled_places()))


def _plans() -> list[Path]:
    """Return ``<place>/<place>.gpkg`` of the first folder that has any."""
    for folder in _FOLDERS:
        found = [path for path in sorted(folder.glob("*/*.gpkg")) if path.stem == path.parent.name]
        if found:
            return found
    return []
