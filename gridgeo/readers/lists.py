"""Lists of people, needs, visits and enterprises into a plan: what their rows name is looked up in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import cast

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from gridgeo.errors import Fault, GridgeoError, InputError
from gridgeo.plan import Plan, check_plan
from gridgeo.readers.columns import LISTS, read_profile
from gridgeo.readers.ground import Ground
from gridgeo.readers.intake import EVERY_FILE, Intake, Source
from gridgeo.readers.lookup import look_up
from gridgeo.readers.names import WORDS
from gridgeo.readers.raw import ROW, RawLayer
from gridgeo.readers.report import Findings, ImportReport, Taken
from gridgeo.schema import LAYERS, complete_layer, place_nowhere

ListSource = Source | Sequence[Source] | Mapping[str, Source]
"""One table, several, or those of several roles (of people)."""


@dataclass(frozen=True)
class _Table:
    """One table of a list, and the role of those people in it that it says none of."""

    source: Source
    role: str | None = None


def prepare_lists(
    plan: Plan,
    *,
    crs: object = None,
    profile: str | Path | Mapping[str, Mapping[str, str]] | None = None,
    skip_faulty: bool = False,
    fresh: bool = False,
    **lists: ListSource | None,
) -> ImportReport:
    """Add lists of people, needs, visits and enterprises to a plan, and tell all that was found on the way.

    Parameters
    ----------
    plan : Plan
        The plan.
    crs, profile, skip_faulty : object
        As for `gridgeo.readers.import_plan`.
    fresh : bool
        Whether a list takes the place of the plan's rows. Otherwise it is added to them, and a row whose identifier
        the plan knows takes the place of that row.
    **lists : path, DataFrame, list of them, or mapping from role to one
        ``enterprises``, ``people``, ``needs``, ``visits``. A row says where it is by coordinates, or by the household,
        building, station, grid or unit it names, by identifier, code or name.

    Returns
    -------
    ImportReport
        The plan with them (None when there are faults), faults, repairs, mappings, rows set aside, remarks, and in
        `taken` how many rows are new.

    Raises
    ------
    FileError
        If the profile cannot be read.
    InputError
        If `crs` names a list that is not given.
    """
    unknown = set(lists) - set(LISTS)
    if unknown:
        raise TypeError(f"there are no lists {sorted(unknown)}")
    require_files(crs, {name for name, given in lists.items() if given is not None})
    found = Findings()
    task = Intake(found, crs, choose_columns(profile), skip_faulty=skip_faulty)
    added = read_lists(task, {name: given for name, given in lists.items() if given is not None}, plan, fresh=fresh)
    if added is None or found.faults:
        return ImportReport(None, found)
    remarks = tuple(fault for fault in check_plan(added) if fault.layer in lists)
    return ImportReport(added, found, remarks)


def read_lists(task: Intake, given: Mapping[str, ListSource], plan: Plan | None, *, fresh: bool = False) -> Plan | None:
    """Read lists one after the other, each into the plan that the next one is looked up in.

    Parameters
    ----------
    task : Intake
        The import; faults and repairs are added to its findings.
    given : mapping of str to ListSource
        Layer → where its rows come from.
    plan : Plan or None
        What the rows name things of; None when that has faults itself, and the lists are only checked.
    fresh : bool
        Whether a list takes the place of the plan's rows.

    Returns
    -------
    Plan or None
        The plan with the lists; None when there are faults.
    """
    if plan is not None and _asks_for_persons(task.chosen, given):
        plan = plan.replace(info=replace(plan.info, personal=True))
    for name in LISTS:
        if name not in given:
            continue
        frames: list[gpd.GeoDataFrame] = []
        for table in _tables(given[name]):
            frame = read_list(task, name, table.source, plan, role=table.role)
            if frame is not None:
                _name_repeated(task, name, frame, frames)
                frames.append(frame)
        if plan is not None and frames and not task.found.faults:
            plan = _add(task.found, name, frames, plan, fresh=fresh)
    return None if task.found.faults else plan


def read_list(
    task: Intake, name: str, source: Source, plan: Plan | None, *, role: str | None = None
) -> gpd.GeoDataFrame | None:
    """Read one table of a list.

    Parameters
    ----------
    task : Intake
        The import.
    name : str
        One of `gridgeo.readers.columns.LISTS`.
    source : Source
        The table.
    plan : Plan, optional
        What its rows name things of.
    role : str, optional
        The role of people of whom the table says none, also in Chinese (``志愿者``).

    Returns
    -------
    GeoDataFrame or None
        Its rows, checked; None when it cannot be read at all.
    """
    ground = Ground() if plan is None else plan_ground(plan)
    return task.read_layer(name, source, ground, finish=partial(_finish, task.found, name, plan, role))


def plan_ground(plan: Plan) -> Ground:
    """Return the place of a plan, for files to be compared with.

    Parameters
    ----------
    plan : Plan
        The plan.

    Returns
    -------
    Ground
        Its system, district, streets and buildings.
    """
    try:
        district = gpd.GeoSeries([plan.district], crs=plan.crs)
    except GridgeoError:  # a plan without units has no district
        return Ground(CRS.from_user_input(plan.crs))
    return Ground(CRS.from_user_input(plan.crs), district, plan.streets, plan.buildings)


def choose_columns(
    profile: str | Path | Mapping[str, Mapping[str, str]] | None,
) -> dict[str, Mapping[str, str]]:
    """Return the columns that a person has set, from a file or as they are.

    Parameters
    ----------
    profile : path or mapping, optional
        Which column of the file is which column of the layer, by layer.

    Returns
    -------
    dict
        Layer → column of the layer → column of the file.

    Raises
    ------
    FileError
        If the file cannot be read.
    """
    return dict(read_profile(profile)) if isinstance(profile, (str, Path)) else dict(profile or {})


def require_files(crs: object, given: Collection[str]) -> None:
    """Refuse a coordinate system that is said of a layer without a file: most likely its name is misspelt.

    Parameters
    ----------
    crs : object
        As for `gridgeo.readers.import_plan`.
    given : collection of str
        The layers that have files.

    Raises
    ------
    InputError
        If there is such a layer.
    """
    named = set(crs) - {EVERY_FILE} if isinstance(crs, Mapping) else set()
    for layer in sorted(named - set(given)):
        raise InputError("crs_without_file", value=layer, allowed=", ".join(sorted(given)))


def _tables(given: ListSource) -> list[_Table]:
    if isinstance(given, Mapping):
        return [_Table(source, WORDS["role"].get(role, role)) for role, source in given.items()]
    if isinstance(given, (list, tuple)):
        return [_Table(source) for source in given]
    return [_Table(cast("Source", given))]


def _finish(
    found: Findings, name: str, plan: Plan | None, role: str | None, frame: gpd.GeoDataFrame, raw: RawLayer
) -> gpd.GeoDataFrame:
    """Fill in the role, and look up what the rows name."""
    if name == "people" and role is None and "role" not in frame:
        found.faults.append(Fault(key="role_unsaid", layer=name, file=raw.file))
        frame = frame.assign(role="-")  # named already
    elif name == "people" and role is not None:
        said = frame["role"] if "role" in frame else pd.Series(None, index=frame.index, dtype="object")
        frame = frame.assign(role=said.where(said.notna(), role))
    return frame if plan is None else look_up(name, frame, raw, plan, found)


def _asks_for_persons(chosen: Mapping[str, Mapping[str, str]], given: Mapping[str, ListSource]) -> bool:
    """Tell whether a column that tells who somebody is was set by a person: that asks for it to be kept."""
    return any(
        column.personal and chosen.get(name, {}).get(column.name) for name in given for column in LAYERS[name].columns
    )


def _name_repeated(task: Intake, name: str, frame: gpd.GeoDataFrame, before: list[gpd.GeoDataFrame]) -> None:
    """Name rows whose identifier stands in an earlier table of the same import."""
    column = LAYERS[name].id_column
    known = set().union(*(each[column] for each in before))
    for at in frame.index[frame[column].isin(known)]:
        row, value = int(frame[ROW].loc[at]), frame[column].loc[at]
        task.found.faults.append(Fault(key="duplicate_id", layer=name, row=row, column=column, value=value))


def _add(found: Findings, name: str, frames: list[gpd.GeoDataFrame], plan: Plan, *, fresh: bool) -> Plan:
    """Put rows into a plan; a row that it knows takes the place of the old one."""
    personal = plan.info.personal
    new = pd.concat([complete_layer(name, frame.drop(columns=ROW), personal=personal) for frame in frames])
    old: gpd.GeoDataFrame = getattr(plan, name)
    column = LAYERS[name].id_column
    again = old[column].isin(new[column])
    updated = int(again.sum())
    if fresh:
        kept = old.iloc[:0]
    else:
        kept = old[~again]
        _refuse_others(found, name, old[again], new)
    found.taken[name] = Taken(len(new) - updated, updated, len(old) - updated - len(kept), len(kept))
    rows = new if kept.empty else pd.concat([complete_layer(name, kept, personal=personal), new])
    if not LAYERS[name].geometry:
        rows = place_nowhere(name, pd.DataFrame(rows.drop(columns=rows.geometry.name)), plan.crs)
    try:
        return plan.replace(**{name: rows.reset_index(drop=True)})
    except InputError as error:
        found.faults += error.faults or [Fault(key=error.key, layer=name, values=dict(error.values))]
        return plan


def _refuse_others(found: Findings, name: str, old: gpd.GeoDataFrame, new: pd.DataFrame) -> None:
    """Refuse to let one person take another's place: lists of two roles often number from 1 both."""
    if name != "people":
        return
    roles = new.drop_duplicates("person_id").set_index("person_id")["role"]
    for value, role in zip(old["person_id"], old["role"], strict=True):
        if roles[value] != role:
            values: dict[str, object] = {"role": role, "other": roles[value]}
            found.faults.append(Fault(key="person_of_other_role", layer=name, value=value, values=values))
