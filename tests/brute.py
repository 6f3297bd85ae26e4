"""The same question answered by plain means: shapely projects, networkx walks streets cut at every point.

Nothing here is shared with gridgeo but the streets. Only the rule is: the leg to the nearest position on a street (with
barriers: that can be reached), then along streets that meet where they share a vertex.
"""

from collections import Counter

import networkx as nx
import numpy as np
import shapely
from shapely.ops import substring


def split_streets(streets):
    """Cut streets at shared vertices: a list of LineStrings between nodes."""
    walkable = streets[streets["walkable"]] if "walkable" in streets else streets
    lines = [line for line in shapely.get_parts(walkable.geometry.to_numpy()) if line.length > 0]
    seen = Counter()
    for line in lines:
        coords = list(line.coords)
        seen.update(set(coords))
        seen.update({coord: 1 for coord, count in Counter(coords).items() if count > 1})
        seen.update([coords[0], coords[-1]])
    pieces = []
    for line in lines:
        coords = list(line.coords)
        start = 0
        for at in range(1, len(coords)):
            if at == len(coords) - 1 or seen[coords[at]] > 1:
                piece = shapely.LineString(coords[start : at + 1])
                if piece.length > 0:
                    pieces.append(piece)
                start = at
    # Drawn twice, a street is still one: who stands on the one stands on the other.
    return list({shapely.normalize(piece).wkb: piece for piece in pieces}.values())


def cut_at_gates(streets, gates):
    """Cut every street where a closed gate stands on it, a micrometre to either side."""
    shapes = streets.geometry.to_numpy().copy()
    is_open = gates["open"] if "open" in gates else [True] * len(gates)
    for gate, passable in zip(gates.geometry, is_open, strict=True):
        for row in np.flatnonzero(shapely.dwithin(shapes, gate, 1.0)) if not passable else ():
            parts = []
            for line in shapely.get_parts(shapes[row]):
                at = line.project(gate)
                cut = line.distance(gate) <= 1.0
                pieces = [substring(line, 0, at - 1e-6), substring(line, at + 1e-6, line.length)] if cut else [line]
                parts += [piece for piece in pieces if piece.geom_type == "LineString" and piece.length > 1e-5]
            shapes[row] = shapely.MultiLineString(parts)
    return streets.set_geometry(shapes, crs=streets.crs)


STEP_M = 0.05


class Walls:
    """Barriers as straight pieces, and the rule which of them a leg may not meet."""

    def __init__(self, barriers, gates):
        outlines = [shape.boundary if shape.area else shape for shape in barriers.geometry]
        self.pieces = [
            shapely.LineString(ends)
            for line in shapely.get_parts(outlines)
            for ends in zip(line.coords[:-1], line.coords[1:], strict=True)
            if ends[0] != ends[1]
        ]
        is_open = gates["open"] if "open" in gates else [True] * len(gates)
        self.gates = [gate for gate, passable in zip(gates.geometry, is_open, strict=True) if passable]

    def solid(self, gate=None):
        """Return all pieces but those that a gate stands in."""
        whole = shapely.MultiLineString([p for p in self.pieces if gate is None or p.distance(gate) > 1.0])
        shapely.prepare(whole)
        return whole

    def nearest(self, point, streets, max_access_m, gate=None):
        """Try positions along all streets, the nearest first: piece, position, leg."""
        solid = self.solid(gate)
        for radius in (5, 25, 75, max_access_m):
            tries = []
            for number in np.flatnonzero(shapely.dwithin(streets, point, radius)):
                street = streets[number]
                at = np.unique([*np.arange(0, street.length, STEP_M), street.length, street.project(point)])
                spots = shapely.line_interpolate_point(street, at)
                away = shapely.distance(spots, point)
                near = away <= min(radius, max_access_m)
                tries += [(*one, number) for one in zip(away[near], spots[near], at[near], strict=True)]
            for leg, spot, way, number in sorted(tries, key=lambda one: one[0]):
                if free(point, spot, solid):
                    return number, way, leg
        return None


