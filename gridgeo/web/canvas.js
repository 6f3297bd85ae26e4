// The layers on the map: each a Leaflet layer, drawn on a few shared canvases, so that many features stay quick, a
// hidden tab does no harm, and the whole picture can be saved.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { decode, splice, unpackBytes, polygonAt, pointAt, lineAt } = gridgeo.coordinates;
  const { point, radius, paint, casing } = gridgeo.symbols;

  const MOST_SYMBOLS = 20000;
  const MOST_SIZE = 255;
  const APART_PX = 0.3;
  const MOST_CORNERS = 5000;

  /** A canvas over the whole view that moves with the map and is drawn anew when the map comes to rest. */
  const Sheet = L.Renderer.extend({
    options: { padding: 0.2 },

    initialize(name, draw) {
      L.Renderer.prototype.initialize.call(this, { pane: name });
      this._draw = draw;
    },

    _initContainer() {
      this._container = document.createElement("canvas");
      this._container.style.pointerEvents = "none";
      this._container.setAttribute("aria-hidden", "true");
      this._pen = this._container.getContext("2d");
    },

    _destroyContainer() {
      cancelAnimationFrame(this._asked);
      this._container.remove();
      delete this._container;
      delete this._pen;
    },

    _updatePaths() {},

    _update() {
      if (this._map._animatingZoom && this._bounds) {
        return;
      }
      L.Renderer.prototype._update.call(this);
      const size = this._bounds.getSize();
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      L.DomUtil.setPosition(this._container, this._bounds.min);
      this._container.width = Math.max(1, Math.round(size.x * ratio));
      this._container.height = Math.max(1, Math.round(size.y * ratio));
      this._container.style.width = `${size.x}px`;
      this._container.style.height = `${size.y}px`;
      this._pen.setTransform(ratio, 0, 0, ratio, -this._bounds.min.x * ratio, -this._bounds.min.y * ratio);
      this._draw(this._pen, this._bounds);
    },

    /** Draw again soon; several wishes within one frame are one drawing. */
    ask() {
      cancelAnimationFrame(this._asked);
      this._asked = requestAnimationFrame(() => this._map && this._update());
    },
  });

  /** One layer of a plan. It knows its features; the sheet it lies on draws it. */
  const PlanLayer = L.Layer.extend({
    /** Whether data is of the kind that this kind of layer takes. */
    suits: () => true,

    initialize(data) {
      this.take(data);
    },

    take(data) {
      this.data = data;
      this.shape = data.shape || decode(data.geometry);
      this.lookOf = bytes(data.lookOf);
      this.sizes = data.sizes ? bytes(data.sizes) : null;
      this.order = null;
    },

    onAdd() {
      this.fire("turned");
    },

    onRemove() {
      this.fire("turned");
    },

    /** Take new data under the same name, and stay where it is. */
    renew(data) {
      this.take(data);
      this.fire("turned");
    },

    /** Take only what changed: some features anew, some gone, the others as they are. */
    patch(change) {
      const { data, shape } = this;
      const count = change.keys ? change.keys.length : shape.count;
      const held = new Map((change.keys ? data.keys : []).map((key, i) => [key, i]));
      // Where each feature was before; without new keys, where it is.
      const before = change.keys && change.keys.map((key) => held.get(key));
      const merge = (old, some) => old && replace(before ? before.map((i) => old[i]) : old.slice(), change.rows, some);
      if (change.geometry || change.keys) {
        const moved = change.geometry ? decode(change.geometry) : null;
        const placed = new Map((change.geometryRows || []).map((row, j) => [row, j]));
        const source = (i) => (placed.has(i) ? [moved, placed.get(i)] : [shape, before ? before[i] : i]);
        this.shape = splice(count, source);
      }
      this.lookOf = merge(this.lookOf, change.lookOf);
      this.sizes = this.sizes && merge(this.sizes, change.sizes);
      this.order = change.sizes || change.keys ? null : this.order;
      const columns = ["titles", "labels", "labelAt", "labelRoom"].map((name) => [name, merge(data[name], change[name])]);
      const fields = change.head.fields.map((field, f) => ({
        ...field,
        values: merge(data.fields[f].values, change.fields && change.fields[f]),
      }));
      const keys = change.keys || data.keys;
      this.data = { ...data, ...change.head, ...Object.fromEntries(columns), fields, keys, version: change.version };
      this.fire("turned");
    },

    /** Show some features in another look at once; the app's answer confirms it. */
    repaint(keys, look) {
      const wanted = new Set(keys);
      this.lookOf = Array.from(this.lookOf);
      this.data.keys.forEach((key, i) => {
        this.lookOf[i] = wanted.has(key) ? look : this.lookOf[i];
      });
      this.fire("turned");
    },

    styleOf(feature) {
      return this.data.looks[this.lookOf[feature]].style;
    },

    draw(pen, map, bounds) {
      const scale = map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD;
      const origin = map.getPixelOrigin();
      const at = { scale, left: origin.x, top: origin.y, zoom: map.getZoom(), bounds };
      if (this.data.kind === "points") {
        this._drawPoints(pen, at);
      } else {
        this._drawPaths(pen, at);
      }
    },

    /** Draw some features over everything, in a style of their own. */
    drawSome(pen, map, bounds, wanted, style) {
      const scale = map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD;
      const origin = map.getPixelOrigin();
      const at = { scale, left: origin.x, top: origin.y, zoom: map.getZoom(), bounds };
      if (this.data.kind === "points") {
        for (let i = 0; i < this.shape.count; i += 1) {
          if (wanted(i)) {
            const [x, y] = [this.shape.xy[2 * i] * scale - origin.x, this.shape.xy[2 * i + 1] * scale - origin.y];
            pen.beginPath();
            pen.arc(x, y, radius(this.styleOf(i), 1) + 5, 0, 2 * Math.PI);
            paint(pen, style, at.zoom, true);
          }
        }
        return;
      }
      const areal = this.data.kind === "polygons";
      strokePath(pen, this._path(at, areal, wanted), () => paint(pen, style, at.zoom, areal));
    },

    _drawPoints(pen, at) {
      const { xy } = this.shape;
      const seen = this._seen(at);
      if (seen.length > MOST_SYMBOLS) {
        this._drawDots(pen, at, seen);
        return;
      }
      const nearness = this.sizes ? Math.min(1.5, Math.max(0.55, Math.pow(1.25, at.zoom - 16))) : 1;
      for (const i of seen) {
        const x = xy[2 * i] * at.scale - at.left;
        const y = xy[2 * i + 1] * at.scale - at.top;
        const style = this.styleOf(i);
        point(pen, style, x, y, radius(style, this.sizes ? this.sizes[i] / MOST_SIZE : 1) * nearness);
      }
    },

    /** The points in view, the largest first, so that a small symbol is never hidden. */
    _seen(at) {
      const { xy, count } = this.shape;
      const { min, max } = at.bounds;
      const [left, right] = [(min.x - 20 + at.left) / at.scale, (max.x + 20 + at.left) / at.scale];
      const [top, bottom] = [(min.y - 20 + at.top) / at.scale, (max.y + 20 + at.top) / at.scale];
      const found = new Uint32Array(count);
      let number = 0;
      for (const i of this._bySize()) {
        if (xy[2 * i] > left && xy[2 * i] < right && xy[2 * i + 1] > top && xy[2 * i + 1] < bottom) {
          found[number] = i;
          number += 1;
        }
      }
      return found.subarray(0, number);
    },

    _bySize() {
      if (!this.order) {
        this.order = Uint32Array.from({ length: this.shape.count }, (_, i) => i);
        const { sizes } = this;
        if (sizes) {
          this.order = sortDown(sizes);
        }
      }
      return this.order;
    },

    /** Very many points: coloured dots written straight into a picture. */
    _drawDots(pen, at, seen) {
      const { xy } = this.shape;
      const { min } = at.bounds;
      const size = at.bounds.getSize();
      const [wide, high] = [Math.ceil(size.x), Math.ceil(size.y)];
      const picture = new ImageData(wide, high);
      const pixels = new Uint32Array(picture.data.buffer);
      const colours = this.data.looks.map((look) => packed(look.style.fill || look.style.stroke));
      const side = at.zoom > 15 ? 3 : 2;
      const [left, top] = [at.left + min.x, at.top + min.y];
      for (const i of seen) {
        const x = Math.round(xy[2 * i] * at.scale - left);
        const y = Math.round(xy[2 * i + 1] * at.scale - top);
        const [east, south] = [Math.min(wide, x + side), Math.min(high, y + side)];
        for (let row = Math.max(0, y); row < south; row += 1) {
          for (let column = Math.max(0, x); column < east; column += 1) {
            pixels[row * wide + column] = colours[this.lookOf[i]];
          }
        }
      }
      const sheet = document.createElement("canvas");
      sheet.width = wide;
      sheet.height = high;
      sheet.getContext("2d").putImageData(picture, 0, 0);
      pen.drawImage(sheet, min.x, min.y);
    },

    _drawPaths(pen, at) {
      const areal = this.data.kind === "polygons";
      const outside = this.data.looks[0].style.outside;
      if (outside) {
        this._drawOutside(pen, at, outside);
      }
      // One path for each look: a few strokes instead of one for each feature, and no seams between neighbours.
      const looks = this.data.looks.map((look, number) => ({ style: look.style, number }));
      const ordered = areal ? looks : looks.slice().sort((a, b) => (a.style.weight || 0) - (b.style.weight || 0));
      const paths = new Map(ordered.map((look) => [look, this._path(at, areal, (f) => this.lookOf[f] === look.number)]));
      for (const [look, path] of paths) {
        strokePath(pen, path, () => casing(pen, look.style, at.zoom));
      }
      const drawn = this.data.id === "service_areas" ? [...paths].reverse() : [...paths];
      for (const [look, path] of drawn) {
        strokePath(pen, path, () => paint(pen, look.style, at.zoom, areal));
      }
    },

    _drawOutside(pen, at, colour) {
      const { min, max } = at.bounds;
      const path = this._path(at, true, () => true);
      pen.beginPath();
      pen.rect(min.x, min.y, max.x - min.x, max.y - min.y);
      trace(pen, path);
      pen.globalAlpha = 0.72;
      pen.fillStyle = colour;
      pen.fill("evenodd");
      pen.globalAlpha = 1;
    },

    /** The lines or rings of the features in view, as arrays of screen coordinates. */
    _path(at, closed, wanted) {
      const { count, partStart, featureStart, boxes } = this.shape;
      const { min, max } = at.bounds;
      const found = [];
      for (let f = 0; f < count; f += 1) {
        const b = 4 * f;
        const seen =
          boxes[b] * at.scale - at.left < max.x + 20 &&
          boxes[b + 2] * at.scale - at.left > min.x - 20 &&
          boxes[b + 1] * at.scale - at.top < max.y + 20 &&
          boxes[b + 3] * at.scale - at.top > min.y - 20;
        if (!seen || !wanted(f)) {
          continue;
        }
        for (let p = featureStart[f]; p < featureStart[f + 1]; p += 1) {
          const line = this._onScreen(at, partStart[p], partStart[p + 1]);
          found.push(Object.assign(line, { closed, begins: p === featureStart[f] }));
        }
      }
      return found;
    },

    /** Some vertices on the screen, without those so near to the one before that nobody sees them apart. */
    _onScreen(at, from, to) {
      const { xy } = this.shape;
      const line = new Float64Array(2 * (to - from));
      let k = 0;
      for (let v = from; v < to; v += 1) {
        const [x, y] = [xy[2 * v] * at.scale - at.left, xy[2 * v + 1] * at.scale - at.top];
        if (v === from || v === to - 1 || Math.abs(x - line[k - 2]) > APART_PX || Math.abs(y - line[k - 1]) > APART_PX) {
          line[k] = x;
          line[k + 1] = y;
          k += 2;
        }
      }
      return line.subarray(0, k);
    },

    /** The feature under a world point, -1 when there is none; `reach` in world units. */
    featureAt(x, y, reach) {
      if (this.data.kind === "points") {
        return pointAt(this.shape, x, y, reach);
      }
      return this.data.kind === "polygons" ? polygonAt(this.shape, x, y) : lineAt(this.shape, x, y, reach);
    },
  });

  /** Put new values into their rows. */
  function replace(values, rows, fresh) {
    rows.forEach((row, j) => fresh && (values[row] = fresh[j]));
    return values;
  }

  /** Small whole numbers, as they come: a list, or base64 of bytes where there are many. */
  function bytes(values) {
    return typeof values === "string" ? unpackBytes(values) : values;
  }

  /** The places of bytes, the greatest first; counting is quicker than comparing. */
  function sortDown(values) {
    const start = new Uint32Array(MOST_SIZE + 2);
    for (let i = 0; i < values.length; i += 1) {
      start[MOST_SIZE - values[i] + 1] += 1;
    }
    for (let k = 0; k <= MOST_SIZE; k += 1) {
      start[k + 1] += start[k];
    }
    const order = new Uint32Array(values.length);
    for (let i = 0; i < values.length; i += 1) {
      order[start[MOST_SIZE - values[i]]] = i;
      start[MOST_SIZE - values[i]] += 1;
    }
    return order;
  }

  /** A colour like #0072B2 as the four bytes of a pixel. */
  function packed(colour) {
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }

  function trace(pen, path) {
    path.forEach((line) => traceLine(pen, line));
  }

  function traceLine(pen, line) {
    pen.moveTo(line[0], line[1]);
    for (let k = 2; k < line.length; k += 2) {
      pen.lineTo(line[k], line[k + 1]);
    }
    if (line.closed) {
      pen.closePath();
    }
  }

  /** Trace a path and finish it; a long one in pieces of whole features, for a browser's time grows faster than a path. */
  function strokePath(pen, path, finish) {
    let corners = 0;
    pen.beginPath();
    for (const line of path) {
      if (corners > MOST_CORNERS && line.begins) {
        finish();
        pen.beginPath();
        corners = 0;
      }
      traceLine(pen, line);
      corners += line.length / 2;
    }
    if (corners) {
      finish();
    }
  }

  /** Write the labels of the visible layers, the most important first, none over another or over what is `taken`. */
  function drawLabels(pen, map, bounds, layers, say, taken) {
    const scale = map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD;
    const origin = map.getPixelOrigin();
    const wishes = layers.flatMap((layer) => labelsOf(layer, scale, origin, say));
    wishes.sort((a, b) => a.style.rank - b.style.rank);
    taken.push(...layers.flatMap((layer) => symbolsOf(layer, scale, origin)));
    let written = 0;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const wish of wishes) {
      const size = wish.style.size || 13;
      pen.font = `${wish.style.weight || 600} ${size}px ${gridgeo.FONT}`;
      const half = pen.measureText(wish.text).width / 2 + 3;
      const free = half > wish.room ? null : places(wish, half, size).find((box) => fits(box, bounds, taken));
      if (!free) {
        continue;
      }
      taken.push(free);
      written += 1;
      const [x, y] = [(free[0] + free[2]) / 2, (free[1] + free[3]) / 2];
      pen.strokeStyle = "rgba(255,255,255,0.94)";
      pen.lineWidth = 4;
      pen.strokeText(wish.text, x, y);
      pen.fillStyle = wish.style.colour || "#1f2933";
      pen.fillText(wish.text, x, y);
    }
    return written;
  }

  /** Where a label may stand: an area's in its middle, a symbol's below it, else above, to the right, to the left. */
  function places({ x, y, style, beside }, half, size) {
    const dy = style.dy || 0;
    const aside = half + size;
    const tries = beside ? [[0, dy], [0, -dy - 2], [aside, 0], [-aside, 0]] : [[0, dy]];
    return tries.map(([right, down]) => [x + right - half, y + down - size * 0.7, x + right + half, y + down + size * 0.7]);
  }

  function fits(box, bounds, taken) {
    const seen = box[2] > bounds.min.x && box[0] < bounds.max.x && box[3] > bounds.min.y && box[1] < bounds.max.y;
    return seen && !taken.some((other) => meet(box, other));
  }

  /** The symbols that no label may hide: those of layers that have labels themselves. */
  function symbolsOf(layer, scale, origin) {
    if (layer.data.kind !== "points" || !layer.data.labels) {
      return [];
    }
    const { xy, count } = layer.shape;
    return Array.from({ length: count }, (_, i) => {
      const [x, y, r] = [xy[2 * i] * scale - origin.x, xy[2 * i + 1] * scale - origin.y, radius(layer.styleOf(i), 1)];
      return [x - r, y - r * 1.2, x + r, y + r];
    });
  }

  function labelsOf(layer, scale, origin, say) {
    const { labels, labelAt, labelRoom, labelStyle, kind } = layer.data;
    if (!labels) {
      return [];
    }
    return labels.flatMap((label, i) => {
      if (!label) {
        return [];
      }
      const at = kind === "points" ? layer.shape.xy.subarray(2 * i, 2 * i + 2) : world(labelAt[i]);
      // A label may reach somewhat beyond the largest circle within its area: most areas are longer than wide.
      const room = labelRoom ? (2.2 * labelRoom[i] * gridgeo.coordinates.WORLD * scale) / 360 : Infinity;
      const [x, y] = [at[0] * scale - origin.x, at[1] * scale - origin.y];
      return [{ text: say(label), style: labelStyle, x, y, room, beside: kind === "points" }];
    });
  }

  function world(latlon) {
    return [gridgeo.coordinates.worldX(latlon[1]), gridgeo.coordinates.worldY(latlon[0])];
  }

  function meet(a, b) {
    return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
  }

  gridgeo.Sheet = Sheet;
  gridgeo.PlanLayer = PlanLayer;
  gridgeo.bytes = bytes;
  gridgeo.layerKinds = [PlanLayer];
  gridgeo.kindOf = (data) => gridgeo.layerKinds.find((kind) => kind.prototype.suits(data));
  gridgeo.layer = (data) => new (gridgeo.kindOf(data))(data);
  gridgeo.drawLabels = drawLabels;
  gridgeo.FONT = '"Noto Sans SC","Source Han Sans SC","Noto Sans CJK SC","Microsoft YaHei","PingFang SC",system-ui,sans-serif';
})();
