"""Every result can be taken along: tables, layers and the map, made when they are asked for."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
import streamlit as st

from app.parts.widgets import plain
from app.state import sign_in
from app.state.plans import file_stem
from app.state.public import PERSONAL_LAYERS, public_table
from gridgeo.coverage import Coverage
from gridgeo.coverage.wording import word_basis
from gridgeo.maps import level_table
from gridgeo.plan import Plan
from gridgeo.results import summary_table
from gridgeo.store import ENCODINGS
from gridgeo.store.shapefile import write_shapefile
from gridgeo.store.spreadsheet import as_table, write_csv, write_workbook
from gridgeo.texts import has_text, layer_label, text

Table: TypeAlias = pd.DataFrame | Callable[[], pd.DataFrame]
Layer: TypeAlias = gpd.GeoDataFrame | Callable[[], gpd.GeoDataFrame]

_SHAPES = ("point", "line", "polygon")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def offer_downloads(
    key: str,
    name: str,
    *,
    tables: Mapping[str, Table] | None = None,
    layers: Mapping[str, Layer] | None = None,
    map_file: Callable[[], bytes] | None = None,
    maps: Mapping[str, Callable[[], bytes]] | None = None,
) -> None:
    """Let the reader take along what the page shows.

    Parameters
    ----------
    key : str
        What tells this offer from others on the page.
    name : str
        What the files are called.
    tables : mapping, optional
        Name → table, or what makes it: offered as one workbook and as CSV.
    layers : mapping, optional
        Name → layer in metres, or what makes it: offered as GeoPackage and Shapefile. A viewer gets none of people.
    map_file : callable, optional
        Makes the map as one HTML file.
    maps : mapping, optional
        Name → the same, of a page that shows several.
    """
    stem = file_stem(name)
    allowed = dict(layers or {})
    if not sign_in.reader().may_edit:
        allowed = {each: layer for each, layer in allowed.items() if each not in PERSONAL_LAYERS}
    with st.popover(text("app.download"), icon=":material/download:"):
        if tables:
            _offer(key, f"{stem}.xlsx", "xlsx", partial(pack_workbook, _shown(tables)), _XLSX)
            kind = ("csv", "text/csv") if len(tables) == 1 else ("zip", "application/zip")
            _offer(key, f"{stem}.{kind[0]}", "csv", partial(pack_csv, _shown(tables)), kind[1])
        if allowed:
            _offer(key, f"{stem}.gpkg", "gpkg", partial(pack_geopackage, allowed), "application/geopackage+sqlite3")
            for encoding in ENCODINGS:
                make = partial(pack_shapefiles, allowed, encoding)
                _offer(key, f"{stem}-{encoding}.zip", f"shp_{encoding.replace('-', '')}", make, "application/zip")
        if map_file is not None:
            _offer(key, f"{stem}.html", "html", map_file, "text/html")
        for number, (each, make) in enumerate((maps or {}).items()):
            _offer(f"{key}_{number}", f"{file_stem(each)}.html", "html", make, "text/html", of=each)
        if maps or map_file is not None:
            st.caption(text("app.download.png"))


def offer_answer(
    key: str,
    plan: Plan,
    coverages: Sequence[Coverage],
    *,
    gaps: gpd.GeoDataFrame,
    service_areas: gpd.GeoDataFrame,
    map_file: Callable[[], bytes],
) -> None:
    """Let the reader take along who can walk to a station.

    Parameters
    ----------
    key : str
        As for `offer_downloads`.
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        One for each cutoff, the shortest first.
    gaps, service_areas : GeoDataFrame
        As `gridgeo.find_gaps` and `gridgeo.service_areas` give them.
    map_file : callable
        Makes the map as one HTML file.
    """
    single = sign_in.reader().may_edit
    levels = {
        str(level.name): partial(_level_table, plan, coverages, level.level, public=not single)
        for level in plan.info.levels
    }
    tables: dict[str, Table] = dict(levels)
    tables[text("app.file.gaps")] = partial(_gap_table, gaps)
    layers: dict[str, Layer] = {
        "service_areas": service_areas,
        "grids": partial(area_layer, plan, coverages, plan.info.levels[-1].level, public=not single),
        "units": partial(_unit_layer, plan, coverages, public=not single),
    }
    tables[text("pages.file.basis")] = partial(_basis_table, coverages)
    if single:
        layers["gaps"] = gaps
        layers["households"] = partial(household_layer, plan, coverages[0])
        tables[text("app.file.summary")] = partial(summary_table, plan, tuple(coverages))
        tables[layer_label("households")] = partial(_plain_table, layers["households"])
    named = {name: layer for name, layer in layers.items() if callable(layer) or len(layer)}
    offer_downloads(key, str(plan.info.name), tables=tables, layers=named, map_file=map_file)


def pack_workbook(tables: Mapping[str, Table]) -> bytes:
    """Write tables as one workbook.

    Parameters
    ----------
    tables : mapping
        Sheet → table, or what makes it.

    Returns
    -------
    bytes
        An XLSX file in which every text is a text.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tables.xlsx"
        write_workbook({file_stem(name): _made(table) for name, table in tables.items()}, path)
        return path.read_bytes()


