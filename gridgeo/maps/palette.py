"""The colours and shapes of every map, chosen so that no one needs to tell red from green.

Hues are those of Okabe and Ito, "Color Universal Design" (2008); what matters also differs in shape or pattern.
"""

from __future__ import annotations

from typing import Any

BLUE, SKY, VERMILION, ORANGE, GREEN, PURPLE = "#0072B2", "#56B4E9", "#D55E00", "#E69F00", "#009E73", "#CC79A7"
INK, PAPER = "#1f2933", "#ffffff"

Style = dict[str, Any]

GROUND: dict[str, Style] = {
    "green": {"fill": "#d8e8cc"},
    "water": {"fill": "#c9dff0", "stroke": "#9fc3dd", "weight": 0.8},
    "residential": {"fill": "#f1eadb"},
    "other_land": {"fill": "#ebedef"},
    "home": {"fill": "#d6c3a3", "stroke": "#a99270", "weight": 0.8},
    "other_building": {"fill": "#d2d6db", "stroke": "#a9b1b9", "weight": 0.7},
    "expressway": {"stroke": "#f0c987", "casing": "#c99a4b", "weight": 5, "grows": True},
    "main_street": {"stroke": "#ffffff", "casing": "#8b96a1", "weight": 5, "grows": True},
    "minor_street": {"stroke": "#ffffff", "casing": "#a3adb7", "weight": 3, "grows": True},
    "footway": {"stroke": "#8f7c63", "weight": 1.1, "dash": [4, 3]},
    "railway": {"stroke": "#6b7280", "weight": 2, "dash": [8, 5]},
    "wall": {"stroke": "#7c6f64", "weight": 1.6, "dash": [2, 2]},
    "expressway_barrier": {"stroke": "#c99a4b", "weight": 1.4, "dash": [10, 4]},
}

DISTRICT: Style = {"stroke": INK, "weight": 3, "dash": [14, 5, 3, 5], "outside": "#f4f5f6"}
BLOCK: Style = {"stroke": "#7b8794", "weight": 1, "dash": [3, 3]}
COMMUNITY: Style = {"stroke": "#00805d", "weight": 2.6, "dash": [9, 6]}
GRID: Style = {"stroke": "#5b3a8c", "weight": 1.8}
GAP: Style = {
    "stroke": VERMILION,
    "weight": 2.2,
    "dash": [6, 4],
    "fill": VERMILION,
    "fillOpacity": 0.08,
    "hatch": True,
}
OPEN_GATE: Style = {"shape": "square", "fill": GREEN, "stroke": PAPER, "radius": [4, 4], "weight": 1}
CLOSED_GATE: Style = {"shape": "cross", "stroke": INK, "radius": [5, 5], "weight": 2.4}
STATION: Style = {"shape": "station", "fill": INK, "stroke": PAPER, "radius": [10, 10], "weight": 2}

# The nearer the better covered: a dark disc, a light disc with a dark rim; left out: a triangle; cut off: a cross.
HOUSEHOLD_WITHIN: tuple[Style, ...] = (
    {"shape": "disc", "fill": BLUE, "stroke": PAPER, "weight": 0.8},
    {"shape": "disc", "fill": SKY, "stroke": "#0b3c5d", "weight": 1.4},
    {"shape": "ring", "fill": PAPER, "stroke": BLUE, "weight": 2.2},
)
HOUSEHOLD_BEYOND: Style = {"shape": "triangle", "fill": VERMILION, "stroke": PAPER, "weight": 0.8}
HOUSEHOLD_NO_WAY: Style = {"shape": "cross", "stroke": INK, "weight": 2.6}
HOUSEHOLD_PAPER: Style = {"shape": "diamond", "fill": "#F0E442", "stroke": INK, "weight": 1.4}
HOUSEHOLD_OVERLAP: tuple[Style, ...] = (
    {"shape": "triangle", "fill": VERMILION, "stroke": PAPER, "weight": 0.8},
    {"shape": "disc", "fill": "#c6dbef", "stroke": "#0b3c5d", "weight": 1},
    {"shape": "disc", "fill": SKY, "stroke": "#0b3c5d", "weight": 1.6},
    {"shape": "square", "fill": "#0b3c5d", "stroke": PAPER, "weight": 0.8},
)
CIRCLE: Style = {"stroke": "#7a5200", "weight": 1.6, "dash": [3, 4], "fill": ORANGE, "fillOpacity": 0.07}
HOUSEHOLD_PLAIN: Style = {"shape": "disc", "fill": "#6b7280", "stroke": PAPER, "weight": 0.8}
HOUSEHOLD_RADIUS = [3.0, 11.0]

SERVICE_AREA: tuple[Style, ...] = (
    {"stroke": BLUE, "weight": 5, "opacity": 0.5, "fill": BLUE, "fillOpacity": 0.22, "grows": True},
    {"stroke": SKY, "weight": 5, "opacity": 0.6, "fill": SKY, "fillOpacity": 0.18, "dash": [7, 5], "grows": True},
    {"stroke": GREEN, "weight": 4, "opacity": 0.5, "fill": GREEN, "fillOpacity": 0.14, "dash": [2, 4], "grows": True},
)

# Grids side by side: light, so that streets and labels stay readable; what tells grids apart for certain is the border.
GRID_FILLS: tuple[Style, ...] = tuple(
    {"fill": colour, "fillOpacity": opacity, "stroke": "#7b8794", "weight": 0.8}
    for colour, opacity in (
        (SKY, 0.5), (ORANGE, 0.42), (GREEN, 0.4), (PURPLE, 0.45), ("#F0E442", 0.5), (BLUE, 0.38), (VERMILION, 0.38),
        ("#8b96a1", 0.45),
    )
)  # fmt: skip
NO_GRID: Style = {"stroke": INK, "weight": 1, "dash": [2, 3], "hatch": True}
GRID_BORDERS: tuple[Style, ...] = (
    {"stroke": "#43256f", "weight": 2.2},
    {"stroke": "#a53f00", "weight": 3.4, "dash": [7, 4]},
    {"stroke": INK, "weight": 4},
)
WALKABLE: Style = {"stroke": "#6b7280", "weight": 1, "opacity": 0.35}
CLOSED_STREET: Style = {"stroke": "#7a2e00", "weight": 1.8, "dash": [2, 4]}
CLOSED_STATION: Style = {"shape": "station", "fill": PAPER, "stroke": INK, "radius": [10, 10], "weight": 2.4}
CHANGES: dict[str, Style] = {
    "unchanged": {"shape": "disc", "fill": "#c3c9cf", "stroke": PAPER, "weight": 0.5, "radius": [3, 3]},
    "gained": {"shape": "disc", "fill": BLUE, "stroke": PAPER, "weight": 1, "radius": [7, 7]},
    "lost": {"shape": "triangle", "fill": VERMILION, "stroke": PAPER, "weight": 1, "radius": [7, 7]},
}
WALK: Style = {"stroke": "#b3005e", "weight": 5, "opacity": 0.9}
WALK_LEG: Style = {"stroke": "#b3005e", "weight": 3, "dash": [3, 5]}
STRAIGHT: Style = {"stroke": INK, "weight": 1.6, "dash": [6, 5]}
