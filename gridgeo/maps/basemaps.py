"""Base maps from outside: off until a user chooses one, since the app asks nobody for anything by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import numpy as np

from gridgeo.shifts import Datum, shift


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
        return tuple(origin.replace("{s}", letter) for letter in self.subdomains)


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


def basemap_data(name: str, bounds: Sequence[Sequence[float]], *, key: str = "") -> dict[str, Any] | None:
    """Give a base map as the map component takes it.

    Parameters
    ----------
    name : str
        One of `BASEMAPS`; anything else is none.
    bounds : sequence
        South-west and north-east corner of the place, latitude first, in degrees of WGS 84.
    key : str, optional
        The user's key, for a provider that asks for one.

    Returns
    -------
    dict or None
        ``name``, ``urls``, ``subdomains`` and ``shift`` (degrees by which its pictures lie off, longitude first);
        None without a base map, or without a key that it needs.
    """
    chosen = BASEMAPS.get(name)
    if chosen is None or (chosen.needs_key and not key):
        return None
    (south, west), (north, east) = bounds
    middle = np.array([(west + east) / 2, (south + north) / 2])
    moved = np.array(shift(middle[0], middle[1], "wgs84", chosen.datum), dtype=float).ravel()
    return {
        "name": name,
        "urls": [url.replace("{key}", quote(key, safe="")) for url in chosen.urls],
        "subdomains": chosen.subdomains,
        "shift": (moved - middle).tolist(),
    }
