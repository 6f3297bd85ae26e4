"""What OSM tags mean in a plan: which layer a feature belongs to and what its columns hold.

Tags are typed by people, so every value is read kindly and nothing here raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from gridgeo.readers.walkable import EXPRESSWAYS, is_walkable, street_class

GATES = frozenset(
    {
        "gate", "lift_gate", "swing_gate", "sliding_gate", "wicket_gate", "entrance", "kissing_gate", "turnstile",
        "full-height_turnstile", "hampshire_gate", "border_control",
    }
)  # fmt: skip
"""Values of ``barrier`` on a node that are a way through. Bollards and blocks stop no walker and are left out."""

_WALLS = frozenset({"wall", "fence", "city_wall", "retaining_wall", "hedge"})
_RAILS = frozenset({"rail", "light_rail", "narrow_gauge", "subway", "monorail", "preserved"})
_GREEN = frozenset({"park", "garden", "golf_course", "nature_reserve", "pitch", "stadium", "sports_centre", "track"})
_CAMPUS = frozenset({"university", "college", "school", "kindergarten", "hospital"})
_WILD = frozenset({"wood", "scrub", "grassland", "sand", "wetland", "heath"})
_PLACE_KEYS = ("amenity", "healthcare", "office", "shop", "leisure", "tourism", "place", "railway", "public_transport")
_ROOM_HEIGHT_M = 3.0
_MOST_LEVELS = 200


def name_of(tags: Mapping[str, str]) -> str | None:
    """Return a feature's name, the Chinese one first.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    str or None
        ``name:zh``, ``name:zh-Hans`` or ``name``, without outer blanks; None when there is none.
    """
    for key in ("name:zh", "name:zh-Hans", "name"):
        value = tags.get(key, "").strip()
        if value:
            return value
    return None


def parse_number(value: str | None) -> float | None:
    """Read a number out of a tag that a person typed.

    Parameters
    ----------
    value : str or None
        For example ``"6"``, ``"６"``, ``"5;6"``, ``"约6"``, ``"12 m"``, ``"三"``.

    Returns
    -------
    float or None
        The number; the mean of the first two where a list or a range (``5;6``, ``5-6``) is given; None where there is
        no Arabic number.
    """
    if not value:
        return None
    plain = unicodedata.normalize("NFKC", value).strip()
    numbers = [float(found) for found in re.findall(r"\d{1,6}(?:\.\d{1,6})?", plain)]
    if not numbers:
        return None
    if re.fullmatch(r"[\d.]+\s*[;,~—–-]\s*[\d.]+", plain):
        return sum(numbers[:2]) / 2
    return -numbers[0] if plain.startswith("-") else numbers[0]


def levels_of(tags: Mapping[str, str]) -> tuple[float | None, bool]:
    """Return a building's storeys above ground and whether they are an estimate.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    levels : float or None
        ``building:levels``; else its height over 3 m, rounded, at least 1; None when neither is known.
    estimated : bool
        True when it comes from the height.
    """
    levels = parse_number(tags.get("building:levels"))
    if levels is not None and 0 < levels <= _MOST_LEVELS:
        return levels, False
    height = parse_number(tags.get("height")) or parse_number(tags.get("building:height"))
    if height is not None and 0 < height <= _MOST_LEVELS * _ROOM_HEIGHT_M:
        return float(max(1, round(height / _ROOM_HEIGHT_M))), True
    return None, False


def building_kind(tags: Mapping[str, str]) -> str | None:
    """Return the kind of a building.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    str or None
        The value of ``building``; None for no building.
    """
    value = tags.get("building", "").split(";")[0].strip()
    return value if value and value != "no" else None


def landuse_kind(tags: Mapping[str, str]) -> str | None:
    """Return the use of an area.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    str or None
        The value of ``landuse``, a park or pitch of ``leisure``, a campus of ``amenity``, wood or sand of
        ``natural``; None for anything else, buildings among it.
    """
    if "building" in tags:
        return None
    if tags.get("landuse"):
        return tags["landuse"]
    for key, values in (("amenity", _CAMPUS), ("leisure", _GREEN), ("natural", _WILD)):
        if tags.get(key) in values:
            return tags[key]
    return None


def place_kind(tags: Mapping[str, str]) -> str | None:
    """Return what kind of public place a named feature is.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    str or None
        The value of the first of ``amenity``, ``healthcare``, ``office``, ``shop``, ``leisure``, ``tourism``,
        ``place``, ``railway`` or ``public_transport``; None for features without a name or without any of them.
    """
    if name_of(tags) is None or "highway" in tags:
        return None
    return next((tags[key] for key in _PLACE_KEYS if tags.get(key)), None)


def line_barrier(tags: Mapping[str, str]) -> str | None:
    """Return what a line keeps people from crossing as.

    Parameters
    ----------
    tags : mapping of str to str
        The tags of a way.

    Returns
    -------
    {'wall', 'railway', 'water', 'expressway'} or None
        None for what is no barrier, or runs above (bridge) or below (tunnel, underground) the ground.
    """
    if tags.get("barrier") in _WALLS:
        return "wall"
    if is_set(tags, "tunnel") or is_set(tags, "bridge") or tags.get("location") in {"underground", "overhead"}:
        return None
    if tags.get("railway") in _RAILS:
        return "railway"
    if tags.get("waterway") in {"river", "canal"}:
        return "water"
    if street_class(tags) in EXPRESSWAYS and not is_walkable(tags):
        return "expressway"
    return None


def is_water_area(tags: Mapping[str, str]) -> bool:
    """Tell whether an area is open water.

    Parameters
    ----------
    tags : mapping of str to str
        Its tags.

    Returns
    -------
    bool
        True for lakes, river beds, reservoirs and basins; not for what is covered, nor for fountains.
    """
    if is_set(tags, "tunnel") or is_set(tags, "covered") or tags.get("water") == "fountain":
        return False
    wet = tags.get("natural") == "water" or tags.get("waterway") in {"riverbank", "dock"}
    return wet or tags.get("landuse") in {"reservoir", "basin"}


def is_set(tags: Mapping[str, str], key: str) -> bool:
    """Tell whether a yes-or-no tag such as ``bridge`` says yes.

    Parameters
    ----------
    tags : mapping of str to str
        The feature's tags.
    key : str
        The tag.

    Returns
    -------
    bool
        True when it is there and not ``no``.
    """
    return tags.get(key, "no") not in {"no", ""}
