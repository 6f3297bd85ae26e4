"""Opening hours: whether a station or a gate is open at a given time of the week.

What is understood is the part of OpenStreetMap's ``opening_hours`` that such places use, in English or Chinese day
names: ``24/7``, ``Mo-Fr 08:00-18:00; Sa 09:00-12:00,13:00-17:00; Su off``, ``周一至周五 08:00-18:00``, ``22:00-06:00``.
Rules are read in order, and the last that names the day decides. Anything else is refused, never guessed.
"""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from gridgeo.errors import Fault, InputError
from gridgeo.network.measure import Flags

MINUTES_PER_DAY = 24 * 60
_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_CHINESE = {"一": "mo", "二": "tu", "三": "we", "四": "th", "五": "fr", "六": "sa", "日": "su", "天": "su"}
_SPAN = re.compile(r"^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$")
_TIME = re.compile(r"^([a-z]+)\s+(\d{1,2}):(\d{2})$")


def parse_time(time: str) -> int:
    """Turn a time of the week into minutes since Monday, 00:00.

    Parameters
    ----------
    time : str
        A day and a time: ``"Sat 19:00"``, ``"周六 19:00"``.

    Returns
    -------
    int
        Minutes, below 7 days.

    Raises
    ------
    InputError
        If it is no such time.
    """
    found = _TIME.match(_plain(time))
    if not found or found[1][:2] not in _DAYS or int(found[2]) >= 24 or int(found[3]) >= 60:  # noqa: PLR2004 (a clock)
        raise InputError("bad_time", value=time)
    return _DAYS.index(found[1][:2]) * MINUTES_PER_DAY + int(found[2]) * 60 + int(found[3])


def is_open_at(hours: str, minute: int) -> bool:
    """Tell whether opening hours include a time of the week.

    Parameters
    ----------
    hours : str
        The opening hours.
    minute : int
        Minutes since Monday, 00:00 (see `parse_time`).

    Returns
    -------
    bool
        Whether it is open then; closing time itself is closed.

    Raises
    ------
    ValueError
        If the hours are not understood.
    """
    week = np.zeros(7 * MINUTES_PER_DAY, dtype=bool)
    for rule in filter(None, (part.strip() for part in _plain(hours).split(";"))):
        days, spans = _split_rule(rule)
        for day in days:
            start = day * MINUTES_PER_DAY
            week[start : start + MINUTES_PER_DAY] = False
            for begin, end in spans:
                # A span past midnight runs into the next day, Sunday's into Monday.
                week[np.arange(start + begin, start + end) % len(week)] = True
    return bool(week[minute])


def open_rows(hours: pd.Series, minute: int, *, layer: str) -> Flags:
    """Tell which rows of a layer are open at a time of the week.

    Parameters
    ----------
    hours : Series of str
        Opening hours; missing means always open.
    minute : int
        Minutes since Monday, 00:00.
    layer : str
        What the layer is called in an error.

    Returns
    -------
    ndarray of bool
        Which are open.

    Raises
    ------
    InputError
        If some hours are not understood; every row is named.
    """
    answer, faults = np.ones(len(hours), dtype=bool), []
    for row, text in enumerate(hours):
        if isinstance(text, str) and text.strip():
            try:
                answer[row] = is_open_at(text, minute)
            except ValueError:
                faults.append(Fault(key="bad_hours", layer=layer, row=row + 1, column="hours", value=text))
    if faults:
        raise InputError("faults_in_layer", faults=faults, layer=layer, count=len(faults))
    return answer


def _plain(text: str) -> str:
    """Lower case, half-width, with English day names."""
    text = unicodedata.normalize("NFKC", str(text)).lower().strip()
    text = re.sub(r"\s*(?:至|到|~|–|—)\s*", "-", text).replace("；", ";").replace("、", ",")
    text = re.sub(r"(?:周|星期)([一二三四五六日天])", lambda day: _CHINESE[day[1]], text)
    text = text.replace("每天", "mo-su").replace("全天", "00:00-24:00").replace("24小时", "24/7")
    return re.sub(r"([a-z])(\d)", r"\1 \2", text)


def _split_rule(rule: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Read one rule: the days it names, and the spans in minutes of the day, a late one ending after midnight."""
    if rule == "24/7":
        return list(range(7)), [(0, MINUTES_PER_DAY)]
    parts = re.split(r"\s+", re.sub(r"\s*([,-])\s*", r"\1", rule), maxsplit=1)
    names, times = parts if parts[0][0].isalpha() and len(parts) > 1 else ("mo-su", parts[0])
    if len(parts) > 1 and names == "mo-su" and not parts[0][0].isalpha():
        raise ValueError(rule)
    days: list[int] = []
    for name in names.split(","):
        first, _, last = name.partition("-")
        begin, end = _DAYS.index(first[:2]), _DAYS.index((last or first)[:2])
        days += [day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)]
    if times in {"off", "closed"}:
        return days, []
    return days, [_read_span(span) for span in times.split(",")]


def _read_span(span: str) -> tuple[int, int]:
    found = _SPAN.match(span)
    if not found:
        raise ValueError(span)
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if begin >= MINUTES_PER_DAY or end > MINUTES_PER_DAY or int(found[2]) > 59 or int(found[4]) > 59:  # noqa: PLR2004
        raise ValueError(span)
    return begin, end if end > begin else end + MINUTES_PER_DAY
