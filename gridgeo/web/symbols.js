// How things look: symbols of points, strokes and hatches of lines and areas. The legend draws with the same code.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});

  const outlines = {
    disc(context, x, y, r) {
      context.arc(x, y, r, 0, 2 * Math.PI);
    },
    ring(context, x, y, r) {
      context.arc(x, y, r, 0, 2 * Math.PI);
    },
    triangle(context, x, y, r) {
      const h = r * 1.25;
      context.moveTo(x, y - h);
      context.lineTo(x + h * 0.95, y + h * 0.7);
      context.lineTo(x - h * 0.95, y + h * 0.7);
      context.closePath();
    },
    diamond(context, x, y, r) {
      const h = r * 1.3;
      context.moveTo(x, y - h);
      context.lineTo(x + h, y);
      context.lineTo(x, y + h);
      context.lineTo(x - h, y);
      context.closePath();
    },
    square(context, x, y, r) {
      context.rect(x - r, y - r, 2 * r, 2 * r);
    },
    cross(context, x, y, r) {
      const a = r * 0.8;
      context.moveTo(x - a, y - a);
      context.lineTo(x + a, y + a);
      context.moveTo(x + a, y - a);
      context.lineTo(x - a, y + a);
    },
    station(context, x, y, r) {
      // A house: told from every household by its outline alone.
      context.moveTo(x, y - r * 1.25);
      context.lineTo(x + r * 1.1, y - r * 0.2);
      context.lineTo(x + r * 1.1, y + r);
      context.lineTo(x - r * 1.1, y + r);
      context.lineTo(x - r * 1.1, y - r * 0.2);
      context.closePath();
    },
  };

  function radius(style, share) {
    const [least, most] = style.radius || [4, 4];
    return Math.sqrt(least * least + (most * most - least * least) * (share === undefined ? 1 : share));
  }

  function point(context, style, x, y, r) {
    context.beginPath();
    outlines[style.shape || "disc"](context, x, y, r);
    if (style.shape === "cross") {
      context.strokeStyle = "#ffffff";
      context.lineWidth = style.weight + 2;
      context.stroke();
    } else if (style.fill) {
      context.fillStyle = style.fill;
      context.fill();
    }
    if (style.stroke) {
      context.strokeStyle = style.stroke;
      context.lineWidth = style.weight || 1;
      context.stroke();
    }
    if (style.shape === "station") {
      context.fillStyle = style.stroke;
      context.fillRect(x - r * 0.3, y + r * 0.1, r * 0.6, r * 0.9);
    }
  }

  const hatches = new Map();

  function hatch(context, colour) {
    if (!hatches.has(colour)) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 10;
      const pen = tile.getContext("2d");
      pen.strokeStyle = colour;
      pen.lineWidth = 1.6;
      pen.globalAlpha = 0.75;
      for (const shift of [-10, 0, 10]) {
        pen.moveTo(shift, 10);
        pen.lineTo(shift + 10, 0);
      }
      pen.stroke();
      hatches.set(colour, tile);
    }
    return context.createPattern(hatches.get(colour), "repeat");
  }

  /** Width in pixels at a zoom: streets grow as one comes nearer, other lines stay. */
  function width(style, zoom) {
    return style.grows ? Math.max(0.6, style.weight * Math.pow(1.45, zoom - 16)) : style.weight || 0;
  }

  /** Fill and stroke the current path of a context in a style. */
  function paint(context, style, zoom, areal) {
    if (areal && style.fill) {
      context.globalAlpha = style.fillOpacity === undefined ? 1 : style.fillOpacity;
      context.fillStyle = style.fill;
      context.fill("evenodd");
      context.globalAlpha = 1;
    }
    if (areal && style.hatch) {
      context.fillStyle = hatch(context, style.stroke);
      context.fill("evenodd");
    }
    const weight = width(style, zoom);
    if (style.stroke && weight) {
      context.globalAlpha = style.opacity === undefined ? 1 : style.opacity;
      context.lineJoin = "round";
      context.lineCap = style.dash ? "butt" : "round";
      context.setLineDash(style.dash || []);
      context.strokeStyle = style.stroke;
      context.lineWidth = weight;
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
    }
  }

  /** Draw the wider, darker line that gives a street its edges. */
  function casing(context, style, zoom) {
    if (style.casing) {
      context.lineJoin = context.lineCap = "round";
      context.strokeStyle = style.casing;
      context.lineWidth = width(style, zoom) + 1.6;
      context.stroke();
    }
  }

  /** A small picture of a style for the legend. */
  function swatch(style, kind) {
    const [wide, high, ratio] = [30, 20, 2];
    const canvas = document.createElement("canvas");
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    canvas.className = "gg-swatch";
    canvas.setAttribute("aria-hidden", "true");
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    if (kind === "points") {
      point(context, style, wide / 2, high / 2 + 1, Math.min(radius(style, 0.5), 8));
      return canvas;
    }
    context.beginPath();
    if (kind === "polygons") {
      context.rect(3, 3, wide - 6, high - 6);
    } else {
      context.moveTo(2, high / 2);
      context.lineTo(wide - 2, high / 2);
    }
    if (kind === "lines") {
      casing(context, style, 16);
    }
    paint(context, style, 16, kind === "polygons");
    return canvas;
  }

  gridgeo.symbols = { radius, point, paint, casing, swatch };
})();
