"""Programmes as data: levels, stations, services and rules, and what a plan comes to under them."""

from gridgeo.programmes.apply import applied_programme, apply_programme
from gridgeo.programmes.judge import ProgrammeReport, judge_programme
from gridgeo.programmes.kinds import KINDS
from gridgeo.programmes.model import Programme, Rule
from gridgeo.programmes.reading import PROGRAMMES, parse_programme, read_programme
from gridgeo.programmes.verdicts import Verdict

__all__ = [
    "KINDS",
    "PROGRAMMES",
    "Programme",
    "ProgrammeReport",
    "Rule",
    "Verdict",
    "applied_programme",
    "apply_programme",
    "judge_programme",
    "parse_programme",
    "read_programme",
]
