"""What a plan's layers hold, and the check that names everything that is wrong with one."""

from gridgeo.schema.checks import (
    check_layer,
    complete_layer,
    drop_personal,
    empty_layer,
    place_nowhere,
    require_layer,
)
from gridgeo.schema.layers import BARRIER_KINDS, GRID_KINDS, LAYERS, NEED_STATES, STREET_CLASSES, TIMES, Column, Layer

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
