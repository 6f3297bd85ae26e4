"""A place by its name, fetched from OpenStreetMap's servers where there is a connection: once, into a plan file.

What comes back goes through the same reader as an extract. Only this module ever uses the network, and only when a
person asks for a place by name.
"""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

import geopandas as gpd
import numpy as np
import shapely

from gridgeo.crs import to_metric
from gridgeo.errors import FileError, InputError
from gridgeo.readers.osm import MARGIN_M, OsmLayers, read_osm

PATIENCE_S = 180.0
"""How long one answer of a server is waited for."""

_WANTED = (
    "highway", "barrier", "railway", "waterway", "natural", "building", "landuse", "amenity", "leisure", "shop",
    "place", "tourism", "office", "healthcare", "public_transport",
)  # fmt: skip
# No connection (requests' errors are OSErrors), or an answer that is not what such a server gives.
_UNEXPECTED = (OSError, ValueError, LookupError, AttributeError)
_AGENT = "gridgeo (https://pypi.org/project/gridgeo/)"


@dataclass(frozen=True)
class OnlinePlace:
    """A place as OpenStreetMap has it today.

    Parameters
    ----------
    name : str
        What the server calls it.
    boundary : GeoDataFrame
        Its area, one row, in degrees.
    layers : OsmLayers
        What lies in it and around it.
    """

    name: str
    boundary: gpd.GeoDataFrame
    layers: OsmLayers


def read_online_place(
    name: str,
    *,
    margin_m: float = MARGIN_M,
    nominatim_url: str | None = None,
    overpass_url: str | None = None,
    patience_s: float = PATIENCE_S,
) -> OnlinePlace:
    """Fetch a place by its name.

    Parameters
    ----------
    name : str
        The place, as precise as possible: ``"清华园街道, 海淀区, 北京市"``.
    margin_m : float
        How far beyond its border streets are fetched, in metres.
    nominatim_url, overpass_url : str, optional
        The servers; by default those of the environment's ``GRIDGEO_NOMINATIM_URL`` and ``GRIDGEO_OVERPASS_URL``, else
        the public ones.
    patience_s : float
        How long one answer is waited for, in seconds.

    Returns
    -------
    OnlinePlace
        Boundary and layers.

    Raises
    ------
    InputError
        If osmnx is not installed, or there is no place of that name that has an area.
    FileError
        If a server cannot be reached or does not answer as it should.
    """
    osmnx = _require_osmnx()
    with (
        tempfile.TemporaryDirectory(prefix="gridgeo-") as folder,
        _settings(osmnx, Path(folder), nominatim_url, overpass_url, patience_s),
    ):
        found = _find_place(osmnx, name)
        metric = to_metric(found)
        ground = gpd.GeoSeries(metric.buffer(margin_m), crs=metric.crs).to_crs(4326).union_all()
        answers = Path(folder) / "answers"
        osmnx.settings.cache_folder = str(answers)
        _fetch(osmnx, ground)
        extract = Path(folder) / "place.osm"
        try:
            _write_extract(answers, extract)
            layers = read_osm(extract, boundary=found, margin_m=margin_m)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _unreachable(osmnx.settings.overpass_url, error) from error
    return OnlinePlace(str(found["name"].iloc[0] or name), found, layers)


def _require_osmnx() -> ModuleType:
    try:
        import osmnx  # noqa: PLC0415 - an extra that most offices, being offline, do without
    except ImportError as error:
        raise InputError("online_extra") from error
    return osmnx


@contextmanager
def _settings(
    osmnx: ModuleType, folder: Path, nominatim_url: str | None, overpass_url: str | None, patience_s: float
) -> Iterator[None]:
    """Set osmnx up for a ``with`` block: nothing is asked but the two servers, answers are kept in our folder."""
    settings = osmnx.settings
    wanted = {
        "use_cache": True,
        "cache_folder": str(folder / "places"),
        "cache_only_mode": False,
        "nominatim_url": nominatim_url or os.environ.get("GRIDGEO_NOMINATIM_URL") or settings.nominatim_url,
        "overpass_url": overpass_url or os.environ.get("GRIDGEO_OVERPASS_URL") or settings.overpass_url,
        "doh_url_template": None,
        "http_user_agent": _AGENT,
        "requests_timeout": patience_s,
        "log_console": False,
        "log_file": False,
    }
    before, resolve = {key: getattr(settings, key) for key in wanted}, socket.getaddrinfo
    try:
        for key, value in wanted.items():
            setattr(settings, key, value)
        yield
    finally:
        for key, value in before.items():
            setattr(settings, key, value)
        socket.getaddrinfo = resolve


def _find_place(osmnx: ModuleType, name: str) -> gpd.GeoDataFrame:
    from osmnx._errors import InsufficientResponseError  # noqa: PLC0415 - as osmnx itself

    try:
        found = osmnx.geocode_to_gdf(name)
    except (TypeError, InsufficientResponseError) as error:
        raise InputError("online_no_place", value=name) from error
    except _UNEXPECTED as error:
        raise _unreachable(osmnx.settings.nominatim_url, error) from error
    if not np.isin(shapely.get_dimensions(found.geometry.to_numpy()), 2).all():
        raise InputError("online_no_place", value=name)
    return found[["name", "geometry"]].reset_index(drop=True)


def _fetch(osmnx: ModuleType, ground: shapely.Geometry) -> None:
    """Have osmnx ask for everything and keep the answers as they came, which it does by interrupting itself."""
    osmnx.settings.cache_only_mode = True
    try:
        osmnx.features_from_polygon(ground, dict.fromkeys(_WANTED, True))
    except InterruptedError:
        return
    except _UNEXPECTED as error:
        raise _unreachable(osmnx.settings.overpass_url, error) from error


def _unreachable(url: str, error: Exception) -> FileError:
    return FileError("online_unreachable", file=urlsplit(url).netloc, detail=type(error).__name__)


def _write_extract(answers: Path, path: Path) -> None:
    """Write the answers' elements as one OSM XML file, each once, nodes before ways before relations."""
    elements: dict[tuple[str, int], dict[str, object]] = {}
    for answer in sorted(answers.glob("**/*.json")):
        for element in json.loads(answer.read_text(encoding="utf-8")).get("elements", []):
            # A node comes once bare, as part of a way, and once with its tags.
            key = (str(element["type"]), int(element["id"]))
            if key not in elements or "tags" in element:
                elements[key] = element
    order = ("node", "way", "relation")
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<osm version="0.6">\n')
        for (kind, number), element in sorted(elements.items(), key=lambda item: (order.index(item[0][0]), item[0][1])):
            file.write(_element(kind, number, element))
        file.write("</osm>\n")


def _element(kind: str, number: int, said: dict[str, object]) -> str:
    at = f' lat="{said["lat"]}" lon="{said["lon"]}"' if kind == "node" else ""
    nodes, members, tags = said.get("nodes", []), said.get("members", []), said.get("tags", {})
    lines = [f'<nd ref="{int(ref)}"/>' for ref in nodes] if isinstance(nodes, list) else []
    for member in members if isinstance(members, list) else []:
        role = quoteattr(str(member["role"]))
        lines.append(f'<member type={quoteattr(str(member["type"]))} ref="{int(member["ref"])}" role={role}/>')
    for key, value in tags.items() if isinstance(tags, dict) else []:
        lines.append(f"<tag k={quoteattr(str(key))} v={quoteattr(str(value))}/>")
    return f'<{kind} id="{number}" version="1"{at}>{"".join(lines)}</{kind}>\n'
