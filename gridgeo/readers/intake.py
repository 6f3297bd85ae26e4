"""One layer after the other, from files or from tables in memory, with all that is found on the way."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from gridgeo.crs import to_metric
from gridgeo.errors import CRSError, Fault, FileError, GridgeoError, InputError
from gridgeo.readers.bounded import read_file
from gridgeo.readers.clean import Repair
from gridgeo.readers.columns import LISTS, personal_names
from gridgeo.readers.coordinates import require_known_datum
from gridgeo.readers.ground import Ground
from gridgeo.readers.names import HIDDEN
from gridgeo.readers.osm import OsmLayers, read_osm
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.report import Findings
from gridgeo.readers.shaping import shape_layer
from gridgeo.readers.sniff import sniff
from gridgeo.schema import check_layer

Source: TypeAlias = str | Path | gpd.GeoDataFrame | pd.DataFrame | RawLayer | OsmLayers
"""A file, also as ``file.xlsx|sheet``; a table in memory; rows read before; or, for streets, all layers of OSM."""

EVERY_FILE = "*"
"""Stands in a mapping of coordinate systems for the files it does not name."""

_LINES_FIRST = ("streets", "barriers", "buildings", "gates", "units", "households", "stations")


class Intake:
    """The steps of one import, which share what they find.

    Parameters
    ----------
    found : Findings
        What is found is added to it.
    crs : object
        As for `gridgeo.readers.import_plan`.
    chosen : mapping
        Layer → columns that a person has set.
    skip_faulty : bool
        Whether faulty rows are set aside.
    """

    def __init__(
        self, found: Findings, crs: object, chosen: Mapping[str, Mapping[str, str]], *, skip_faulty: bool
    ) -> None:
        self.found, self.crs, self.chosen, self.skip_faulty = found, crs, chosen, skip_faulty
        self._ahead: dict[str, Future[RawLayer]] = {}
        self.district_name: str | None = None
        """What the boundary's own table calls the district; known once it has been read."""

    @contextmanager
    def reading_ahead(self, sources: Mapping[str, Source]) -> Iterator[None]:
        """Have the files read side by side, each by its own child, before their turn comes.

        Parameters
        ----------
        sources : mapping of str to Source
            Layer → where it comes from.

        Yields
        ------
        None
            While they are read; at the end no child is left.
        """
        files = {
            name: source for name, source in sources.items() if isinstance(source, (str, Path)) and not is_osm(source)
        }
        pool = ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1))
        try:
            # Each in a context of its own, which knows the language to word a refusal in.
            self._ahead = {
                name: pool.submit(copy_context().run, read_rows, source, name) for name, source in files.items()
            }
            yield
        finally:
            pool.shutdown(cancel_futures=True)

    def read_boundary(self, source: Source) -> gpd.GeoSeries | None:
        """Read the district as one area.

        Parameters
        ----------
        source : Source
            The boundary.

        Returns
        -------
        GeoSeries or None
            One area in metres; None when there are faults.
        """
        frame = self.read_layer("units", source, Ground(), stated="boundary")
        if frame is None or self.found.faults:
            return None
        area = shapely.union_all(frame.geometry.to_numpy())
        if area.is_empty or area.area == 0:
            self.found.faults.append(Fault(key="empty_district", layer="boundary", file=file_of(source)))
            return None
        names = frame["name"].dropna().unique() if "name" in frame else []
        self.district_name = str(names[0]) if len(names) == 1 else None
        return gpd.GeoSeries([area], crs=frame.crs)

    def read_layers(self, given: Mapping[str, Source], district: gpd.GeoSeries) -> dict[str, gpd.GeoDataFrame]:
        """Read all layers, the ones that others are compared with first.

        Parameters
        ----------
        given : mapping of str to Source
            Layer → where it comes from.
        district : GeoSeries
            What `read_boundary` gave.

        Returns
        -------
        dict
            Layer → its rows, in the district's system.
        """
        layers: dict[str, gpd.GeoDataFrame] = {}
        ground = Ground(CRS.from_user_input(district.crs), district)
        for name in _LINES_FIRST:
            if name not in given:
                continue
            source = given[name]
            if name == "streets" and is_osm(source):
                layers |= self._read_osm(source, district, given)
            else:
                frame = self.read_layer(name, source, ground)
                if frame is not None:
                    layers[name] = frame
            if name in {"streets", "buildings"}:
                ground = replace(ground, streets=layers.get("streets"), buildings=layers.get("buildings"))
        return layers

    def _read_osm(
        self, source: Source, district: gpd.GeoSeries, given: Mapping[str, Source]
    ) -> dict[str, gpd.GeoDataFrame]:
        try:
            if isinstance(source, OsmLayers):
                osm = source
            else:
                osm = read_osm(split_source(str(source))[0], boundary=district, crs=district.crs)
        except GridgeoError as error:
            self._stop("streets", source, error)
            return {}
        if osm.cut:
            self.found.repairs.append(Repair("streets", file_of(source) or "", None, None, osm.cut, None, "osm_cut"))
        layers = {name: to_metric(layer, district.crs, layer=name) for name, layer in osm.layers().items()}
        return {name: layer for name, layer in layers.items() if name == "streets" or name not in given}

    def read_layer(
        self,
        name: str,
        source: Source,
        ground: Ground,
        *,
        stated: str | None = None,
        finish: Callable[[gpd.GeoDataFrame, RawLayer], gpd.GeoDataFrame] | None = None,
    ) -> gpd.GeoDataFrame | None:
        """Read and check one layer.

        Parameters
        ----------
        name : str
            The layer.
        source : Source
            Where it comes from.
        ground : Ground
            What is known of the place so far.
        stated : str, optional
            What its user calls it, where that is not `name`.
        finish : callable, optional
            Is given the rows as read, to complete them before they are checked.

        Returns
        -------
        GeoDataFrame or None
            Its rows in metres; None when it cannot be read at all.
        """
        label = stated or name
        try:
            # What went wrong when it was read ahead is raised here, where it is made a fault of its layer.
            raw = self._ahead[label].result() if label in self._ahead else read_rows(source, label)
            if stated == "boundary" and len(raw.table) == 0:
                raise InputError("empty_district")
            crs = self._system_of(label, raw)
            chosen = self.chosen.get(label)
            before = len(self.found.faults)
            frame = shape_layer(name, raw, ground, self.found, crs=crs, chosen=chosen)
            frame = frame if finish is None else finish(frame, raw)
        except GridgeoError as error:
            self._stop(label, source, error)
            return None
        if stated == "boundary":
            self.found.repairs = [each for each in self.found.repairs if each.why not in {"made_id", "no_level"}]
            kept = [column for column in (ROW, "name", frame.geometry.name) if column in frame]
            frame = frame[kept].assign(unit_id=frame[ROW].astype("str"), level="boundary")
        rows = frame[ROW].to_numpy()
        used, about_persons = self.found.mappings[name].columns, personal_names(name, raw.columns)
        for fault in check_layer(name, frame):
            row = None if fault.row is None else int(rows[fault.row - 1])
            source = used.get(str(fault.column))
            value = HIDDEN if source in about_persons else fault.value
            # The sentence calls the column as the file does.
            more = {} if source is None else {"column": source}
            told = replace(fault, row=row, file=raw.file, layer=label, value=value)
            self.found.faults.append(told.with_values(**more))
        return self._set_aside(label, raw, frame, before)

    def _system_of(self, label: str, raw: RawLayer) -> object:
        """Return the system said for a file: for it alone, else for all that do not say theirs."""
        said: Mapping[str, object] = self.crs if isinstance(self.crs, Mapping) else {EVERY_FILE: self.crs}
        if said.get(label) is not None:
            return said[label]
        # Households, stations and lists are believed last: what they state is often what a program filled in.
        doubted = label in {"households", "stations", *LISTS}
        return None if not doubted and _says_enough(raw.crs) else said.get(EVERY_FILE)

    def _set_aside(self, label: str, raw: RawLayer, frame: gpd.GeoDataFrame, before: int) -> gpd.GeoDataFrame:
        """Take faulty rows out when asked to; they are listed, never lost."""
        here = self.found.faults[before:]
        if not self.skip_faulty or any(fault.row is None for fault in here):
            return frame
        for fault in here:
            self.found.rejected.append(replace(fault, layer=label, file=raw.file).as_dict())
        del self.found.faults[before:]
        return frame[~frame[ROW].isin({fault.row for fault in here})]

    def _stop(self, label: str, source: Source, error: GridgeoError) -> None:
        if error.faults:
            self.found.faults += [replace(fault, layer=label) for fault in error.faults]
            return
        values = {"layer": label} | dict(error.values)
        self.found.faults.append(Fault(key=error.key, layer=label, file=file_of(source), values=values))


