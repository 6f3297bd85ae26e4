"""A gap's remedy in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gridgeo.texts import has_text, text


def word_remedy(gap: Mapping[Any, Any], *, counted: bool = True) -> str:
    """Say what to do next about a gap area.

    Parameters
    ----------
    gap : mapping
        A row of what `gridgeo.find_gaps` returned: ``remedy``, ``remedy_place``, ``remedy_households``.
    counted : bool, optional
        Whether to say how many households it would cover, which not everybody may be told.

    Returns
    -------
    str
        The remedy and its place, in the current language; that there is none where there is none.
    """
    code = gap["remedy"]
    if not isinstance(code, str):
        return text("maps.next_step.none")
    key = f"maps.remedy.{code}"
    remedy, place = text(key) if has_text(key) else code, gap["remedy_place"]
    if not counted:
        return text("maps.next_step", remedy=remedy, place=place)
    return text("maps.next_step.counted", remedy=remedy, place=place, households=f"{round(gap['remedy_households']):,}")
