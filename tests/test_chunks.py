"""Very many areas are cut into squares that are fetched one by one, very many points into one body; none is lost."""

import asyncio
import itertools
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pytest
import shapely
from starlette.requests import Request

from app.serving.chunks import ROUTE
from app.state.chunks import KEPT, chunk, keep_chunks
from gridgeo.maps.chunks import MOST_POINTS, MOST_WHOLE, cut_layer, is_cut, is_large, is_packed, pack_points
from gridgeo.maps.features import Field, Look, MapLayer, both, encode_geometry

NAME = both("layer.buildings")


def layer_of(count, **more):
    """A field of small squares, every seventh with a hole and every ninth of two parts, in no order."""
    at = np.random.default_rng(1).uniform(0, 0.02, (count, 2)).round(7)
    shapes = shapely.box(at[:, 0], at[:, 1], at[:, 0] + 1e-5, at[:, 1] + 1e-5)
    holes = shapely.buffer(shapely.centroid(shapes), 2e-6, quad_segs=1)
    shapes[::7] = shapely.difference(shapes[::7], holes[::7])
    other = shapely.transform(shapes[::9], lambda xy: xy + 5e-5)
    shapes[::9] = [
        shapely.MultiPolygon([*shapely.get_parts(a), *shapely.get_parts(b)])
        for a, b in zip(shapes[::9], other, strict=True)
    ]
    look = Look(name=NAME, style={"fill": "#999999"})
    made = {"layer_id": "buildings", "name": NAME, "group": "ground", "kind": "polygons", "looks": (look, look)}
    made |= {"geometry": encode_geometry(gpd.GeoSeries(shapes, crs=4326)), "look_of": np.arange(count) % 2}
    fields = (Field(name=NAME, values=np.arange(count).tolist()),)
    return MapLayer(**made, fields=fields, **more).data, shapes


def rings(lonlat, parts, features):
    """The rings of each feature, as lists of corners."""
    corners = np.split(np.asarray(lonlat).reshape(-1, 2), np.cumsum(parts)[:-1])
    start = np.concatenate([[0], np.cumsum(features)])
    return [[corners[p].tolist() for p in range(a, b)] for a, b in itertools.pairwise(start)]


def unpack(content):
    numbers = np.frombuffer(content, dtype="<i4")
    cut = 2 + np.cumsum([0, numbers[0], numbers[1]])
    return rings(numbers[cut[2] :], numbers[cut[1] : cut[2]], numbers[cut[0] : cut[1]])


def test_every_feature_is_in_one_square_with_its_own_values():
    data, shapes = layer_of(2500)
    light, chunks = cut_layer(data)
    assert len(chunks) == len(light["geometry"]["chunks"]) == 4
    found = [feature for content in chunks for feature in unpack(content)]
    numbers = light["fields"][0]["values"]
    assert sorted(numbers) == list(range(2500))
    assert light["lookOf"] == [number % 2 for number in numbers]
    for number, feature in zip(numbers, found, strict=True):
        expected = [
            np.rint(shapely.get_coordinates(each) * 1e7).tolist()
            for each in shapely.get_rings(shapely.get_parts(shapes[number]))
        ]
        assert feature == expected
    row = 0
    for square, content in zip(light["geometry"]["chunks"], chunks, strict=True):
        corners = np.concatenate([np.concatenate(each) for each in unpack(content)])
        assert square["box"] == [*corners.min(axis=0), *corners.max(axis=0)]
        row += square["count"]
    assert row == 2500
    assert light["version"] == data["version"]


def test_only_large_layers_are_cut():
    assert not is_large(layer_of(50)[0])
    data, _ = layer_of(MOST_WHOLE + 1)
    assert is_large(data)
    assert isinstance(cut_layer(data)[0]["lookOf"], type(data["lookOf"]))
    # Labels are placed among all of a layer's features.
    assert not is_large(data | {"labels": ["x"]})


def points_of(count, *, sizes=None, **more):
    at = np.random.default_rng(2).uniform(-80, 80, (count, 2)).round(7)
    look = Look(name=NAME, style={"fill": "#999999"})
    made = {"layer_id": "households", "name": NAME, "group": "results", "kind": "points", "looks": (look, look)}
    made |= {"geometry": encode_geometry(gpd.GeoSeries(shapely.points(at), crs=4326)), "look_of": np.arange(count) % 2}
    return MapLayer(**made, sizes=sizes, **more).data, at


@pytest.mark.parametrize("count", [1, 2, 3, 500, MOST_POINTS + 1])
def test_points_are_packed_in_their_order_with_look_and_size(count):
    data, at = points_of(count, sizes=np.arange(count) % 256)
    light, [body] = pack_points(data)
    assert light["geometry"] == {"points": count}
    assert np.frombuffer(body, "<i4", 2 * count).tolist() == np.rint(at * 1e7).ravel().tolist()
    assert list(body[8 * count : 9 * count]) == [row % 2 for row in range(count)]
    assert list(body[9 * count :]) == [row % 256 for row in range(count)]
    bare, [body] = pack_points(points_of(count)[0])
    assert (light["sizes"], bare["sizes"], len(body)) == (True, False, 9 * count)


def test_only_many_points_without_words_are_packed():
    data, _ = points_of(MOST_POINTS + 1)
    assert is_packed(data)
    assert is_large(data)
    assert not is_cut(data)
    assert not is_packed(points_of(MOST_POINTS)[0])
    for said in ({"titles": ["x"]}, {"labels": ["x"]}, {"keys": ["x"]}, {"fields": [{}]}):
        assert not is_packed(data | said)


def ask(address, number):
    scope = {"type": "http", "method": "GET", "headers": [], "path_params": {"address": address, "number": number}}
    # In a thread of its own: the browser of another test may have a loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ROUTE.endpoint(Request(scope))).result()


def test_squares_are_kept_under_an_address_that_only_the_layer_tells():
    data, _ = layer_of(2500)
    light = keep_chunks(data)
    assert keep_chunks(data) is light
    address = light["geometry"]["address"]
    assert data["version"] not in address
    assert ask(address, 0).body == cut_layer(data)[1][0]
    assert ask(address, 4).status_code == 204
    assert ask("0" * 32, 0).status_code == 204
    for number in range(KEPT):
        keep_chunks(data | {"version": str(number)})
    assert chunk(address, 0) is None
    with pytest.raises(KeyError):
        keep_chunks({"version": "other"})
