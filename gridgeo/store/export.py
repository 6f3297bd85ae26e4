"""A plan in the forms that other systems take."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gridgeo.errors import FileError, GridgeoError, InputError
from gridgeo.plan import Plan
from gridgeo.schema import LAYERS, drop_personal
from gridgeo.store.dxf import write_dxf
from gridgeo.store.public import THRESHOLD, summarize_public
from gridgeo.store.shapefile import Loss, write_shapefile
from gridgeo.store.spreadsheet import as_table, write_csv, write_workbook

FORMATS = ("gpkg", "shp", "geojson", "kml", "dxf", "xlsx", "csv", "parquet")
"""What a plan can be exported to."""

ENCODINGS = ("utf-8", "gbk")
"""Of Shapefiles and CSV files."""

SENSITIVE = ("disabled", "low_income")
"""Counts that nobody should find at a single address: left out of an export's points unless asked for."""

_KINDS = {"point": (0,), "line": (1,), "polygon": (2,)}
_BORDERS = ("units", "grids", "blocks")
_LABELS = {"units": "name", "grids": "code"}


@dataclass(frozen=True)
class Export:
    """What an export wrote.

    Parameters
    ----------
    files : tuple of Path
        The files, in order.
    losses : tuple of Loss
        Texts that the format could not hold in full.
    """

    files: tuple[Path, ...]
    losses: tuple[Loss, ...] = ()


def export_plan(
    plan: Plan,
    folder: str | Path,
    *,
    format: str,  # noqa: A002 - the name of the command's option
    encoding: str = "utf-8",
    public: bool = False,
    threshold: int = THRESHOLD,
    sensitive: bool = False,
) -> Export:
    """Write a plan for other programs.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : str or Path
        Where to; it is made when it is not there, and files of the same names are replaced, all at the end or none.
    format : {'gpkg', 'shp', 'geojson', 'kml', 'dxf', 'xlsx', 'csv', 'parquet'}
        One GeoPackage, drawing or workbook; or one file a layer. GeoJSON and KML are in degrees, the others in metres.
    encoding : {'utf-8', 'gbk'}
        Of Shapefiles and CSV files.
    public : bool
        Only sums by unit and grid, small counts hidden: no households, no points of people.
    threshold : int
        With `public`: counts from 1 up to below this are hidden.
    sensitive : bool
        Whether single points keep what tells of illness or need (`SENSITIVE`); sums by area always do.

    Returns
    -------
    Export
        The files, and the texts that the format could not hold in full.

    Raises
    ------
    InputError
        If there is no such format or encoding.
    FileError
        If something cannot be written, or does not read back as it was meant.
    """
    for value, allowed in ((format, FORMATS), (encoding, ENCODINGS)):
        if value not in allowed:
            raise InputError("unknown_choice", value=value, allowed=", ".join(allowed))
    folder = Path(folder)
    layers = _layers(plan, public=public, threshold=threshold, sensitive=sensitive)
    losses: list[Loss] = []
    writers: dict[str, Callable[[dict[str, gpd.GeoDataFrame], Path], None]] = {
        "gpkg": _write_gpkg,
        "shp": lambda each, to: losses.extend(_write_shapefiles(each, to, encoding)),
        "geojson": _write_geojson,
        "kml": _write_kml,
        "dxf": _write_dxf,
        "xlsx": lambda each, to: write_workbook(
            {name: as_table(layer) for name, layer in each.items()}, to / "plan.xlsx"
        ),
        "csv": lambda each, to: _write_csvs(each, to, encoding),
        "parquet": _write_parquet,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".gridgeo-") as draft:
            writers[format](layers, Path(draft))
            files = sorted(Path(draft).iterdir())
            _require_whole(files, layers, format)
            for file in files:
                with file.open("rb+") as written:
                    os.fsync(written.fileno())
            return Export(tuple(Path(shutil.move(file, folder / file.name)) for file in files), tuple(losses))
    except (OSError, RuntimeError, ValueError) as error:
        if isinstance(error, GridgeoError):
            raise
        detail = getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise FileError("unwritable_file", file=folder.name, detail=detail) from error


def _layers(plan: Plan, *, public: bool, threshold: int, sensitive: bool) -> dict[str, gpd.GeoDataFrame]:
    if public:
        shown = {**summarize_public(plan, threshold=threshold), "stations": plan.stations, "streets": plan.streets}
    else:
        shown = {name: drop_personal(name, layer) for name, layer in plan.layers().items()}
        if not sensitive:
            shown["households"] = shown["households"].drop(columns=list(SENSITIVE), errors="ignore")
    return {name: layer for name, layer in shown.items() if len(layer)}


