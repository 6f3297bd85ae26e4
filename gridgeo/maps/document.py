"""A map as one page: a Folium map whose libraries and data are all inside it, so that it opens where no network is."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import folium
from branca.element import Element, Figure
from folium.template import Template

from gridgeo.errors import FileError
from gridgeo.maps.features import MapLayer

WEB = Path(__file__).parent.parent / "web"
"""The folder of scripts, styles and fetched libraries that the app serves and an exported map carries."""

SCRIPTS = ("coordinates.js", "symbols.js", "canvas.js", "street_names.js", "tools.js", "panel.js", "view.js")
STYLES = ("gridgeo.css",)
LEAFLET = "node_modules/leaflet/dist"

# Nothing may be fetched: not by our scripts, not by a word in somebody's data.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def embed(value: object) -> str:
    """Write any value so that it is safe inside a script of a page; the one way users' words enter a document.

    Parameters
    ----------
    value : object
        JSON-like data with any text in it.

    Returns
    -------
    str
        JSON in which every character that could end a script, open a tag, start a template or break a line of
        JavaScript is escaped. The page's scripts put it on screen as text nodes only, never as markup.
    """
    written = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return re.sub(r"[<>&'`$\u007f-\u009f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", written)


class Verbatim(Element):
    """Text that goes into the page as it is: Folium reads an `Element`'s own text as a template, and so would run it.

    Parameters
    ----------
    content : str
        The text.
    """

    _template = Template("{{ this.content }}")

    def __init__(self, content: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.content = content


class PlanLayer(folium.map.Layer):
    """One layer of a plan as a Folium layer.

    Parameters
    ----------
    layer : MapLayer
        What it shows.
    """

    def __init__(self, layer: MapLayer) -> None:
        super().__init__(name=layer.layer_id, overlay=True, control=False, show=layer.shown)
        self._name = "PlanLayer"
        self.layer = layer

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401, ARG002 - Folium's own signature
        """Write the layer into the page; the page adds it to the map, since the reader decides what is visible.

        Parameters
        ----------
        **kwargs : Any
            Folium's.

        Returns
        -------
        str
            Nothing: the layer goes into the page's script.
        """
        made = f"var {self.get_name()} = gridgeo.layer({embed(self.layer.data)});"
        cast("Figure", self.get_root()).script.add_child(Verbatim(made), name=self.get_name())
        return ""


class PlanMap(folium.Map):
    """A Folium map of a plan that needs no network: libraries, styles and data are inside the page.

    Parameters
    ----------
    layers : sequence of MapLayer
        The layers, bottom first.
    frame : dict
        Everything beside them: ``title``, ``bounds``, ``attribution``, ``figures``, ``words``, ``lang``.
    """

    # Folium's own lists fetch from the network; the page gets its libraries in `render` instead.
    default_js: list[tuple[str, str]] = []  # noqa: RUF012 - Folium's class attribute
    default_css: list[tuple[str, str]] = []  # noqa: RUF012 - Folium's class attribute

    def __init__(self, layers: Sequence[MapLayer], frame: dict[str, Any]) -> None:
        (south, west), (north, east) = frame["bounds"]
        super().__init__(
            location=[(south + north) / 2, (west + east) / 2],
            zoom_start=15,
            tiles=None,
            zoom_control=False,
            attribution_control=False,
            zoom_snap=0.25,
            zoom_delta=0.5,
            wheel_px_per_zoom_level=100,
            bounce_at_zoom_limits=False,
            maxZoom=20,  # Folium drops its own max_zoom where there are no tiles
            minZoom=8,
        )
        self.plan_layers = tuple(layers)
        self.frame = frame
        for layer in layers:
            self.add_child(PlanLayer(layer), name=f"plan_layer_{layer.layer_id}")

    def render(self, **kwargs: Any) -> str:  # noqa: ANN401 - Folium's own signature
        """Write the page: libraries first, then the map and its layers, then the panel beside it.

        Parameters
        ----------
        **kwargs : Any
            Folium's.

        Returns
        -------
        str
            Nothing: everything goes into the page.
        """
        figure = cast("Figure", self.get_root())
        figure.header.add_child(Verbatim(_head()), name="gridgeo_head")
        super().render(**kwargs)  # type: ignore[no-untyped-call]
        names = ", ".join(child.get_name() for child in self._children.values() if isinstance(child, PlanLayer))
        start = f"gridgeo.show({self.get_name()}, [{names}], {embed(self.frame)});"
        figure.script.add_child(Verbatim(start), name="gridgeo_start")
        return ""

    def component_data(self) -> dict[str, Any]:
        """Give the map as plain JSON values, for a page that already has the libraries.

        Returns
        -------
        dict
            ``options`` of the Leaflet map, ``layers`` by identifier and ``frame``.
        """
        return {
            "options": {"center": self.location, **_camel_case(self.options)},
            "layers": {layer.layer_id: layer.data for layer in self.plan_layers},
            "frame": self.frame,
        }


def write_map(page: folium.Map, path: str | os.PathLike[str]) -> Path:
    """Write a map as one HTML file that opens from the disk and asks the network for nothing.

    Parameters
    ----------
    page : folium.Map
        The map; from `coverage_map`, its libraries are inside the file.
    path : path-like
        The file; it appears whole or not at all.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FileError
        If the file cannot be written, or the maps' libraries were not fetched at set-up.
    """
    target = Path(path)
    markup = page.get_root().render().encode("utf-8")
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(markup)
                file.flush()
                os.fsync(file.fileno())
            # mkstemp gives a private file; a map is made to be handed on.
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError("unwritable_file", file=str(target), detail=error.strerror or str(error)) from error
    return target


@cache
def _head() -> str:
    """Everything the page needs before the map: policy, styles, libraries, scripts."""
    styles = [_leaflet_style(), *(_read(name) for name in STYLES)]
    scripts = [_read(f"{LEAFLET}/leaflet.js"), _icon_script(), *(_read(name) for name in SCRIPTS)]
    parts = [f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">', "<title>gridgeo</title>"]
    parts += [f"<style>{style}</style>" for style in styles]
    parts += [f"<script>{script}</script>" for script in scripts]
    return "\n".join(parts)


def _leaflet_style() -> str:
    style = _read(f"{LEAFLET}/leaflet.css")
    return re.sub(r"url\(images/([\w.-]+)\)", lambda found: f"url({_data_uri(found[1])})", style)


def _icon_script() -> str:
    """Leaflet guesses its pictures' folder from a style sheet's address; an inlined one has none."""
    names = {"iconUrl": "marker-icon.png", "iconRetinaUrl": "marker-icon-2x.png", "shadowUrl": "marker-shadow.png"}
    icons = {option: _data_uri(name) for option, name in names.items()}
    return f"L.Icon.Default.imagePath = ''; L.Icon.Default.mergeOptions({json.dumps(icons)});"


def _data_uri(name: str) -> str:
    return "data:image/png;base64," + base64.b64encode(_bytes(f"{LEAFLET}/images/{name}")).decode("ascii")


def _read(name: str) -> str:
    source = _bytes(name).decode("utf-8")
    # A comment that names a source map makes a browser with open developer tools look for it.
    return re.sub(r"//# sourceMappingURL=\S+", "", source)


def _bytes(name: str) -> bytes:
    try:
        return (WEB / name).read_bytes()
    except OSError as error:
        raise FileError("missing_web", file=name) from error


def _camel_case(options: dict[str, Any]) -> dict[str, Any]:
    return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): value for name, value in options.items()}
