"""The question a reader puts together: cutoff, person, service, time of the week."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from app.parts.widgets import read_metres
from app.state.address import remember
from app.state.cache import Asked
from app.state.settings import read_settings
from gridgeo.coverage.assess import list_services
from gridgeo.network.persons import PERSONS
from gridgeo.plan import Plan
from gridgeo.texts import text

DAYS = ("any", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
NOON = dt.time(12)


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
    usual, persons = read_settings(), ("any", *PERSONS)
    cutoff, person, service, day, hour = st.columns([3, 4, 5, 3, 3], vertical_alignment="bottom")
    remember("ask_cutoff", read_metres, round(usual.cutoffs_m[0]))
    remember("ask_person", lambda said: said if said in persons else None, usual.person)
    metres = cutoff.number_input(
        f"{text('app.cutoff')} ({text('app.cutoff.number')})", 50, 5000, step=50, key="ask_cutoff"
    )
    who = person.selectbox(text("app.person"), persons, format_func=_person_name, key="ask_person")
    offered = sorted({name for services in plan.stations["services"] for name in list_services(services)})
    what = service.selectbox(text("app.service"), ("any", *offered), format_func=_service_name, key="ask_service")
    when = day.selectbox(text("app.day"), DAYS, format_func=_day_name, key="ask_day")
    clock = NOON if when == "any" else hour.time_input(text("app.hour"), NOON, key="ask_hour")
    return Asked(
        cutoff_m=float(metres),
        person=None if who == "any" else who,
        service=None if what == "any" else what,
        at=None if when == "any" else f"{when} {clock:%H:%M}",
    )


def _person_name(person: str) -> str:
    return text(f"app.person.{person}")


def _service_name(service: str) -> str:
    return text("app.service.any") if service == "any" else service


def _day_name(day: str) -> str:
    return text(f"app.day.{day}")