def _require_whole(files: list[Path], layers: dict[str, gpd.GeoDataFrame], kind: str) -> None:
    """Read back what a size limit may have cut without a word."""
    for file in files:
        if kind == "gpkg":
            counts = {name: pyogrio.read_info(file, layer=name)["features"] for name in layers}
        elif kind == "geojson":
            counts = {file.stem: pyogrio.read_info(file, force_feature_count=True)["features"]}
        elif kind == "kml":
            # GDAL writes it without a word on a full disk, too.
            content = file.read_bytes()
            counts = {file.stem: content.count(b"<Placemark ") if content.rstrip().endswith(b"</kml>") else -1}
        elif kind == "parquet":
            counts = {file.stem: len(gpd.read_parquet(file))}
        else:
            continue
        if any(count != len(layers[name]) for name, count in counts.items()):
            raise FileError("unwritable_file", file=file.name, detail=f"{counts}")


def _write_gpkg(layers: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    path = folder / "plan.gpkg"
    for name, layer in layers.items():
        kinds = LAYERS[name].geometry
        if not kinds:
            pyogrio.write_dataframe(as_table(layer), path, layer=name, driver="GPKG", append=path.exists())
            continue
        shape = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}[kinds[0]]
        pyogrio.write_dataframe(
            layer,
            path,
            layer=name,
            driver="GPKG",
            geometry_type=shape if len(kinds) == 1 else "Unknown",
            promote_to_multi=len(kinds) == 1 and shape != "Point",
            append=path.exists(),
            dataset_options={} if path.exists() else {"VERSION": "1.3"},
        )


def _write_shapefiles(layers: dict[str, gpd.GeoDataFrame], folder: Path, encoding: str) -> list[Loss]:
    losses: list[Loss] = []
    fields: list[tuple[str, str, str]] = []
    for name, layer in layers.items():
        if layer.geometry.isna().all():
            # A Shapefile without a single shape is none.
            write_csv(as_table(layer), folder / f"{name}.csv", encoding=encoding)
            continue
        for suffix, part in _by_kind(name, layer).items():
            names, lost = write_shapefile(part, folder / f"{suffix}.shp", name=name, encoding=encoding)
            losses += lost
            fields += [(suffix, column, field) for column, field in names.items()]
    write_csv(pd.DataFrame(fields, columns=["layer", "column", "field"]), folder / "fields.csv", encoding=encoding)
    return losses


def _by_kind(name: str, layer: gpd.GeoDataFrame) -> dict[str, gpd.GeoDataFrame]:
    """Take a layer of lines and areas apart: most formats hold one kind of geometry a file."""
    kinds = LAYERS[name].geometry
    if len(kinds) == 1:
        return {name: layer}
    dimension = shapely.get_dimensions(layer.geometry.to_numpy())
    parts = {f"{name}_{kind}": layer[np.isin(dimension, _KINDS[kind])] for kind in kinds}
    return {label: part for label, part in parts.items() if len(part)}


def _write_geojson(layers: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    for name, layer in layers.items():
        options = {"COORDINATE_PRECISION": "9", "RFC7946": "NO"}
        pyogrio.write_dataframe(_degrees(layer), folder / f"{name}.geojson", driver="GeoJSON", layer_options=options)


def _write_kml(layers: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    for name, layer in layers.items():
        frame = _degrees(layer)
        label = next((column for column in ("name", "code") if column in frame), LAYERS[name].id_column)
        named = frame[label].fillna(frame[LAYERS[name].id_column])
        # Not LIBKML: it puts names into CDATA as they are, so that one with "]]>" in it breaks out and spoils the file.
        pyogrio.write_dataframe(frame.assign(Name=named), folder / f"{name}.kml", driver="KML")


def _write_dxf(layers: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    write_dxf({name: layers[name] for name in _BORDERS if name in layers}, folder / "plan.dxf", labels=_LABELS)


def _write_csvs(layers: dict[str, gpd.GeoDataFrame], folder: Path, encoding: str) -> None:
    for name, layer in layers.items():
        write_csv(as_table(layer), folder / f"{name}.csv", encoding=encoding)


def _write_parquet(layers: dict[str, gpd.GeoDataFrame], folder: Path) -> None:
    for name, layer in layers.items():
        layer.to_parquet(folder / f"{name}.parquet", write_covering_bbox=True)


def _degrees(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return a layer in degrees; CGCS2000 is given out as WGS 84, from which it differs by less than a metre."""
    return layer.to_crs(layer.crs.geodetic_crs).set_crs(4326, allow_override=True)
