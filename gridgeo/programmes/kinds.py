"""The vocabulary of rules: which kinds there are, and which values each takes. No kind knows any programme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gridgeo.programmes.model import Radius


@dataclass(frozen=True)
class Slot:
    """One value of a kind of rule.

    Parameters
    ----------
    name : str
        Its key in the file.
    form : str
        What it holds; one of `gridgeo.programmes.values.FORMS`.
    required : bool
        Whether a rule without it is refused.
    default : object
        What stands for it when it is left out.
    """

    name: str
    form: str
    required: bool = False
    default: object = None


KINDS: Mapping[str, tuple[Slot, ...]] = MappingProxyType(
    {
        "coverage": (
            Slot("to", "provider", required=True),
            Slot("radius", "radius"),
            Slot("walk", "walk"),
            Slot("person", "person"),
            Slot("group", "text", default="households"),
            Slot("least", "share", default=1.0),
            Slot("own", "level"),
        ),
        "shortest": (
            Slot("to", "provider", required=True),
            Slot("radius", "radius", required=True),
            Slot("walk", "walk"),
            Slot("person", "person"),
            Slot("group", "text", default="households"),
            Slot("least", "share", default=0.95),
        ),
        "blank": (Slot("stations", "stations"), Slot("most", "share", default=0.0)),
        "overlap": (
            Slot("to", "provider", required=True),
            Slot("radius", "radius"),
            Slot("group", "text", default="households"),
            Slot("most", "share", required=True),
        ),
        "spacing": (
            Slot("to", "provider", required=True),
            Slot("every", "radius", required=True),
            Slot("of", "spaced", default="households"),
            Slot("least", "share", default=1.0),
            Slot("level", "level"),
            Slot("units", "bound"),
        ),
        "count": (
            Slot("what", "selector", required=True),
            Slot("number", "bound", required=True),
            Slot("per", "per"),
        ),
        "attribute": (
            Slot("station", "station", required=True),
            Slot("column", "text", required=True),
            Slot("number", "bound", required=True),
        ),
        "offers": (Slot("station", "station", required=True), Slot("services", "services", required=True)),
        "staffing": (Slot("level", "level", required=True), Slot("staff", "posts", required=True)),
        "band": (Slot("households", "bound"), Slot("grid_kind", "grid_kind", default="general")),
        "nesting": (),
        "coincide": (Slot("one", "zoning", required=True), Slot("other", "zoning", required=True)),
        "merge": (Slot("zonings", "texts"), Slot("most", "share", required=True)),
        "attached": (
            Slot("what", "selector", required=True),
            Slot("grid_kind", "grid_kind"),
            Slot("role", "text"),
            Slot("station", "station"),
            Slot("least", "share", default=1.0),
        ),
        "streets": (Slot("classes", "street_rank", default="main"), Slot("least", "share", required=True)),
        "care": (
            Slot("role", "text", required=True),
            Slot("limit", "count", required=True),
            Slot("radius", "radius"),
            Slot("own", "level"),
            Slot("least", "share", default=1.0),
        ),
        "matching": (
            Slot("role", "text", default="volunteer"),
            Slot("radius", "radius", default=Radius(1000.0)),
            Slot("need", "text"),
            Slot("least", "share", default=1.0),
        ),
        "visits": (
            Slot("of", "visited", default="households"),
            Slot("month", "month"),
            Slot("least", "share"),
            Slot("number", "bound"),
            Slot("level", "level"),
        ),
        "met": (Slot("need", "text"), Slot("least", "share", required=True)),
        "contact": (
            Slot("role", "text", required=True),
            Slot("services", "flag", default=False),
            Slot("least", "share", default=1.0),
        ),
        "layers": (Slot("layers", "layers", required=True),),
        "shared": (Slot("to", "stations_of", required=True), Slot("least", "share", required=True)),
    }
)
"""Kind of rule → its values. Beside them every rule has ``rule``, ``kind``, ``name``, ``basis``, ``assumed``."""