def _says_enough(crs: CRS | None) -> bool:
    """Tell whether a file's own statement of its system can be followed."""
    try:
        return crs is not None and require_known_datum(crs) is not None
    except CRSError:
        return False


def read_rows(source: object, label: str, *, sheet: str | None = None, first: bool = False) -> RawLayer:
    """Return the rows of a file or of a table in memory.

    Parameters
    ----------
    source : Source
        The file or the table.
    label : str
        What it is called where it has no file name.
    sheet : str, optional
        Which sheet or layer of the file.
    first : bool
        Whether to take the first layer where there are several and none was said.

    Returns
    -------
    RawLayer
        The rows.

    Raises
    ------
    FileError
        If it cannot be read.
    """
    if isinstance(source, RawLayer):
        return source
    if isinstance(source, (str, Path)):
        path, said = split_source(source)
        return read_file(path, layer=sheet or said, first=first)
    if isinstance(source, gpd.GeoDataFrame):
        geometry = source.geometry.reset_index(drop=True)
        table = pd.DataFrame(source.drop(columns=source.geometry.name)).reset_index(drop=True)
        table[ROW] = np.arange(1, len(table) + 1)
        return RawLayer(label, "memory", table, geometry, source.crs)
    if isinstance(source, pd.DataFrame):
        table = source.reset_index(drop=True)
        return RawLayer(label, "memory", table.assign(**{ROW: np.arange(1, len(table) + 1)}))
    raise TypeError(f"{label} is a path or a table, not {type(source).__name__}")


def split_source(source: str | Path) -> tuple[Path, str | None]:
    """Take a path and the sheet or layer behind it apart.

    Parameters
    ----------
    source : str or Path
        ``file`` or ``file|layer``; no file name of Windows holds a bar.

    Returns
    -------
    path : Path
        The file.
    layer : str or None
        The sheet or layer.
    """
    path, bar, layer = str(source).rpartition("|")
    return (Path(path), layer.removeprefix("layername=")) if bar and path else (Path(source), None)


def is_osm(source: object) -> bool:
    """Tell whether a source is an OSM extract.

    Parameters
    ----------
    source : Source
        Whatever was given.

    Returns
    -------
    bool
        True for an OSM file, or its layers.
    """
    try:
        if isinstance(source, OsmLayers):
            return True
        return isinstance(source, (str, Path)) and sniff(Path(source)) == "osm"
    except FileError:
        return False


def file_of(source: object) -> str | None:
    """Return the name to call a source's file by.

    Parameters
    ----------
    source : Source
        Whatever was given.

    Returns
    -------
    str or None
        The file's name without its folder; None for a table in memory.
    """
    if isinstance(source, RawLayer):
        return source.file
    return split_source(source)[0].name if isinstance(source, (str, Path)) else None
