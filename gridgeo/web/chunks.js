// A layer of very many features whose squares are fetched when they come into view, and not from too far away.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { shapeOf, worldX, worldY, UNITS_PER_DEGREE } = gridgeo.coordinates;
  const LEAST_ZOOM = 14;
  const AGAIN_MS = 2000;
  const MOST_TRIES = 5;

  const GONE = "gone";

  /** Fetch one body of a large layer: its bytes; `GONE` where the app keeps it no more; null when there is no answer. */
  async function fetchBody(address, number) {
    try {
      const answer = await fetch(new URL(`../../chunks/${address}/${number}`, window.location.href));
      if (answer.status === 204) {
        return GONE;
      }
      return answer.ok ? await answer.arrayBuffer() : null;
    } catch {
      return null;
    }
  }

  const ChunkLayer = gridgeo.PlanLayer.extend({
    suits: (data) => Boolean(data.geometry.chunks),

    take(data) {
      const looks = gridgeo.bytes(data.lookOf);
      let start = 0;
      this.data = data;
      this.lost = false;
      this.lookOf = looks;
      this.shape = { count: looks.length };
      this.chunks = data.geometry.chunks.map(({ box, count }, number) => {
        start += count;
        const [west, south, east, north] = box.map((value) => value / UNITS_PER_DEGREE);
        const world = [worldX(west), worldY(north), worldX(east), worldY(south)];
        return { number, world, start: start - count, count, tries: 0, layer: null };
      });
    },

    draw(pen, map, bounds) {
      if (map.getZoom() < LEAST_ZOOM) {
        return;
      }
      const scale = map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD;
      const { x, y } = map.getPixelOrigin();
      const [left, top] = [(bounds.min.x + x) / scale, (bounds.min.y + y) / scale];
      const [right, low] = [(bounds.max.x + x) / scale, (bounds.max.y + y) / scale];
      const wanted = [];
      for (const chunk of this.chunks) {
        const [west, north, east, south] = chunk.world;
        if (west <= right && east >= left && north <= low && south >= top) {
          if (chunk.layer) {
            chunk.layer.draw(pen, map, bounds);
          } else {
            wanted.push(chunk);
          }
        }
      }
      this._ask(wanted);
    },

    /** Fetch what the last drawing before the screen is shown missed: the map is drawn once before it has its place. */
    _ask(wanted) {
      this._wanted = wanted;
      this._soon = this._soon || requestAnimationFrame(() => {
        this._soon = 0;
        this._fetchAll(this._wanted);
      });
    },

    /** Fetch some squares and draw once when they are there: each drawing is of all of them. */
    async _fetchAll(chunks) {
      const before = chunks.filter((chunk) => chunk.layer).length;
      await Promise.all(chunks.map((chunk) => this._fetch(chunk)));
      const missing = chunks.some((chunk) => !chunk.layer && chunk.tries < MOST_TRIES);
      if (chunks.filter((chunk) => chunk.layer).length > before) {
        this.fire("turned");
      } else if (missing) {
        // The server may be busy, or gone for a moment: the map is whole again when it is back.
        setTimeout(() => this.fire("turned"), AGAIN_MS);
      }
    },

    featureAt(x, y, reach) {
      for (const { layer, world, start } of this.chunks) {
        const near = layer && x >= world[0] - reach && y >= world[1] - reach && x <= world[2] + reach && y <= world[3] + reach;
        const found = near ? layer.featureAt(x, y, reach) : -1;
        if (found >= 0) {
          return start + found;
        }
      }
      return -1;
    },

    async _fetch(chunk) {
      if (chunk.asked || chunk.tries >= MOST_TRIES) {
        return;
      }
      chunk.asked = true;
      chunk.tries += 1;
      const { data } = this;
      const body = await fetchBody(data.geometry.address, chunk.number);
      chunk.asked = false;
      if (body === GONE) {
        this.lost = true;
        this.fire("lost");
      }
      if (!(body instanceof ArrayBuffer)) {
        // It is asked for again with the next drawing.
        return;
      }
      const numbers = new Int32Array(body);
      const [features, parts] = numbers;
      const cut = [2, 2 + features, 2 + features + parts];
      const shape = shapeOf(numbers.subarray(cut[2]), numbers.subarray(cut[1], cut[2]), numbers.subarray(cut[0], cut[1]));
      const lookOf = this.lookOf.slice(chunk.start, chunk.start + chunk.count);
      chunk.layer = new gridgeo.PlanLayer({ ...data, geometry: null, shape, lookOf });
    },
  });

  gridgeo.layerKinds.unshift(ChunkLayer);
  Object.assign(gridgeo, { fetchBody, GONE });
})();
