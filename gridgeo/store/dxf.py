"""Borders as a drawing (DXF), for the offices whose plans live in CAD."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import shapely

_LABEL_HEIGHT_M = 12.0
_UNSAFE = dict.fromkeys(map(ord, '<>/\\":;?*|=`,\r\n\t'), "_")


def write_dxf(layers: dict[str, gpd.GeoDataFrame], path: Path, *, labels: dict[str, str]) -> None:
    """Write borders and their names in the oldest form every CAD program reads (release 12, text in GBK).

    Parameters
    ----------
    layers : dict
        Layer name → polygons or lines in metres; each becomes a layer of the drawing.
    path : Path
        Where to.
    labels : dict
        Layer name → column whose text is put inside each shape.
    """
    lines = [
        *_section("HEADER", _header()),
        *_section("TABLES", _tables(layers)),
        *_section("ENTITIES", _all(layers, labels)),
    ]
    path.write_bytes(("\r\n".join([*lines, "0", "EOF"]) + "\r\n").encode("gbk"))


def _section(name: str, body: Iterator[str]) -> Iterator[str]:
    yield from ("0", "SECTION", "2", name)
    yield from body
    yield from ("0", "ENDSEC")


def _header() -> Iterator[str]:
    yield from ("9", "$ACADVER", "1", "AC1009", "9", "$DWGCODEPAGE", "3", "ANSI_936")


def _tables(layers: dict[str, gpd.GeoDataFrame]) -> Iterator[str]:
    yield from ("0", "TABLE", "2", "LAYER", "70", str(len(layers)))
    for color, name in enumerate(layers, 1):
        yield from ("0", "LAYER", "2", name.translate(_UNSAFE), "70", "0", "62", str(color % 7 or 7), "6", "CONTINUOUS")
    yield from ("0", "ENDTAB")


def _all(layers: dict[str, gpd.GeoDataFrame], labels: dict[str, str]) -> Iterator[str]:
    for name, frame in layers.items():
        layer = name.translate(_UNSAFE)
        texts = frame[labels[name]] if labels.get(name) in frame else [None] * len(frame)
        for shape, text in zip(frame.geometry, texts, strict=True):
            for part in shapely.get_parts(shape):
                rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
                for ring in rings:
                    yield from _polyline(layer, ring)
            if isinstance(text, str) and text:
                yield from _text(layer, shape.representative_point(), text)


def _polyline(layer: str, ring: shapely.Geometry) -> Iterator[str]:
    closed = shapely.is_closed(ring)
    points = shapely.get_coordinates(ring)
    yield from ("0", "POLYLINE", "8", layer, "66", "1", "70", "1" if closed else "0", "10", "0", "20", "0", "30", "0")
    for x, y in points[:-1] if closed else points:
        yield from ("0", "VERTEX", "8", layer, "10", f"{x:.4f}", "20", f"{y:.4f}", "30", "0")
    yield from ("0", "SEQEND", "8", layer)


def _text(layer: str, at: shapely.Point, text: str) -> Iterator[str]:
    yield from ("0", "TEXT", "8", layer, "10", f"{at.x:.4f}", "20", f"{at.y:.4f}", "30", "0")
    yield from ("40", f"{_LABEL_HEIGHT_M}", "1", _said(text))


def _said(text: str) -> str:
    """Return a text as a drawing holds it: on one line, its own marks doubled, what GBK lacks by its number."""
    plain = "".join(mark if mark.isprintable() else " " for mark in " ".join(text.split()))
    for mark, said in (("%", "%%%"), ("^", "^ ")):
        plain = plain.replace(mark, said)
    return "".join(_numbered(letter) for letter in plain)


def _numbered(letter: str) -> str:
    try:
        letter.encode("gbk")
    except UnicodeEncodeError:
        units = letter.encode("utf-16-be")
        return "".join(f"\\U+{units[at] << 8 | units[at + 1]:04X}" for at in range(0, len(units), 2))
    return letter