def free(point, spot, solid):
    """Tell whether a leg crosses no wall: one that only begins or ends at a wall does not."""
    line = shapely.LineString([point, spot])
    if line.length < 1e-5:
        return True
    share = 2e-6 / line.length
    ends = [line.interpolate(share, normalized=True), line.interpolate(1 - share, normalized=True)]
    return not solid.intersects(shapely.LineString(ends))


def through_gates(point, onward, walls, max_access_m):
    """List the ways through an open gate: piece, position, leg."""
    for gate, street in onward:
        if street is not None and free(point, gate, walls.solid(gate)):
            leg = point.distance(gate) + street[2]
            if leg <= max_access_m:
                yield street[0], street[1], leg


def snap_round(points, pieces, max_access_m, walls):
    """Like `snap`, where legs may not cross a wall except at an open gate."""
    cuts, legs = {}, {}
    onward = [(gate, walls.nearest(gate, pieces, max_access_m, gate)) for gate in walls.gates]
    solid = walls.solid()
    for number, point in enumerate(points):
        nearest = int(np.argmin(shapely.distance(pieces, point)))
        way = pieces[nearest].project(point)
        ways = [(nearest, way, pieces[nearest].distance(point))]
        if ways[0][2] > max_access_m:
            continue
        if not free(point, pieces[nearest].interpolate(way), solid):
            direct = walls.nearest(point, pieces, max_access_m)
            ways = [direct] if direct else []
            ways += through_gates(point, onward, walls, max_access_m)
        if ways:
            piece, way, leg = min(ways, key=lambda one: one[2])
            legs[number] = leg
            cuts.setdefault(piece, []).append((way, number))
    return cuts, legs


def snap(points, pieces, max_access_m):
    """Return legs by point, and by piece the positions where points stand on it."""
    tree = shapely.STRtree(pieces)
    cuts, legs = {}, {}
    for number, point in enumerate(points):
        piece = int(tree.nearest(point))
        leg = pieces[piece].distance(point)
        if leg <= max_access_m:
            legs[number] = leg
            cuts.setdefault(piece, []).append((pieces[piece].project(point), number))
    return cuts, legs


def join(graph, u, v, length):
    if u != v and length <= graph.get_edge_data(u, v, {"length": np.inf})["length"]:
        graph.add_edge(u, v, length=length)


def split_graph(pieces, cuts):
    """Return the graph of pieces cut wherever a point stands."""
    graph = nx.Graph()
    for number, piece in enumerate(pieces):
        previous, way = piece.coords[0], 0.0
        for position, point in sorted(cuts.get(number, [])):
            join(graph, previous, ("on", point), position - way)
            previous, way = ("on", point), position
        # A middle of its own keeps parallel pieces and loops apart.
        middle = ("middle", number)
        join(graph, previous, middle, (piece.length - way) / 2)
        join(graph, middle, piece.coords[-1], (piece.length - way) / 2)
    return graph


def walk_distances(streets, households, stations, *, max_access_m=200.0, walls=None):
    """Return the matrix of walking distances, households by stations; inf where there is no walk."""
    pieces = split_streets(streets)
    points = np.concatenate([households.geometry.to_numpy(), stations.geometry.to_numpy()])
    cuts, legs = snap_round(points, pieces, max_access_m, walls) if walls else snap(points, pieces, max_access_m)
    graph = split_graph(pieces, cuts)
    count = len(households)
    matrix = np.full((count, len(stations)), np.inf)
    for column in range(len(stations)):
        if count + column not in legs:
            continue
        found = nx.single_source_dijkstra_path_length(graph, ("on", count + column), weight="length")
        for row in range(count):
            if row in legs and ("on", row) in found:
                matrix[row, column] = legs[count + column] + found["on", row] + legs[row]
    return matrix
