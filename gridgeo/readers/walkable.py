"""Which OSM ways a person may walk on, and which gates let a person through.

The rules follow the tags' documented meaning (OSM wiki, "Key:highway", "Key:foot", "Key:access", and the defaults of
"OSM tags for routing/Access restrictions"). The most specific tag decides:

=============================================== ================================================================
Tags                                            Walkable
=============================================== ================================================================
``highway`` = construction, proposed, razed, …  not a street at all: `street_class` is None
``foot`` = yes, designated, permissive, …       yes, whatever the class (also on a motorway's footpath)
``foot`` = no, private, use_sidepath, …         no
``highway`` = motorway(_link), busway           no
``motorroad`` = yes                             no
``highway`` = trunk(_link)                      only with a sidewalk (``sidewalk`` = both, left, right, yes): in
                                                Chinese cities these are the urban expressways
``highway`` = cycleway                          no, unless ``foot`` says so: a track of its own beside a street
``access`` = no, private, bus, military, …      no
everything else                                 yes
=============================================== ================================================================

A gate follows ``foot``, then ``locked`` = yes, then ``access``; a bar for cars (lift or swing gate) stops nobody who
walks, so there only ``foot`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from gridgeo.schema import STREET_CLASSES

NO_STREET = frozenset(
    {
        "abandoned", "construction", "demolished", "dismantled", "disused", "escape", "no", "planned", "proposed",
        "raceway", "razed", "removed", "rest_area", "services", "via_ferrata",
    }
)  # fmt: skip
"""Values of ``highway`` that are no street today."""

FOOT_YES = frozenset({"yes", "designated", "permissive", "destination", "official", "public", "customers", "residents"})
"""Values of ``foot`` that let people walk."""

FOOT_NO = frozenset({"no", "private", "restricted", "use_sidepath", "military", "emergency"})
"""Values of ``foot`` that do not."""

ACCESS_NO = frozenset(
    {"no", "private", "restricted", "military", "emergency", "agricultural", "forestry", "delivery", "bus", "psv"}
)
"""Values of ``access`` that keep the public out."""

SIDEWALKS = frozenset({"both", "left", "right", "yes"})
"""Values of ``sidewalk`` that mean there is one on the way itself."""

EXPRESSWAYS = frozenset({"motorway", "motorway_link", "trunk", "trunk_link"})
"""Classes that, where nobody may walk on them, nobody may cross either."""

CAR_BARS = frozenset({"lift_gate", "swing_gate"})
"""Gates that stop cars only."""


def street_class(tags: Mapping[str, str]) -> str | None:
    """Tell the class of an OSM way.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    str or None
        One of `gridgeo.schema.STREET_CLASSES`; ``"road"`` (OSM's "kind not known") for a value that is none of them;
        None where there is no street, or not yet, or no more.
    """
    value = tags.get("highway", "").split(";")[0].strip()
    if not value or value in NO_STREET:
        return None
    if value == "bus_guideway":
        return "busway"
    return value if value in STREET_CLASSES else "road"


def is_walkable(tags: Mapping[str, str]) -> bool:
    """Tell whether the public may walk along an OSM way.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    bool
        See the table at the head of this module.
    """
    kind = street_class(tags)
    if kind is None:
        return False
    foot = tags.get("foot", "")
    if foot in FOOT_YES or foot in FOOT_NO:
        return foot in FOOT_YES
    if kind in {"motorway", "motorway_link", "busway", "cycleway"} or tags.get("motorroad") == "yes":
        return False
    if kind in {"trunk", "trunk_link"}:
        sides = (tags.get(key, "") for key in ("sidewalk", "sidewalk:both", "sidewalk:left", "sidewalk:right"))
        if not any(side in SIDEWALKS for side in sides):
            return False
    return tags.get("access", "") not in ACCESS_NO


def is_open(tags: Mapping[str, str]) -> bool:
    """Tell whether an OSM gate lets a person on foot through.

    Parameters
    ----------
    tags : mapping of str to str
        The node's tags.

    Returns
    -------
    bool
        See the head of this module.
    """
    foot = tags.get("foot", "")
    if foot in FOOT_YES or foot in FOOT_NO:
        return foot in FOOT_YES
    if tags.get("barrier") in CAR_BARS:
        return True
    return tags.get("locked") != "yes" and tags.get("access", "") not in ACCESS_NO
