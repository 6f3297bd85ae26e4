"""Reading a file from outside in a child process, with limits of time and memory and only the drivers it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyarrow import feather
from pyproj import CRS

from gridgeo.errors import FileError
from gridgeo.readers.archive import check_zip, require_plain_xml, unpack_layer
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.sniff import TABLE_KINDS, Kind, refusal, sniff
from gridgeo.texts import current_language

TIMEOUT_S = 120.0
"""How long reading one file may take."""

OSM_TIMEOUT_S = 600.0
"""How long reading one OSM extract may take: that of a province is read for one district, in two passes."""

Box = tuple[float, float, float, float]
"""West, south, east and north in degrees."""

_OUT_OF_MEMORY, _FAILED = 3, 4
_DRIVERS: dict[Kind, tuple[str, ...]] = {
    "gpkg": ("GPKG",),
    "shp": ("ESRI Shapefile",),
    "geojson": ("GeoJSON",),
    "kml": ("LIBKML",),
    "fgb": ("FlatGeobuf",),
}


def read_file(
    path: str | Path, *, layer: str | None = None, first: bool = False, timeout_s: float = TIMEOUT_S
) -> RawLayer:
    """Read one layer or table of a file that may come from anyone.

    Parameters
    ----------
    path : str or Path
        A plain local file: GeoPackage, Shapefile (also zipped), GeoJSON, KML (also KMZ), FlatGeobuf, GeoParquet, CSV,
        XLSX or XLS. What it is is told by its content.
    layer : str, optional
        Which layer or sheet, where there are several.
    first : bool
        Whether to take the first one where there are several and none was said, rather than ask.
    timeout_s : float
        How long it may take, in seconds.

    Returns
    -------
    RawLayer
        Its rows as they came.

    Raises
    ------
    FileError
        If there is no such file, or it is damaged, hostile, too large, too slow, or none of these kinds.
    """
    path = Path(path)
    kind = sniff(path)
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        source, out = path, Path(folder) / "out"
        out.mkdir()
        if kind in {"zip", "xlsx"}:
            check_zip(path)
        if kind == "xlsx":
            require_plain_xml(path)
        if kind == "zip":
            inner = Path(folder) / "in"
            inner.mkdir()
            source = unpack_layer(path, inner)
            kind = sniff(source)
            if kind in {"zip", "osm"}:
                raise refusal(path, "unpack_first")
        if kind == "osm":
            raise refusal(path, "osm_elsewhere")
        said = _run_child(path, {"path": str(source.resolve()), "layer": layer, "first": first}, kind, out, timeout_s)
        return _collect(path, said, out)


def read_osm_tables(
    path: Path, *, box: Box | None = None, streets_only: bool = False, timeout_s: float = OSM_TIMEOUT_S
) -> tuple[dict[str, pd.DataFrame], int]:
    """Read an OSM extract that may come from anyone.

    Parameters
    ----------
    path : Path
        A plain local file, PBF or XML.
    box : tuple of float, optional
        West, south, east and north in degrees; whatever touches it is read in whole. Everything when left out.
    streets_only : bool
        Whether nothing but the streets is wanted.
    timeout_s : float
        How long it may take, in seconds.

    Returns
    -------
    tables : dict
        Layer → its rows: ``kind`` and ``number`` of the OSM element, the layer's columns, ``geometry`` in degrees.
    cut : int
        How many of the streets run through nodes that the extract lacks, and are drawn without these.

    Raises
    ------
    FileError
        If there is no such file, or it is not an OSM extract, or damaged, hostile, too large or too slow.
    """
    if sniff(path) != "osm":
        raise refusal(path, "not_osm")
    with tempfile.TemporaryDirectory(prefix="gridgeo-") as folder:
        out = Path(folder)
        request = {"path": str(path.resolve()), "box": box, "streets_only": streets_only}
        said = _run_child(path, request, "osm", out, timeout_s)
        tables = {}
        for left in sorted(out.glob("*.feather")):
            rows = feather.read_table(str(left), memory_map=False)
            shapes = shapely.from_wkb(rows.column("geometry").to_numpy())
            tables[left.stem] = rows.drop_columns("geometry").to_pandas().assign(geometry=shapes)
    return tables, int(said["cut"])


def _run_child(path: Path, request: dict[str, Any], kind: Kind, out: Path, timeout_s: float) -> dict[str, Any]:
    """Have the child read; return what it said, or raise what it refused the file for."""
    try:
        code = start_child(json.dumps({**request, "kind": kind, "lang": current_language()}), kind, out, timeout_s)
    except subprocess.TimeoutExpired as error:
        raise refusal(path, "child_slow", seconds=round(timeout_s)) from error
    answer = out / "said.json"
    if code == _OUT_OF_MEMORY:
        raise refusal(path, "child_memory")
    if code == _FAILED:
        raise refusal(path, "damaged")
    if code != 0 or not answer.exists():
        raise refusal(path, "child_died_table" if kind in TABLE_KINDS else "child_died")
    said = dict(json.loads(answer.read_text(encoding="utf-8")))
    if "key" in said:
        raise FileError(said["key"], **{**said["values"], "file": path.name})
    return said


def start_child(request: str, kind: Kind, out: Path, timeout_s: float) -> int:
    """Run `gridgeo.readers.child` once.

    Parameters
    ----------
    request : str
        What it is to read, as JSON.
    kind : str
        What the file is: the one driver it may use follows from that.
    out : Path
        The folder for what it leaves.
    timeout_s : float
        How long it may take, in seconds.

    Returns
    -------
    int
        Its exit code.

    Raises
    ------
    subprocess.TimeoutExpired
        If it takes longer; it is ended.
    """
    done = subprocess.run(  # noqa: S603 - our own module, no shell
        [sys.executable, "-m", "gridgeo.readers.child", request, str(out)],
        # What it puts aside goes when the folder goes, however the child ends.
        env=child_environment(kind) | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(out)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=timeout_s,
        check=False,
    )
    return done.returncode


def child_environment(kind: Kind) -> dict[str, str]:
    """Return the child's environment: no driver but the one needed, no network, no file but the one given.

    Parameters
    ----------
    kind : str
        What the file is.

    Returns
    -------
    dict
        Name → value.
    """
    allowed = _DRIVERS.get(kind, ())
    skipped = ",".join(name for name in _all_drivers() if name not in allowed)
    package = str(Path(__file__).parents[2])
    path = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GDAL_", "OGR_", "CPL_", "VSI_"))}
    return {
        **kept,
        "PYTHONPATH": path,
        "GDAL_SKIP": skipped,
        "OGR_SKIP": skipped,
        "CPL_VSIL_CURL_ALLOWED_FILENAME": "none",
        "OGR_GEOJSON_MAX_OBJ_SIZE": "100",
        "OGR_SQLITE_LOAD_EXTENSIONS": "NO",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


@cache
def _all_drivers() -> tuple[str, ...]:
    return tuple(pyogrio.list_drivers())


def _collect(path: Path, said: dict[str, Any], out: Path) -> RawLayer:
    """Make the layer again of what the child wrote."""
    arrow = feather.read_table(str(out / "layer.feather"), memory_map=False)
    columns: dict[str, pd.Series] = {}
    for at, (name, mixed) in enumerate(zip(said["names"], said["mixed"], strict=True)):
        values = arrow.column(f"c{at}")
        if mixed:
            cells = [None if cell is None else json.loads(cell) for cell in values.to_pylist()]
            columns[name] = pd.Series(cells, dtype="object")
        else:
            columns[name] = values.to_pandas()
    crs = CRS.from_user_input(said["crs"]) if said["crs"] else None
    geometry = None
    if "geometry" in arrow.column_names:
        with np.errstate(invalid="ignore"):
            geometry = gpd.GeoSeries(shapely.from_wkb(arrow.column("geometry").to_numpy()), crs=crs)
    table = pd.DataFrame(columns).assign(**{ROW: arrow.column("row").to_numpy()})
    dropped, choices = tuple(said["dropped"]), tuple(said["choices"])
    return RawLayer(path.name, said["kind"], table, geometry, crs, dropped, choices)
