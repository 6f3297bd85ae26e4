// Names of streets, written along them where there is room: after all other labels, and over none of them.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  // From which zoom on streets of at least some width are named: main streets, side streets, paths.
  const FROM_ZOOM = [[14, 5], [16, 3], [18, 0]];
  const STRAIGHT = 0.97;
  const TURNS_LESS_THAN = 0.5;
  const APART_PX = 360;
  const STEEP = 1.3;
  const MOST_LETTERS = 30;
  const HAN = /^[\p{Script=Han}\p{N}·（）()]+$/u;
  const chainsOf = new WeakMap();

  /** Write the names of the streets in view, whole ones only; say which were written, and where. */
  function drawStreetNames(pen, map, layers, taken) {
    const streets = layers.find((layer) => layer.data.id === "streets" && layer.data.titles);
    const least = FROM_ZOOM.filter(([zoom]) => map.getZoom() >= zoom).map(([, width]) => width).pop();
    const written = [];
    if (!streets || least === undefined) {
      return written;
    }
    const corner = map.containerPointToLayerPoint([0, 0]);
    const view = L.bounds(corner, corner.add(map.getSize()));
    const at = { scale: map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD, origin: map.getPixelOrigin() };
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    for (const chain of named(streets)) {
      if (chain.width < least) {
        continue;
      }
      const size = chain.width >= FROM_ZOOM[0][1] ? 12 : 11;
      pen.font = `500 ${size}px ${gridgeo.FONT}`;
      const room = pen.measureText(chain.name).width + size;
      for (const place of placesOn(onScreen(chain, at), room, view)) {
        const boxes = boxesOf(place, size);
        const near = (other) => other.text === chain.name && Math.hypot(other.x - place.x, other.y - place.y) < APART_PX;
        if (!written.some(near) && boxes.every((box) => !taken.some((other) => meet(box, other)))) {
          taken.push(...boxes);
          written.push({ text: chain.name, x: place.x, y: place.y, boxes });
          write(pen, chain.name, place, size);
        }
      }
    }
    return written;
  }

  /** The streets that have names, each joined from its pieces between crossings, the widest and longest first. */
  function named(streets) {
    const { shape, data } = streets;
    if (!chainsOf.has(shape)) {
      const groups = new Map();
      for (let f = 0; f < shape.count; f += 1) {
        const name = data.titles[f];
        if (typeof name === "string" && name.trim() && name.length <= MOST_LETTERS) {
          groups.set(name, groups.get(name) || []);
          groups.get(name).push(...piecesOf(shape, f, streets.styleOf(f).weight || 0));
        }
      }
      const chains = [...groups].flatMap(([name, pieces]) => join(pieces).map((chain) => ({ name, ...chain })));
      chains.sort((a, b) => b.width - a.width || b.points.length - a.points.length);
      chainsOf.set(shape, chains);
    }
    return chainsOf.get(shape);
  }

  function piecesOf(shape, f, width) {
    const found = [];
    for (let p = shape.featureStart[f]; p < shape.featureStart[f + 1]; p += 1) {
      const points = [];
      for (let v = shape.partStart[p]; v < shape.partStart[p + 1]; v += 1) {
        points.push([shape.xy[2 * v], shape.xy[2 * v + 1]]);
      }
      if (points.length > 1) {
        found.push({ points, width });
      }
    }
    return found;
  }

  /** Join pieces that meet end to end and go on in about the same direction. */
  function join(pieces) {
    const ends = new Map();
    for (const piece of pieces) {
      for (const end of [piece.points[0], piece.points[piece.points.length - 1]]) {
        ends.set(String(end), ends.get(String(end)) || []);
        ends.get(String(end)).push(piece);
      }
    }
    const used = new Set();
    return pieces.flatMap((piece) => {
      if (used.has(piece)) {
        return [];
      }
      used.add(piece);
      const forward = extended(piece.points, ends, used);
      return [{ points: extended(forward.reverse(), ends, used), width: piece.width }];
    });
  }

  function extended(points, ends, used) {
    const chain = points.slice();
    for (;;) {
      const [before, last] = chain.slice(-2);
      const free = (ends.get(String(last)) || []).filter((piece) => !used.has(piece));
      const ways = free.map((piece) => {
        const on = String(piece.points[0]) === String(last) ? piece.points : piece.points.slice().reverse();
        return { piece, on, straight: cosine(before, last, on[1]) };
      });
      const best = ways.sort((a, b) => b.straight - a.straight)[0];
      if (!best || best.straight < TURNS_LESS_THAN) {
        return chain;
      }
      used.add(best.piece);
      chain.push(...best.on.slice(1));
    }
  }

  function cosine(a, b, c) {
    const [ux, uy, vx, vy] = [b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1]];
    return (ux * vx + uy * vy) / (Math.hypot(ux, uy) * Math.hypot(vx, vy) || 1);
  }

  function onScreen({ points }, { scale, origin }) {
    return points.map(([x, y]) => [x * scale - origin.x, y * scale - origin.y]);
  }

  /** The stretches of a line that are straight and long enough for a name, those nearest its middle first. */
  function placesOn(line, room, view) {
    const along = [0];
    for (let i = 1; i < line.length; i += 1) {
      along.push(along[i - 1] + Math.hypot(line[i][0] - line[i - 1][0], line[i][1] - line[i - 1][1]));
    }
    const total = along[along.length - 1];
    const found = [];
    for (let from = 0; from + room <= total; from += Math.max(20, room / 3)) {
      const [a, b] = [pointAt(line, along, from), pointAt(line, along, from + room)];
      const straight = Math.hypot(b[0] - a[0], b[1] - a[1]) >= STRAIGHT * room;
      if (straight && view.contains(a) && view.contains(b)) {
        const [x, y] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
        found.push({ a, b, x, y, off: Math.abs(from + room / 2 - total / 2) });
      }
    }
    return found.sort((one, other) => one.off - other.off);
  }

  function pointAt(line, along, at) {
    const i = Math.max(1, along.findIndex((length) => length >= at));
    const share = (at - along[i - 1]) / (along[i] - along[i - 1] || 1);
    return [0, 1].map((k) => line[i - 1][k] + share * (line[i][k] - line[i - 1][k]));
  }

  /** What a slanting name covers, as a row of small boxes. */
  function boxesOf({ a, b }, size) {
    const count = Math.ceil(Math.hypot(b[0] - a[0], b[1] - a[1]) / size);
    const half = 0.65 * size;
    return Array.from({ length: count }, (_, i) => {
      const [x, y] = [0, 1].map((k) => a[k] + ((i + 0.5) / count) * (b[k] - a[k]));
      return [x - half, y - half, x + half, y + half];
    });
  }

  function write(pen, name, place, size) {
    const steep = Math.abs(place.b[1] - place.a[1]) > STEEP * Math.abs(place.b[0] - place.a[0]);
    pen.strokeStyle = "rgba(255,255,255,0.9)";
    pen.lineWidth = 3;
    pen.fillStyle = "#4a5560";
    if (steep && HAN.test(name)) {
      writeDown(pen, [...name], place, size);
      return;
    }
    const turn = Math.atan2(place.b[1] - place.a[1], place.b[0] - place.a[0]);
    // Read from the left; on a street that runs straight down, from below.
    const upright = Math.cos(turn) > 0.1 || (Math.cos(turn) > -0.1 && turn < 0);
    pen.save();
    pen.translate(place.x, place.y);
    pen.rotate(upright ? turn : turn + Math.PI);
    pen.strokeText(name, 0, 0);
    pen.fillText(name, 0, 0);
    pen.restore();
  }

  /** Chinese on a steep street is written downwards, every character upright. */
  function writeDown(pen, letters, { a, b, x, y }, size) {
    const [top, bottom] = a[1] < b[1] ? [a, b] : [b, a];
    const length = Math.hypot(bottom[0] - top[0], bottom[1] - top[1]);
    const [dx, dy] = [0, 1].map((k) => ((bottom[k] - top[k]) / length) * size * 1.05);
    for (const draw of ["strokeText", "fillText"]) {
      letters.forEach((letter, i) => {
        const off = i - (letters.length - 1) / 2;
        pen[draw](letter, x + off * dx, y + off * dy);
      });
    }
  }

  function meet(a, b) {
    return a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];
  }

  gridgeo.drawStreetNames = drawStreetNames;
})();
