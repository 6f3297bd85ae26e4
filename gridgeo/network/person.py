"""What a kind of person on foot is."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType

_WAITS_MIN = MappingProxyType({"trunk": 1.0, "primary": 0.8, "secondary": 0.5, "tertiary": 0.25})


@dataclass(frozen=True, kw_only=True)
class Person:
    """A kind of person on foot.

    Parameters
    ----------
    name : str
        What the kind is called.
    speed_m_per_min : float
        Metres per minute on the level.
    avoids : tuple of str
        Street classes that cannot be used.
    slower_on : mapping
        Street class → how many times longer a metre takes there; at least 1.
    waits_min : mapping
        Street class → minutes of waiting to cross a street of that class.
    """

    name: str
    speed_m_per_min: float
    avoids: tuple[str, ...] = ()
    slower_on: MappingProxyType[str, float] = field(default_factory=lambda: MappingProxyType({"steps": 2.0}))
    waits_min: MappingProxyType[str, float] = field(default_factory=lambda: _WAITS_MIN)