def pack_csv(tables: Mapping[str, Table]) -> bytes:
    """Write tables as CSV that Excel opens.

    Parameters
    ----------
    tables : mapping
        Name → table, or what makes it.

    Returns
    -------
    bytes
        One CSV file, or a ZIP of several.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, table in tables.items():
            write_csv(_made(table), Path(folder) / f"{file_stem(name)}.csv", encoding="utf-8")
        files = sorted(Path(folder).iterdir())
        return files[0].read_bytes() if len(files) == 1 else zip_files(files)


def pack_geopackage(layers: Mapping[str, Layer]) -> bytes:
    """Write layers as one GeoPackage.

    Parameters
    ----------
    layers : mapping
        Name → layer, or what makes it.

    Returns
    -------
    bytes
        The file.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layers.gpkg"
        for name, layer in layers.items():
            frame = _made(layer)
            options = {} if path.exists() else {"VERSION": "1.3"}
            pyogrio.write_dataframe(
                frame, path, layer=name, driver="GPKG", append=path.exists(), dataset_options=options
            )
        return path.read_bytes()


def pack_shapefiles(layers: Mapping[str, Layer], encoding: str) -> bytes:
    """Write layers as Shapefiles, one for each kind of shape.

    Parameters
    ----------
    layers : mapping
        Name → layer, or what makes it.
    encoding : {'utf-8', 'gbk'}
        Of their texts; a ``.cpg`` file says so.

    Returns
    -------
    bytes
        A ZIP with a table of the columns' full names beside them.
    """
    fields: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, layer in layers.items():
            frame = _made(layer)
            dimension = shapely.get_dimensions(frame.geometry.to_numpy())
            kinds = np.unique(dimension[dimension >= 0])
            for kind in kinds:
                label = name if len(kinds) == 1 else f"{name}_{_SHAPES[kind]}"
                part = frame[dimension == kind]
                names, _ = write_shapefile(part, Path(folder) / f"{label}.shp", name=name, encoding=encoding)
                fields += [(label, column, field) for column, field in names.items()]
        table = pd.DataFrame(fields, columns=["layer", "column", "field"])
        write_csv(table, Path(folder) / "fields.csv", encoding=encoding)
        return zip_files(sorted(Path(folder).iterdir()))


def zip_files(files: Iterable[Path]) -> bytes:
    """Pack files into one.

    Parameters
    ----------
    files : iterable of Path
        The files; their names without folders are kept.

    Returns
    -------
    bytes
        A ZIP file.
    """
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.name)
    return packed.getvalue()


def _offer(key: str, file: str, kind: str, make: Callable[[], bytes], mime: str, *, of: str = "") -> None:
    label = text(f"app.download.{kind}")
    st.download_button(
        plain(text("pages.download.of", what=label, name=of) if of else label),
        make,
        file_name=file,
        mime=mime,
        key=f"download_{key}_{kind}",
        on_click="ignore",
        width="stretch",
    )


