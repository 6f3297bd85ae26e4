"""The question a reader puts together: cutoff, person, service, time of the week."""

from __future__ import annotations

import datetime as dt
from functools import partial

import streamlit as st

from app.parts.widgets import person_name
from app.state.address import read_whole, remember
from app.state.cache import Asked
from app.state.settings import Settings, read_settings
from gridgeo.coverage.assess import list_services
from gridgeo.coverage.wording import word_kind
from gridgeo.network.persons import PERSONS
from gridgeo.plan import Plan
from gridgeo.texts import text

DAYS = ("any", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NOON = dt.time(12)
UNITS = ("metres", "minutes")
OTHER_M = 800
METRES = (50, 5000)
"""The least and the greatest cutoff that a page asks for."""
MINUTES = (1, 90)
"""The shortest and the longest walking time that a page asks for."""
USUAL_MIN = 15
"""The walking time first asked for: the 15-minute circle of GB 50180-2018."""


def choose_cutoffs() -> tuple[tuple[float, ...], float | None]:
    """Let the reader choose the walking distances, or a walking time.

    Returns
    -------
    cutoffs_m : tuple of float
        Metres, the shortest first.
    minutes : float or None
        The time that was chosen instead.
    """
    usual = read_settings().cutoffs_m
    options = ["all", *(f"{cutoff:g}" for cutoff in usual), "other", "time"]
    remember("cutoff", lambda said: said if said in options else None, "all")
    chosen = st.segmented_control(
        text("app.cutoff"),
        options,
        format_func=partial(_cutoff_name, usual),
        key="cutoff",
        required=True,
        label_visibility="collapsed",
    )
    if chosen == "other":
        remember("metres", read_metres, OTHER_M)
        metres = st.number_input(text("app.cutoff.number"), *METRES, step=50, key="metres", width=140)
        return (float(metres),), None
    if chosen == "time":
        remember("minutes", read_minutes, USUAL_MIN)
        return usual, float(st.number_input(_whose_minutes(), *MINUTES, step=1, key="minutes", width=220))
    return usual if chosen in ("all", None) else (float(chosen),), None


def read_metres(said: str) -> int | None:
    """Read a walking distance from a page's address.

    Parameters
    ----------
    said : str
        What stands there.

    Returns
    -------
    int or None
        Metres; None when it is no distance the app asks for.
    """
    return read_whole(said, *METRES)


def read_minutes(said: str) -> int | None:
    """Read a walking time from a page's address.

    Parameters
    ----------
    said : str
        What stands there.

    Returns
    -------
    int or None
        Minutes; None when it is no time the app asks for.
    """
    return read_whole(said, *MINUTES)


def _whose_minutes() -> str:
    """Say whose time is asked for on the overview."""
    usual = read_settings()
    person = "adult" if usual.person == "any" else usual.person
    speed = f"{usual.speeds_m_per_min[person]:g}"
    return text("app.cutoff.minutes", person=person_name(person), speed=speed)


def ask(plan: Plan) -> Asked:
    """Draw the choices and return what was asked.

    Parameters
    ----------
    plan : Plan
        The plan, for the services its stations offer.

    Returns
    -------
    Asked
        The question.
    """
    usual = read_settings()
    cutoff, unit, person, service, day, hour = st.columns([3, 3, 4, 4, 3, 3], vertical_alignment="bottom")
    remember("ask_unit", lambda said: said if said in UNITS else None, UNITS[0])
    timed = (
        unit.segmented_control(
            text("app.unit"), UNITS, format_func=_unit_name, key="ask_unit", required=True, label_visibility="collapsed"
        )
        == "minutes"
    )
    if timed:
        remember("ask_minutes", read_minutes, USUAL_MIN)
        said = cutoff.number_input(text("app.cutoff.time"), *MINUTES, step=1, key="ask_minutes")
    else:
        remember("ask_cutoff", read_metres, round(usual.cutoffs_m[0]))
        said = cutoff.number_input(text("app.cutoff"), *METRES, step=50, key="ask_cutoff")
    # Time passes for somebody: who walks must be said.
    persons = tuple(PERSONS) if timed else ("any", *PERSONS)
    usually = usual.person if usual.person in persons else persons[0]
    remember("ask_person", lambda said: said if said in persons else None, usually)
    shown = partial(_person_name, usual) if timed else partial(_person_name, None)
    who = person.selectbox(text("app.person"), persons, format_func=shown, key="ask_person")
    offered = sorted({name for services in plan.stations["services"] for name in list_services(services)})
    services = ("any", *offered)
    remember("ask_service", lambda said: said if said in services else None, "any")
    what = service.selectbox(text("app.service"), services, format_func=_service_name, key="ask_service")
    remember("ask_day", lambda said: said if said in DAYS else None, "any")
    when = day.selectbox(text("app.day"), DAYS, format_func=_day_name, key="ask_day")
    clock = NOON
    if when != "any":
        remember("ask_hour", read_hour, NOON)
        clock = hour.time_input(text("app.hour"), key="ask_hour")
    return Asked(
        cutoff_m=usual.cutoffs_m[0] if timed else float(said),
        cutoff_min=float(said) if timed else None,
        walking=usual.walking(who),
        service=None if what == "any" else what,
        at=None if when == "any" else f"{when} {clock:%H:%M}",
    )


def read_hour(said: str) -> dt.time | None:
    """Read a time of the day from a page's address.

    Parameters
    ----------
    said : str
        What stands there.

    Returns
    -------
    time or None
        Hour and minute; None when it is no time.
    """
    try:
        return dt.datetime.strptime(said[:5], "%H:%M").time()  # noqa: DTZ007 - a clock's hand, nowhere in particular
    except ValueError:
        return None


def _cutoff_name(usual: tuple[float, ...], option: str) -> str:
    if option == "all":
        return text("app.cutoff.all", cutoffs=text("app.cutoff.and").join(f"{cutoff:g}" for cutoff in usual))
    if option in ("other", "time"):
        return text(f"app.cutoff.{option}_short")
    return text("app.cutoff.metres", cutoff=option)


def _unit_name(unit: str) -> str:
    return text(f"app.unit.{unit}")


def _person_name(pace: Settings | None, person: str) -> str:
    """Name a person; with their speed where it counts."""
    name = person_name(person)
    return name if pace is None else text("app.person.pace", person=name, speed=f"{pace.speeds_m_per_min[person]:g}")


def _service_name(service: str) -> str:
    return text("app.service.any") if service == "any" else word_kind(service)


def _day_name(day: str) -> str:
    return text(f"app.day.{day}")
