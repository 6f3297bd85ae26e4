"""The same question answered by plain means: shapely projects, networkx walks streets cut at every point.

Nothing here is shared with gridgeo but the streets. Only the rule is: the leg to the nearest position on a street, then
along streets that meet where they share a vertex.
"""

from collections import Counter

import networkx as nx
import numpy as np
import shapely


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
    return pieces


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


def walk_distances(streets, households, stations, *, max_access_m=200.0):
    """Return the matrix of walking distances, households by stations; inf where there is no walk."""
    pieces = split_streets(streets)
    points = np.concatenate([households.geometry.to_numpy(), stations.geometry.to_numpy()])
    cuts, legs = snap(points, pieces, max_access_m)
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
