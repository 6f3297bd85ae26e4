"""A programme's rules put to a plan: verdicts, one table of them, and the places that fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import geopandas as gpd
import pandas as pd

from gridgeo.errors import GridgeoError
from gridgeo.plan import Plan
from gridgeo.programmes import cards, count_rules, nesting_rules, people_rules, reach_rules, unit_rules, zoning_rules
from gridgeo.programmes.case import Case
from gridgeo.programmes.model import Programme, Rule
from gridgeo.programmes.verdicts import PLACE_COLUMNS, Answer, MissingDataSaid, Said, Verdict, no_places

Watch = Callable[[int, Rule], None]
"""Called with a rule's number and the rule when its turn comes."""

JUDGES: Mapping[str, Callable[[Case, Rule], Answer]] = MappingProxyType(
    {
        "coverage": reach_rules.judge_coverage,
        "shortest": reach_rules.judge_shortest,
        "blank": reach_rules.judge_blank,
        "overlap": reach_rules.judge_overlap,
        "spacing": reach_rules.judge_spacing,
        "count": count_rules.judge_count,
        "attribute": unit_rules.judge_attribute,
        "offers": unit_rules.judge_offers,
        "staffing": unit_rules.judge_staffing,
        "band": unit_rules.judge_band,
        "nesting": nesting_rules.judge_nesting,
        "coincide": zoning_rules.judge_coincide,
        "merge": zoning_rules.judge_merge,
        "attached": unit_rules.judge_attached,
        "streets": unit_rules.judge_streets,
        "care": people_rules.judge_care,
        "matching": people_rules.judge_matching,
        "visits": people_rules.judge_visits,
        "met": people_rules.judge_met,
        "contact": cards.judge_contact,
        "layers": unit_rules.judge_layers,
        "shared": people_rules.judge_shared,
    }
)
"""Kind of rule → the function that judges it; the same kinds as `gridgeo.programmes.kinds.KINDS`."""


@dataclass(frozen=True, eq=False)
class ProgrammeReport:
    """What a plan came to under a programme. Made by `judge_programme`.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.
    verdicts : tuple of Verdict
        One a rule, in their order.
    seconds : float
        How long it took.
    """

    plan: Plan
    programme: Programme
    verdicts: tuple[Verdict, ...]
    seconds: float = field(default=0.0, compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many rules are ``met``, ``not_met``, ``unknown``."""
        states = [verdict.state for verdict in self.verdicts]
        return {state: states.count(state) for state in ("met", "not_met", "unknown")}

    def table(self) -> pd.DataFrame:
        """Put all rules into one table, in the current language.

        Returns
        -------
        DataFrame
            ``number``, ``rule``, ``name``, ``state``, ``value``, ``wanted``, ``places`` (how many fail),
            ``households`` (in those, NaN where that makes no sense), ``sentence``, ``basis``, ``assumed`` (numbers that
            are not the programme's own).
        """
        rows = [
            {
                "number": number,
                "rule": verdict.rule.rule,
                "name": str(verdict.rule.name),
                "state": verdict.state,
                "value": verdict.value,
                "wanted": verdict.wanted,
                "places": 0 if verdict.answer is None else len(verdict.answer.places),
                "households": verdict.households,
                "sentence": verdict.sentence,
                "basis": verdict.rule.basis,
                "assumed": verdict.assumed,
            }
            for number, verdict in enumerate(self.verdicts, start=1)
        ]
        return pd.DataFrame(rows)

    def places(self) -> gpd.GeoDataFrame:
        """List all places that fail a rule.

        Returns
        -------
        GeoDataFrame
            ``rule``, then `gridgeo.programmes.verdicts.PLACE_COLUMNS`, then the geometry: points, lines and polygons.
        """
        found = [
            verdict.answer.places.assign(rule=verdict.rule.rule)
            for verdict in self.verdicts
            if verdict.answer is not None and len(verdict.answer.places)
        ]
        if not found:
            return no_places(self.plan.crs).assign(rule=pd.Series([], dtype="str"))
        whole = gpd.GeoDataFrame(pd.concat(found, ignore_index=True), geometry="geometry", crs=self.plan.crs)
        return whole[["rule", *PLACE_COLUMNS, "geometry"]]

    def units(self) -> pd.DataFrame:
        """Put the figures behind the rules into one table, unit by unit.

        Returns
        -------
        DataFrame
            ``rule``, ``level``, ``unit_id``, ``name``, ``all``, ``met``, ``share``.
        """
        columns = ["level", "unit_id", "name", "all", "met", "share"]
        found = [
            verdict.answer.units[columns].assign(rule=verdict.rule.rule)
            for verdict in self.verdicts
            if verdict.answer is not None and set(columns) <= set(verdict.answer.units.columns)
        ]
        if not found:
            return pd.DataFrame(columns=["rule", *columns])
        return pd.concat(found, ignore_index=True)[["rule", *columns]]


def judge_programme(plan: Plan, programme: Programme, *, watch: Watch | None = None) -> ProgrammeReport:
    """Put every rule of a programme to a plan.

    Parameters
    ----------
    plan : Plan
        The plan.
    programme : Programme
        The programme.
    watch : callable, optional
        Called with each rule's number and the rule when its turn comes.

    Returns
    -------
    ProgrammeReport
        A verdict a rule. What the plan lacks makes a rule ``unknown``, with what is missing; nothing is guessed.
    """
    begun = time.perf_counter()
    case = Case(plan, programme)
    verdicts = []
    for number, rule in enumerate(programme.rules, start=1):
        if watch is not None:
            watch(number, rule)
        verdicts.append(judge_rule(case, rule))
    return ProgrammeReport(plan, programme, tuple(verdicts), round(time.perf_counter() - begun, 3))


def judge_rule(case: Case, rule: Rule) -> Verdict:
    """Put one rule to a plan.

    Parameters
    ----------
    case : Case
        The plan.
    rule : Rule
        The rule.

    Returns
    -------
    Verdict
        What it came to.
    """
    values = case.programme.assumptions(rule)
    try:
        return Verdict(rule, JUDGES[rule.kind](case, rule), values=values)
    except MissingDataSaid as missing:
        return Verdict(rule, missing=missing.said, values=values)
    except GridgeoError as error:
        # The plan cannot carry the question: streets without a way, stations that cannot be told apart, ….
        return Verdict(rule, missing=Said("missing.error", {"error": error}), values=values)
