"""Plans of older formats brought up to the one in use, step by step, when they are read.

The file itself is never changed by reading; the next save writes the present format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import geopandas as gpd


@dataclass(frozen=True)
class Stored:
    """What a plan file holds, before it is made a plan.

    Parameters
    ----------
    rows : dict
        The plan's own table: key → value.
    layers : dict
        Layer name → GeoDataFrame; those that came with a later format may be absent.
    """

    rows: Mapping[str, str]
    layers: Mapping[str, gpd.GeoDataFrame]


def _from_1(stored: Stored) -> Stored:
    """Format 2 says whether names of persons are kept; enterprises, people, needs, visits and zonings came with it."""
    info = json.loads(stored.rows["info"])
    return replace(stored, rows={**stored.rows, "info": json.dumps({**info, "personal": False}, ensure_ascii=False)})


MIGRATIONS: Mapping[int, Callable[[Stored], Stored]] = MappingProxyType({1: _from_1})
"""Format → the step to the next one. A new format adds its step here, and a made file of the old one to the tests."""

SCHEMA_VERSION = len(MIGRATIONS) + 1
"""The plan format this gridgeo writes; it reads this one and older ones."""


def migrate(stored: Stored) -> Stored:
    """Bring what an older gridgeo stored to the present format.

    Parameters
    ----------
    stored : Stored
        What was read, its format in ``rows["schema_version"]``.

    Returns
    -------
    Stored
        The same in the present format.
    """
    for version in range(int(stored.rows["schema_version"]), SCHEMA_VERSION):
        stored = MIGRATIONS[version](stored)
    return stored
