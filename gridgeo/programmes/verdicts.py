"""What a rule gives: a number, a verdict, and places; or what is missing to say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from gridgeo.plan import Name
from gridgeo.programmes.model import Bound, Rule, both
from gridgeo.texts import text

Unit = Literal["share", "count", "metres", "minutes"]
State = Literal["met", "not_met", "unknown"]

PLACE_COLUMNS = ("layer", "place_id", "name", "households", "value")
"""Columns of the places that fail a rule: what they are, which, what they are called, how many households it is
about (NaN where that makes no sense), and the number that fails."""

PAIR_COLUMNS = ("asker", "person_id", "households", "distance_m")
"""Columns of who takes whom: a need or household point, who takes it, how many households of it, and how far it is."""

_CLOSE = 1e-9


class MissingDataSaid(Exception):  # noqa: N818 - no error: an answer, "this cannot be said"
    """A rule cannot be judged, because the plan lacks something.

    Parameters
    ----------
    key : str
        Entry ``missing`` of ``texts/programmes.toml``.
    **values : object
        Its placeholders.
    """

    def __init__(self, key: str, **values: object) -> None:
        self.said = Said(f"missing.{key}", values)
        super().__init__(key)


@dataclass(frozen=True)
class Said:
    """A sentence that is worded when it is read, in the reader's language.

    Parameters
    ----------
    key : str
        Entry of ``texts/programmes.toml``.
    values : mapping
        Its placeholders.
    """

    key: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return text(f"programmes.{self.key}", **self.values)


@dataclass(frozen=True, eq=False)
class Answer:
    """What was found for a rule that can be judged.

    Parameters
    ----------
    value : float
        The number.
    unit : {'share', 'count', 'metres', 'minutes'}
        What it is.
    wanted : Bound
        What it must be.
    places : GeoDataFrame
        What fails, see `PLACE_COLUMNS`; empty where nothing does.
    said : mapping
        What the kind's sentence says besides.
    units : DataFrame
        The figures behind it, unit by unit.
    wording : str, optional
        The entry ``said`` of the texts, where it is not that of the rule's kind.
    pairs : DataFrame
        Who takes whom, where the rule asks for that: see `PAIR_COLUMNS`.
    """

    value: float
    unit: Unit
    wanted: Bound
    places: gpd.GeoDataFrame
    said: Mapping[str, object] = field(default_factory=dict)
    units: pd.DataFrame = field(default_factory=pd.DataFrame)
    wording: str = ""
    pairs: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def met(self) -> bool:
        """Whether the number is what it must be, to the last household."""
        return self.wanted.low - _CLOSE <= self.value <= self.wanted.high + _CLOSE


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a rule came to.

    Parameters
    ----------
    rule : Rule
        The rule.
    answer : Answer or None
        What was found; None where it cannot be said.
    missing : Said or None
        What is missing to say it.
    values : tuple of (str, object)
        Numbers that it rests on and that the programme does not state, see `Programme.assumptions`.
    """

    rule: Rule
    answer: Answer | None = None
    missing: Said | None = None
    values: tuple[tuple[str, object], ...] = ()

    @property
    def state(self) -> State:
        """``met``, ``not_met``, or ``unknown``."""
        if self.answer is None:
            return "unknown"
        return "met" if self.answer.met else "not_met"

    @property
    def word(self) -> Name:
        """The state in words."""
        return both(f"state.{self.state}")

    @property
    def value(self) -> str:
        """The number as people read it; a dash where there is none."""
        return "–" if self.answer is None else show_number(self.answer.value, self.answer.unit, self.answer.wanted)

    @property
    def wanted(self) -> str:
        """What the number must be."""
        return "–" if self.answer is None else show_bound(self.answer.wanted, self.answer.unit)

    @property
    def sentence(self) -> str:
        """What was found, or what is missing, in the current language."""
        if self.answer is None:
            return str(self.missing)
        said = {**self.rule.asks, **self.answer.said}
        return text(f"programmes.said.{self.answer.wording or self.rule.kind}", **said)

    @property
    def assumed(self) -> str:
        """The numbers that the programme does not state, in words; empty where all are its own."""
        shown = [(name, f"{value * 100:g} %" if isinstance(value, float) else value) for name, value in self.values]
        return text("programmes.between").join(text(f"programmes.assumed.{name}", value=value) for name, value in shown)

    @property
    def households(self) -> float:
        """How many households the failing places hold; NaN where that makes no sense."""
        if self.answer is None or self.answer.places["households"].isna().all():
            return float("nan")
        return float(self.answer.places["households"].sum())


