"""What an import found out: the faults that stop it, the repairs that were made, what was set aside."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from gridgeo.errors import Fault
from gridgeo.plan import Plan
from gridgeo.readers.clean import Repair
from gridgeo.readers.columns import ColumnMap
from gridgeo.readers.datum import Detection
from gridgeo.texts import layer_label, text


@dataclass(frozen=True)
class Taken:
    """How many rows of a list went into a plan.

    Parameters
    ----------
    new, updated : int
        Rows that the plan did not have, and those that took the place of one.
    dropped, kept : int
        The plan's other rows: those that went, and those that stayed.
    """

    new: int
    updated: int
    dropped: int
    kept: int


@dataclass
class Findings:
    """What is found while an import runs.

    Parameters
    ----------
    faults : list of Fault
        What stops it.
    repairs : list of Repair
        What was read as something else than it literally was.
    mappings : dict
        Layer → which column of its file was used for what.
    detections : dict
        Layer → how its datum was told.
    rejected : list of dict
        Rows set aside: ``layer``, ``file``, ``row``, ``column``, ``value``, ``message``, ``remedy``.
    taken : dict
        List → how many of its rows went into the plan.
    rows : dict
        Layer → how many rows its file holds.
    """

    faults: list[Fault] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    mappings: dict[str, ColumnMap] = field(default_factory=dict)
    detections: dict[str, Detection] = field(default_factory=dict)
    rejected: list[dict[str, object]] = field(default_factory=list)
    taken: dict[str, Taken] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)

    def say_taken(self) -> list[str]:
        """Say of each list how many of its rows went into the plan.

        Returns
        -------
        list of str
            A sentence for each, in the current language.
        """
        return [text("readers.taken", layer=layer_label(layer), **vars(each)) for layer, each in self.taken.items()]


@dataclass(frozen=True)
class ImportReport:
    """The outcome of an import.

    Parameters
    ----------
    plan : Plan, optional
        The plan; None when faults stopped it.
    findings : Findings
        Faults, repairs, mappings, detections, rows set aside.
    remarks : tuple of Fault
        What does not stop the import but should be looked at: stations outside, households far from every street,
        faults of the street network.
    """

    plan: Plan | None
    findings: Findings
    remarks: tuple[Fault, ...] = ()

    def rejected(self) -> pd.DataFrame:
        """Return the rows that were set aside, one line for each fault.

        Returns
        -------
        DataFrame
            ``layer``, ``file``, ``row``, ``column``, ``value``, ``message``, ``remedy``.
        """
        columns = ["layer", "file", "row", "column", "value", "message", "remedy"]
        return pd.DataFrame(self.findings.rejected, columns=columns)

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data, for ``--json``.

        Returns
        -------
        dict
            ``faults``, ``repairs``, ``remarks``, ``rejected``, ``mappings``, ``datums``, ``taken``.
        """
        found = self.findings
        return {
            "faults": [fault.as_dict() for fault in found.faults],
            "repairs": [repair.as_dict() for repair in found.repairs],
            "remarks": [fault.as_dict() for fault in self.remarks],
            "rejected": list(found.rejected),
            "mappings": {layer: mapping.columns for layer, mapping in found.mappings.items()},
            "taken": {layer: vars(each) for layer, each in found.taken.items()},
            "datums": {layer: each.table().to_dict("records") for layer, each in found.detections.items()},
        }
