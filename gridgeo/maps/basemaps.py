"""Base maps from outside: off until a user chooses one, since the app asks nobody for anything by itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import numpy as np

from gridgeo.errors import InputError
from gridgeo.shifts import Datum, shift

OFFICE = "office"
"""The name of an office's own tile server among base maps."""

# The host may hold nothing that would mean more than a host to a content-security policy.
_TEMPLATE = re.compile(r"https?://[A-Za-z0-9.-]+(?::(?P<port>[0-9]{1,5}))?/[A-Za-z0-9._~/?&=%+,:@!$()*{}-]*")
_PLACES = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True)
class Basemap:
    """One provider of tiles.

    Parameters
    ----------
    urls : tuple of str
        Addresses of its tiles, as Leaflet fills them in, the ground first; ``{key}`` stands for the user's key.
    subdomains : str
        What ``{s}`` stands for, one character each.
    datum : {'wgs84', 'gcj02'}
        What the tiles are drawn in; Tianditu's CGCS2000 agrees with WGS 84 within about a metre.
    needs_key : bool
        Whether the provider asks for one.
    """

    urls: tuple[str, ...]
    subdomains: str
    datum: Datum
    needs_key: bool

    @property
    def hosts(self) -> tuple[str, ...]:
        """The origins its tiles come from: what a content-security policy has to open."""
        origin = "/".join(self.urls[0].split("/")[:3])
        return tuple(origin.replace("{s}", letter) for letter in self.subdomains) or (origin,)


def _tianditu(layer: str) -> str:
    return (
        f"https://t{{s}}.tianditu.gov.cn/{layer}_w/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0&LAYER={layer}"
        "&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk={key}"
    )


BASEMAPS: MappingProxyType[str, Basemap] = MappingProxyType(
    {
        "tianditu": Basemap((_tianditu("vec"), _tianditu("cva")), "01234567", "wgs84", needs_key=True),
        "amap": Basemap(
            ("https://webrd0{s}.is.autonavi.com/appmaptile?lang=zh_cn&size=1&scale=1&style=8&x={x}&y={y}&z={z}",),
            "1234",
            "gcj02",
            needs_key=False,
        ),
    }
)
"""Tianditu (天地图) needs a key of the user's; AMap (高德) is drawn in GCJ-02."""


def read_template(address: str) -> str:
    """Read the address of an office's own tiles.

    Parameters
    ----------
    address : str
        A web address on a network of the office's, with ``{z}``, ``{x}`` and ``{y}`` (or ``{-y}``, counted from the
        south) where the tile's numbers go.

    Returns
    -------
    str
        The address.

    Raises
    ------
    InputError
        If it is no such address.
    """
    said = address.strip()
    found = _TEMPLATE.fullmatch(said)
    places = sorted(_PLACES.findall(said.replace("{-y}", "{y}")))
    if not found or not 0 < int(found["port"] or 80) < 2**16 or places != ["{x}", "{y}", "{z}"]:
        raise InputError("bad_tile_address", value=said[:80])
    return said


def find_basemap(name: str, *, key: str = "", address: str = "", datum: Datum = "wgs84") -> Basemap | None:
    """Return the base map that was chosen.

    Parameters
    ----------
    name : str
        One of `BASEMAPS`, or `OFFICE`; anything else is none.
    key : str, optional
        The user's key, for a provider that asks for one.
    address : str, optional
        Where an office's own tiles are, as `read_template` takes it.
    datum : {'wgs84', 'gcj02'}
        What an office's own tiles are drawn in.

    Returns
    -------
    Basemap or None
        The base map with the key in its addresses; None without one, or without what it needs.
    """
    if name == OFFICE:
        return Basemap((address,), "", datum, needs_key=False) if address else None
    chosen = BASEMAPS.get(name)
    if chosen is None or (chosen.needs_key and not key):
        return None
    return replace(chosen, urls=tuple(url.replace("{key}", quote(key, safe="")) for url in chosen.urls))


def basemap_data(chosen: Basemap | None, bounds: Sequence[Sequence[float]]) -> dict[str, Any] | None:
    """Give a base map as the map component takes it.

    Parameters
    ----------
    chosen : Basemap or None
        What `find_basemap` returned.
    bounds : sequence
        South-west and north-east corner of the place, latitude first, in degrees of WGS 84.

    Returns
    -------
    dict or None
        ``name``, ``urls``, ``subdomains`` and ``shift`` (degrees by which its pictures lie off, longitude first);
        None without a base map.
    """
    if chosen is None:
        return None
    (south, west), (north, east) = bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    moved = np.array(shift(middle[0], middle[1], "wgs84", chosen.datum), dtype=float).ravel()
    return {
        "name": chosen.urls[0],
        "urls": list(chosen.urls),
        "subdomains": chosen.subdomains,
        "shift": (moved - middle).tolist(),
    }