def show_number(value: float, unit: Unit, wanted: Bound) -> str:
    """Write a number so that it never looks met when it is not.

    Parameters
    ----------
    value : float
        The number.
    unit : {'share', 'count', 'metres', 'minutes'}
        What it is.
    wanted : Bound
        What it must be.

    Returns
    -------
    str
        A share with as many digits as tell it from the bound it misses; a count in full; metres and minutes.
    """
    if not np.isfinite(value):
        return "∞"
    if unit == "share":
        digits = next(
            (d for d in (1, 2, 3, 4) if round(value, d + 2) not in _ends(wanted) or value in _ends(wanted)), 5
        )
        return f"{value:.{digits}%}"
    if unit == "count":
        return f"{value:,.2f}".rstrip("0").rstrip(".")
    return text(f"programmes.unit.{unit}", value=f"{value:,.1f}".removesuffix(".0"))


def show_bound(wanted: Bound, unit: Unit) -> str:
    """Write what a number must be.

    Parameters
    ----------
    wanted : Bound
        The bound.
    unit : {'share', 'count', 'metres', 'minutes'}
        What it is a bound of.

    Returns
    -------
    str
        "≥ 95 %", "≤ 300 m", "= 6", "300–500".
    """
    if unit == "share":
        low, high = f"{wanted.low * 100:g} %", f"{wanted.high * 100:g} %"
        if wanted.high >= 1:
            return f"= {low}" if wanted.low >= 1 else f"≥ {low}"
        return f"= {high}" if wanted.high <= 0 else f"≤ {high}"
    if unit == "count":
        return str(wanted)
    return f"≤ {show_number(wanted.high, unit, wanted)}"


def at_least(share: float) -> Bound:
    """Return the bound of a share that must not be less.

    Parameters
    ----------
    share : float
        The share.

    Returns
    -------
    Bound
        From it to all.
    """
    return Bound(share, 1.0)


def list_places(
    layer: str,
    geometry: gpd.GeoSeries,
    *,
    ids: pd.Series,
    names: pd.Series | None = None,
    households: object = np.nan,
    values: object = np.nan,
) -> gpd.GeoDataFrame:
    """Make the list of places that fail.

    Parameters
    ----------
    layer : str
        What they are.
    geometry : GeoSeries
        Where.
    ids, names : Series of str
        Which, and what they are called.
    households, values : array-like or float
        How many households each is about, and the number that fails.

    Returns
    -------
    GeoDataFrame
        With `PLACE_COLUMNS`.
    """
    data: dict[str, Any] = {
        "layer": pd.Series([layer] * len(geometry), dtype="str"),
        "place_id": ids.astype("str").reset_index(drop=True),
        "name": (ids if names is None else names.where(names.notna(), ids)).astype("str").reset_index(drop=True),
        "households": np.broadcast_to(np.asarray(households, dtype=np.float64), len(geometry)),
        "value": np.broadcast_to(np.asarray(values, dtype=np.float64), len(geometry)),
    }
    return gpd.GeoDataFrame(data, geometry=geometry.to_numpy(), crs=geometry.crs)


def no_places(crs: object) -> gpd.GeoDataFrame:
    """Return a list of places without any.

    Parameters
    ----------
    crs : object
        The plan's system.

    Returns
    -------
    GeoDataFrame
        With `PLACE_COLUMNS` and no rows.
    """
    nothing = pd.Series([], dtype="str")
    return list_places("", gpd.GeoSeries([], crs=crs), ids=nothing)


def _ends(wanted: Bound) -> tuple[float, float]:
    return wanted.low, wanted.high
