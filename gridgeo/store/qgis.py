"""What makes a plan file open well in QGIS: a style for each layer, and words on what the plan is.

QGIS looks for both in the file itself: styles in the table ``layer_styles``, words in those of the GeoPackage extension
for metadata.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from gridgeo.plan import Plan

_STANDARD = "http://mrcc.com/qgis.dtd"
_EXTENSION = "http://www.geopackage.org/spec121/#extension_metadata"
_KINDS = {
    "point": ("marker", "SimpleMarker", "0"),
    "line": ("line", "SimpleLine", "1"),
    "polygon": ("fill", "SimpleFill", "2"),
}
_TEXT = "38,38,38,255"


@dataclass(frozen=True)
class Style:
    """How one layer is drawn.

    Parameters
    ----------
    kind : {'point', 'line', 'polygon'}
        Its geometries.
    properties : dict
        Properties of QGIS's simple symbol of that kind; colours as red, green, blue, opacity.
    label : str, optional
        The column written beside each shape.
    """

    kind: str
    properties: dict[str, str]
    label: str | None = None


def _area(color: str, border: str, width: str) -> dict[str, str]:
    return {
        "color": color,
        "outline_color": border,
        "outline_width": width,
        "outline_width_unit": "MM",
        "style": "solid",
    }


def _marker(color: str, size: str, name: str = "circle") -> dict[str, str]:
    return {"color": color, "size": size, "size_unit": "MM", "name": name, "outline_color": "255,255,255,255"}


STYLES: dict[str, Style] = {
    "units": Style("polygon", _area("0,0,0,0", "60,60,60,255", "0.66"), "name"),
    "streets": Style("line", {"line_color": "150,150,150,255", "line_width": "0.3", "line_width_unit": "MM"}),
    "gates": Style("point", _marker("130,90,40,255", "1.6", "square")),
    "buildings": Style("polygon", _area("226,222,214,255", "200,196,188,255", "0.1")),
    "blocks": Style("polygon", _area("0,0,0,0", "170,170,170,255", "0.1")),
    "grids": Style("polygon", _area("65,120,190,40", "40,90,160,255", "0.4"), "code"),
    "households": Style("point", _marker("90,90,90,200", "1")),
    "stations": Style("point", _marker("200,40,40,255", "3", "star"), "name"),
}
"""How the layers that people look at are drawn; the others are left to QGIS."""


def write_styles(database: sqlite3.Connection) -> None:
    """Put a default style for each layer of `STYLES` into a plan file.

    Parameters
    ----------
    database : sqlite3.Connection
        The file, within a transaction.
    """
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256),"
        " f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30),"
        " styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),"
        " update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')))"
    )
    columns = dict(database.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall())
    database.executemany(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,"
        " styleQML, useAsDefault, description, owner) VALUES ('', '', ?, ?, 'gridgeo', ?, 1, 'gridgeo', '')",
        [(name, columns[name], make_qml(style)) for name, style in STYLES.items()],
    )
    database.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier)"
        " VALUES ('layer_styles', 'attributes', 'layer_styles')"
    )


def make_qml(style: Style) -> str:
    """Write a style in QGIS's own form.

    Parameters
    ----------
    style : Style
        The style.

    Returns
    -------
    str
        A QML document; symbol properties as ``prop``, which every QGIS 3 reads.
    """
    symbol_type, symbol_class, geometry = _KINDS[style.kind]
    root = ET.Element(
        "qgis", version="3.22.0", styleCategories="Symbology|Labeling", labelsEnabled="1" if style.label else "0"
    )
    renderer = ET.SubElement(root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0")
    symbol = ET.SubElement(ET.SubElement(renderer, "symbols"), "symbol", type=symbol_type, name="0", alpha="1")
    layer = ET.SubElement(symbol, "layer", {"class": symbol_class, "enabled": "1", "locked": "0", "pass": "0"})
    for key, value in style.properties.items():
        ET.SubElement(layer, "prop", k=key, v=value)
    if style.label:
        settings = ET.SubElement(ET.SubElement(root, "labeling", type="simple"), "settings")
        text = {"fieldName": style.label, "isExpression": "0", "fontSize": "9", "fontSizeUnit": "Point"}
        style_of_text = ET.SubElement(settings, "text-style", {**text, "textColor": _TEXT, "textOpacity": "1"})
        ET.SubElement(style_of_text, "text-buffer", bufferDraw="1", bufferSize="0.8", bufferColor="255,255,255,255")
    ET.SubElement(root, "layerGeometryType").text = geometry
    return f"<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n{ET.tostring(root, encoding='unicode')}"


def write_metadata(database: sqlite3.Connection, plan: Plan) -> None:
    """Put into a plan file what it says of itself, for the file and for each of its layers.

    Parameters
    ----------
    database : sqlite3.Connection
        The file, within a transaction.
    plan : Plan
        The plan.
    """
    database.execute(
        "CREATE TABLE gpkg_metadata (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, md_scope TEXT NOT NULL"
        " DEFAULT 'dataset', md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',"
        " metadata TEXT NOT NULL DEFAULT '')"
    )
    database.execute(
        "CREATE TABLE gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT,"
        " row_id_value INTEGER, timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),"
        " md_file_id INTEGER NOT NULL, md_parent_id INTEGER,"
        " CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),"
        " CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id))"
    )
    database.execute(
        "INSERT INTO gpkg_metadata VALUES (1, 'dataset', ?, 'text/xml', ?)", (_STANDARD, _make_metadata(plan))
    )
    layers = [name for (name,) in database.execute("SELECT table_name FROM gpkg_geometry_columns").fetchall()]
    database.execute("INSERT INTO gpkg_metadata_reference (reference_scope, md_file_id) VALUES ('geopackage', 1)")
    database.executemany(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id) VALUES ('table', ?, 1)",
        [(name,) for name in layers],
    )
    database.executemany(
        "INSERT INTO gpkg_extensions VALUES (?, NULL, 'gpkg_metadata', ?, 'read-write')",
        [("gpkg_metadata", _EXTENSION), ("gpkg_metadata_reference", _EXTENSION)],
    )


def _make_metadata(plan: Plan) -> str:
    """Write title, notes and rights in both languages, in the form QGIS shows under a layer's metadata."""
    root = ET.Element("qgis", version="3.22.0")
    said = {
        "identifier": "gridgeo",
        "language": "ZHO",
        "type": "dataset",
        "title": " / ".join(dict.fromkeys((plan.info.name.zh, plan.info.name.en))),
        "abstract": "\n".join(f"{note.zh} / {note.en}" for note in plan.info.notes),
        "rights": plan.info.attribution,
    }
    for name, value in said.items():
        ET.SubElement(root, name).text = value
    return ET.tostring(root, encoding="unicode")
