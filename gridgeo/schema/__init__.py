"""What a plan's layers hold, and the check that names everything that is wrong with one."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gridgeo.schema.layers import BARRIER_KINDS, GRID_KINDS, LAYERS, NEED_STATES, STREET_CLASSES, TIMES, Column, Layer

if TYPE_CHECKING:
    from gridgeo.schema.checks import check_layer as check_layer
    from gridgeo.schema.checks import complete_layer as complete_layer
    from gridgeo.schema.checks import drop_personal as drop_personal
    from gridgeo.schema.checks import empty_layer as empty_layer
    from gridgeo.schema.checks import place_nowhere as place_nowhere
    from gridgeo.schema.checks import require_layer as require_layer

# What needs frames is loaded when first asked for: a child process that reads tags must start fast.
_CHECKS = ("check_layer", "complete_layer", "drop_personal", "empty_layer", "place_nowhere", "require_layer")

__all__ = [
    "BARRIER_KINDS",
    "GRID_KINDS",
    "LAYERS",
    "NEED_STATES",
    "STREET_CLASSES",
    "TIMES",
    "Column",
    "Layer",
    "check_layer",
    "complete_layer",
    "drop_personal",
    "empty_layer",
    "place_nowhere",
    "require_layer",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever is asked for
    """Load a check when it is first asked for."""
    if name not in _CHECKS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("gridgeo.schema.checks"), name)
