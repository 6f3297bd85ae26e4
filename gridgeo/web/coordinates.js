// Where things are: unpacking a layer's geometry, and finding what lies under the pointer.
// World coordinates are Web Mercator pixels at zoom 0, so one multiplication brings them to any zoom.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const UNITS_PER_DEGREE = 1e7;
  const WORLD = 256;

  /** The bytes that base64 text stands for. */
  function unpackBytes(text) {
    const characters = atob(text);
    const bytes = new Uint8Array(characters.length);
    for (let i = 0; i < characters.length; i += 1) {
      bytes[i] = characters.charCodeAt(i);
    }
    return bytes;
  }

  function worldX(lon) {
    return ((lon + 180) / 360) * WORLD;
  }

  function worldY(lat) {
    const sine = Math.sin((lat * Math.PI) / 180);
    return (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)) * WORLD;
  }

  /** Unpack a layer's geometry: xy (world), and for lines and polygons where each part and feature begins. */
  function decode({ lonlat, parts, features }) {
    return shapeOf(new Int32Array(unpackBytes(lonlat).buffer), parts, features);
  }

  function shapeOf(lonlat, parts, features) {
    const count = lonlat.length / 2;
    const xy = new Float64Array(lonlat.length);
    for (let i = 0; i < count; i += 1) {
      xy[2 * i] = worldX(lonlat[2 * i] / UNITS_PER_DEGREE);
      xy[2 * i + 1] = worldY(lonlat[2 * i + 1] / UNITS_PER_DEGREE);
    }
    if (!parts) {
      return { xy, count };
    }
    const partStart = starts(parts);
    const featureStart = starts(features);
    return { xy, count: features.length, partStart, featureStart, boxes: boxes(xy, partStart, featureStart) };
  }

  function starts(sizes) {
    const found = new Uint32Array(sizes.length + 1);
    sizes.forEach((size, i) => {
      found[i + 1] = found[i] + size;
    });
    return found;
  }

  function boxes(xy, partStart, featureStart) {
    const count = featureStart.length - 1;
    const found = new Float64Array(4 * count);
    for (let f = 0; f < count; f += 1) {
      let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
      for (let v = partStart[featureStart[f]]; v < partStart[featureStart[f + 1]]; v += 1) {
        west = Math.min(west, xy[2 * v]);
        east = Math.max(east, xy[2 * v]);
        north = Math.min(north, xy[2 * v + 1]);
        south = Math.max(south, xy[2 * v + 1]);
      }
      found.set([west, north, east, south], 4 * f);
    }
    return found;
  }

  /** The polygon that holds a world point, the last drawn first; -1 when none does. */
  function polygonAt(shape, x, y) {
    for (let f = shape.count - 1; f >= 0; f -= 1) {
      const b = 4 * f;
      const near = x >= shape.boxes[b] && y >= shape.boxes[b + 1] && x <= shape.boxes[b + 2] && y <= shape.boxes[b + 3];
      if (near && holds(shape, f, x, y)) {
        return f;
      }
    }
    return -1;
  }

  function holds(shape, f, x, y) {
    let inside = false;
    for (let p = shape.featureStart[f]; p < shape.featureStart[f + 1]; p += 1) {
      const [from, to] = [shape.partStart[p], shape.partStart[p + 1]];
      for (let i = from, j = to - 1; i < to; j = i, i += 1) {
        const [xi, yi, xj, yj] = [shape.xy[2 * i], shape.xy[2 * i + 1], shape.xy[2 * j], shape.xy[2 * j + 1]];
        if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) {
          inside = !inside;
        }
      }
    }
    return inside;
  }

  /** The line nearest to a world point within a reach; -1 when there is none. */
  function lineAt(shape, x, y, reach) {
    let [best, nearest] = [-1, reach * reach];
    for (let f = 0; f < shape.count; f += 1) {
      const b = 4 * f;
      const { boxes: box } = shape;
      if (x < box[b] - reach || y < box[b + 1] - reach || x > box[b + 2] + reach || y > box[b + 3] + reach) {
        continue;
      }
      for (let p = shape.featureStart[f]; p < shape.featureStart[f + 1]; p += 1) {
        for (let v = shape.partStart[p]; v < shape.partStart[p + 1] - 1; v += 1) {
          const away = fromSegment(x, y, shape.xy.subarray(2 * v, 2 * v + 4));
          if (away <= nearest) {
            [best, nearest] = [f, away];
          }
        }
      }
    }
    return best;
  }

  /** The square of a point's distance from a segment. */
  function fromSegment(x, y, [ax, ay, bx, by]) {
    const [dx, dy] = [bx - ax, by - ay];
    const share = Math.min(1, Math.max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    return (ax + share * dx - x) ** 2 + (ay + share * dy - y) ** 2;
  }

  /** Sort points into square cells, so that the nearest is found among a few instead of all. */
  function indexPoints(shape) {
    const n = shape.count;
    let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n; i += 1) {
      west = Math.min(west, shape.xy[2 * i]);
      east = Math.max(east, shape.xy[2 * i]);
      north = Math.min(north, shape.xy[2 * i + 1]);
      south = Math.max(south, shape.xy[2 * i + 1]);
    }
    const side = Math.max(Math.sqrt(((east - west) * (south - north)) / Math.max(n, 1)), (east - west) / 2000, 1e-9);
    const columns = Math.max(1, Math.floor((east - west) / side) + 1);
    const rows = Math.max(1, Math.floor((south - north) / side) + 1);
    const cellOf = new Uint32Array(n);
    const cellStart = new Uint32Array(columns * rows + 1);
    for (let i = 0; i < n; i += 1) {
      const column = Math.floor((shape.xy[2 * i] - west) / side);
      const row = Math.floor((shape.xy[2 * i + 1] - north) / side);
      cellOf[i] = row * columns + column;
      cellStart[cellOf[i] + 1] += 1;
    }
    for (let c = 0; c < columns * rows; c += 1) {
      cellStart[c + 1] += cellStart[c];
    }
    const next = cellStart.slice(0, -1);
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i += 1) {
      order[next[cellOf[i]]] = i;
      next[cellOf[i]] += 1;
    }
    return { west, north, side, columns, rows, cellStart, order };
  }

  /** The point nearest to a world point within a reach; -1 when there is none. */
  function pointAt(shape, x, y, reach) {
    if (shape.count === 0) {
      return -1;
    }
    shape.index = shape.index || indexPoints(shape);
    const { west, north, side, columns, rows, cellStart, order } = shape.index;
    const clamp = (value, most) => Math.min(Math.max(Math.floor(value), 0), most);
    const [left, right] = [clamp((x - reach - west) / side, columns - 1), clamp((x + reach - west) / side, columns - 1)];
    const [top, bottom] = [clamp((y - reach - north) / side, rows - 1), clamp((y + reach - north) / side, rows - 1)];
    let [best, nearest] = [-1, reach * reach];
    for (let row = top; row <= bottom; row += 1) {
      for (let k = cellStart[row * columns + left]; k < cellStart[row * columns + right + 1]; k += 1) {
        const i = order[k];
        const away = (shape.xy[2 * i] - x) ** 2 + (shape.xy[2 * i + 1] - y) ** 2;
        if (away <= nearest) {
          [best, nearest] = [i, away];
        }
      }
    }
    return best;
  }

  /** Put a shape together from features of others: `source(i)` gives the shape and the feature that become number i. */
  function splice(count, source) {
    const taken = Array.from({ length: count }, (_, i) => source(i));
    if (!taken.length || !taken[0][0].partStart) {
      const xy = new Float64Array(2 * count);
      taken.forEach(([shape, f], i) => xy.set(shape.xy.subarray(2 * f, 2 * f + 2), 2 * i));
      return { xy, count };
    }
    const [parts, vertices] = [[], []];
    const features = taken.map(([shape, f]) => {
      for (let p = shape.featureStart[f]; p < shape.featureStart[f + 1]; p += 1) {
        vertices.push(shape.xy.subarray(2 * shape.partStart[p], 2 * shape.partStart[p + 1]));
        parts.push(shape.partStart[p + 1] - shape.partStart[p]);
      }
      return shape.featureStart[f + 1] - shape.featureStart[f];
    });
    const [partStart, featureStart] = [starts(parts), starts(features)];
    const xy = new Float64Array(2 * partStart[parts.length]);
    vertices.forEach((some, p) => xy.set(some, 2 * partStart[p]));
    return { xy, count, partStart, featureStart, boxes: boxes(xy, partStart, featureStart) };
  }

  gridgeo.coordinates = { splice, decode, shapeOf, unpackBytes, worldX, worldY, polygonAt, pointAt, lineAt, WORLD, UNITS_PER_DEGREE };
})();