def _level_table(plan: Plan, coverages: Sequence[Coverage], level: str, *, public: bool) -> pd.DataFrame:
    table = level_table(plan, coverages, level)
    return public_table(table, plan) if public else table


def area_layer(plan: Plan, coverages: Sequence[Coverage], level: str, *, public: bool) -> gpd.GeoDataFrame:
    """Return the grids or units of a level with their households and the shares of them that can walk to a station.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverages : sequence of Coverage
        One for each cutoff.
    level : str
        A level of the plan.
    public : bool
        Whether small counts are hidden, for viewers.

    Returns
    -------
    GeoDataFrame
        ``unit_id``, ``code``, ``name``, ``level``, then the columns of `gridgeo.maps.level_table`; of grids also what
        bounds them. An area without households has zero, and no rate.
    """
    finest = level == plan.info.levels[-1].level
    areas = plan.grids if finest else plan.units[plan.units["level"] == level]
    known = [name for name in ("code", "name", "bounds_zh", "bounds_en") if name in areas]
    shown = gpd.GeoDataFrame(areas[[*known, areas.geometry.name]])
    shown.insert(0, "unit_id", areas["grid_id" if finest else "unit_id"].to_numpy())
    shown.insert(1, "level", level)
    table = _level_table(plan, coverages, level, public=public).drop(columns="name").set_index("unit_id")
    found = shown.join(table, on="unit_id")
    missing = ~found["unit_id"].isin(table.index)
    found.loc[missing, "households"] = 0
    return found.reset_index(drop=True)


def _unit_layer(plan: Plan, coverages: Sequence[Coverage], *, public: bool) -> gpd.GeoDataFrame:
    levels = [level.level for level in plan.info.levels[:-1] if (plan.units["level"] == level.level).any()]
    made = [area_layer(plan, coverages, level, public=public) for level in levels]
    return gpd.GeoDataFrame(pd.concat(made, ignore_index=True), crs=plan.crs)


def _basis_table(coverages: Sequence[Coverage]) -> pd.DataFrame:
    """Say what the figures rest on, one row a cutoff."""
    rows = [{**each.basis, "sentence": word_basis([each])} for each in coverages]
    return pd.DataFrame([{name: None if value is None else str(value) for name, value in row.items()} for row in rows])


def _gap_table(gaps: gpd.GeoDataFrame) -> pd.DataFrame:
    """Word causes and remedies: this table is for people, the layer keeps the keys."""
    table = as_table(gaps)
    for column in ("cause", "remedy"):
        if column in table:
            table[column] = [_worded(column, code) for code in table[column]]
    return table


def _worded(kind: str, code: object) -> object:
    key = f"maps.{kind}.{code}"
    return text(key) if has_text(key) else code


def household_layer(plan: Plan, coverage: Coverage) -> gpd.GeoDataFrame:
    """Return the households with their walk beside what is known of them.

    Parameters
    ----------
    plan : Plan
        The plan.
    coverage : Coverage
        Who can walk in it.

    Returns
    -------
    GeoDataFrame
        The layer ``households`` with ``station_id``, ``distance_m``, ``straight_m``, ``covered``, ``reason`` and
        ``n_stations``.
    """
    found = coverage.households[["station_id", "distance_m", "straight_m", "covered", "reason", "n_stations"]]
    # A spreadsheet and a Shapefile hold no infinity.
    return plan.households.join(found.replace(np.inf, np.nan), on="household_id")


def _plain_table(layer: Layer) -> pd.DataFrame:
    return as_table(gpd.GeoDataFrame(_made(layer)))


def _shown(tables: Mapping[str, Table]) -> Mapping[str, Table]:
    if sign_in.reader().may_edit:
        return tables
    return {name: partial(_public, table) for name, table in tables.items()}


def _public(table: Table) -> pd.DataFrame:
    return public_table(_made(table))


def _made(what: Table | Layer) -> pd.DataFrame:
    return what() if callable(what) else what
