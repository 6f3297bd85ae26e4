// What a planner does on the map: choose features, drag points, draw. The app decides what follows from it.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { element, icon } = gridgeo;
  const TOOLS = ["choose", "lasso", "line", "place"];
  const NEAR_PX = 14;
  const STILL_PX = 4;
  const QUIET_MS = 80;
  const CHOSEN = "#b3005e";

  class Editor {
    constructor(view, wish, send) {
      Object.assign(this, { view, send, wish, tool: "choose", path: [], chosen: new Set(), dragged: null });
      this.keyboard = new gridgeo.Keyboard(this);
      this.sheet = new gridgeo.Sheet("gg-edit", (pen) => this.draw(pen)).addTo(view.map);
      this.bar = new Tools(this).addTo(view.map);
      this.hear();
      this.take(wish);
    }

    /** Take the app's wishes: which tools there are, what is chosen, what can be dragged. */
    take(wish) {
      this.wish = wish;
      if (!wish.tools.includes(this.tool)) {
        this.turn("choose");
      }
      if (wish.chosen && wish.turn !== this.turnSeen) {
        this.turnSeen = wish.turn;
        this.chosen = new Set(wish.chosen);
      }
      this.drop();
      this.keyboard.take();
      this.bar.render();
      this.sheet.ask();
    }

    /** What is no longer on the map cannot stay chosen. */
    drop() {
      const keys = new Set(this.layer() ? this.layer().data.keys : []);
      this.chosen = new Set([...this.chosen].filter((key) => keys.has(key)));
    }

    layer() {
      return this.view.layers.get(this.wish.choose);
    }

    turn(tool) {
      const { map } = this.view;
      this.tool = this.tool === tool ? "choose" : tool;
      this.path = [];
      map.dragging[this.tool === "lasso" ? "disable" : "enable"]();
      map.doubleClickZoom[this.tool === "choose" ? "enable" : "disable"]();
      map.getContainer().classList.toggle("gg-measuring", this.tool !== "choose");
      this.view.drawing = this.tool !== "choose";
      this.view.unpoint();
      this.view.notice(this.tool === "choose" ? "" : this.view.word(`hint_${this.tool}`));
      this.bar.render();
      this.sheet.ask();
    }

    hear() {
      const { map } = this.view;
      const box = map.getContainer();
      map.on("click", (event) => this.click(event));
      map.on("dblclick", () => this.tool === "line" && this.endLine());
      map.on("mousemove", (event) => this.tool === "line" && this.path.length && this.reach(event.latlng));
      // On the way down, before Leaflet begins to drag the map itself.
      box.addEventListener("pointerdown", (event) => this.down(event), true);
      box.addEventListener("pointermove", (event) => this.move(event), true);
      ["pointerup", "pointercancel"].forEach((name) => box.addEventListener(name, (event) => this.up(event), true));
      this.hearKeys();
    }

    /** Keys count in the page around this one too, but never while somebody types. */
    hearKeys() {
      const typing = "input:not([type=checkbox]), textarea, select, [contenteditable]";
      const heard = (event) => event.target.closest(typing) || this.key(event);
      const pages = new Set([document, window.parent.document]);
      pages.forEach((page) => page.addEventListener("keydown", heard));
      window.addEventListener("pagehide", () => pages.forEach((page) => page.removeEventListener("keydown", heard)));
    }

    click(event) {
      if (this.view.measuring || this.view.quiet) {
        return;
      }
      if (this.tool === "line") {
        this.path.push(event.latlng);
        this.sheet.ask();
      } else if (this.tool === "place") {
        this.turn("choose");
        this.send({ place: degrees(event.latlng) });
      } else if (this.tool === "choose") {
        this.choose(event);
      }
    }

    choose(event) {
      const layer = this.layer();
      const feature = layer && this.view.map.hasLayer(layer) ? this.under(layer, event.latlng) : -1;
      if (feature < 0 || (this.wish.above && this.view.find(event) && this.wish.above.includes(this.view.find(event).layer.data.id))) {
        return;
      }
      const { pointerType, ctrlKey, shiftKey, metaKey } = event.originalEvent;
      this.keyboard.cursor = layer.data.keys[feature];
      this.pick(layer.data.keys[feature], pointerType === "touch" || ctrlKey || shiftKey || metaKey);
    }

    /** Choose one feature, alone or beside others; or give it its new look at once, where that was asked for. */
    pick(key, beside) {
      if (this.wish.paint) {
        this.layer().repaint([key], this.wish.paint.look);
        this.send({ paint: { key, to: this.wish.paint.to } });
        return;
      }
      if (beside) {
        this.chosen[this.chosen.has(key) ? "delete" : "add"](key);
      } else {
        this.chosen = this.chosen.size === 1 && this.chosen.has(key) ? new Set() : new Set([key]);
      }
      this.tellChosen();
    }

    tellChosen() {
      this.sheet.ask();
      this.send({ chosen: [...this.chosen] });
    }

    under(layer, latlng) {
      const { x, y, scale } = this.world(latlng);
      return layer.featureAt(x, y, NEAR_PX / scale);
    }

    world(latlng) {
      const { map } = this.view;
      const scale = map.options.crs.scale(map.getZoom()) / gridgeo.coordinates.WORLD;
      const at = map.project(latlng).divideBy(scale);
      return { x: at.x, y: at.y, scale };
    }

    down(event) {
      if (event.button !== 0 || !this.onMap(event)) {
        return;
      }
      const latlng = this.view.map.mouseEventToLatLng(event);
      if (this.tool === "lasso") {
        this.path = [latlng];
        this.adding = event.ctrlKey || event.shiftKey || event.metaKey;
        event.target.setPointerCapture(event.pointerId);
        event.stopPropagation();
      } else if (this.tool === "choose" && !this.view.measuring) {
        this.dragged = this.grasp(latlng, event);
        this.view.map.dragging[this.dragged ? "disable" : "enable"]();
      }
    }

    onMap(event) {
      return !event.target.closest(".leaflet-control, .gg-panel, .gg-hide, .gg-notice");
    }

    grasp(latlng, event) {
      for (const id of this.wish.drag || []) {
        const layer = this.view.layers.get(id);
        const feature = layer && this.view.map.hasLayer(layer) ? this.under(layer, latlng) : -1;
        if (feature >= 0) {
          return { id, key: layer.data.keys[feature], style: layer.styleOf(feature), from: [event.clientX, event.clientY], to: null };
        }
      }
      return null;
    }

    move(event) {
      if (this.tool === "lasso" && this.path.length) {
        this.path.push(this.view.map.mouseEventToLatLng(event));
        this.sheet.ask();
      } else if (this.dragged) {
        const [x, y] = this.dragged.from;
        if (this.dragged.to || Math.hypot(event.clientX - x, event.clientY - y) > STILL_PX) {
          this.dragged.to = this.view.map.mouseEventToLatLng(event);
          this.view.unpoint();
          this.sheet.ask();
        }
        event.stopPropagation();
      }
    }

    up(event) {
      if (this.tool === "lasso" && this.path.length) {
        event.stopPropagation();
        this.endLasso();
      } else if (this.dragged) {
        const { id, key, to } = this.dragged;
        this.dragged = null;
        this.view.map.dragging.enable();
        if (to) {
          // The click that ends a drag chooses nothing.
          this.view.quiet = true;
          setTimeout(() => (this.view.quiet = false), QUIET_MS);
          this.send({ drag: { layer: id, key, to: degrees(to) } });
        }
        this.sheet.ask();
      }
    }

    /** Choose every feature of which most corners lie within the drawn line. */
    endLasso() {
      const layer = this.layer();
      const ring = this.path.map((latlng) => this.world(latlng));
      const found = layer && ring.length > 2 ? within(layer.shape, ring).map((feature) => layer.data.keys[feature]) : [];
      this.chosen = new Set(this.adding ? [...this.chosen, ...found] : found);
      this.path = [];
      this.turn("choose");
      this.tellChosen();
    }

    /** Leaflet sends two clicks and then the double click: the last two points are one. */
    endLine() {
      const { map } = this.view;
      const line = this.path.filter(
        (latlng, i) => !i || map.latLngToLayerPoint(latlng).distanceTo(map.latLngToLayerPoint(this.path[i - 1])) > STILL_PX,
      );
      this.path = [];
      this.next = null;
      this.turn("choose");
      if (line.length > 1) {
        this.send({ line: line.map(degrees) });
      }
    }

    reach(latlng) {
      this.next = latlng;
      this.sheet.ask();
    }

    key(event) {
      const asked = (event.ctrlKey || event.metaKey) && event.key.toLowerCase();
      if (event.key === "Escape") {
        this.escape();
      } else if (event.key === "Enter" && this.tool === "line") {
        this.endLine();
      } else if (asked === "y" || (asked === "z" && event.shiftKey)) {
        event.preventDefault();
        this.send({ step: "redo" });
      } else if (asked === "z") {
        event.preventDefault();
        this.send({ step: "undo" });
      }
    }

    /** First what is being drawn, then the tool, then the choice. */
    escape() {
      if (this.dragged) {
        this.dragged = null;
        this.view.map.dragging.enable();
      } else if (this.tool !== "choose") {
        this.turn(this.tool);
      } else if (this.chosen.size) {
        this.chosen = new Set();
        this.tellChosen();
      }
      this.sheet.ask();
    }

    draw(pen) {
      this.drawChosen(pen);
      this.keyboard.draw(pen);
      const corners = [...this.path, ...(this.tool === "line" && this.path.length && this.next ? [this.next] : [])];
      const places = corners.map((latlng) => this.view.map.latLngToLayerPoint(latlng));
      for (const [colour, width] of [["#ffffff", 6], [CHOSEN, 3]]) {
        pen.beginPath();
        places.forEach((place, i) => pen[i ? "lineTo" : "moveTo"](place.x, place.y));
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.lineJoin = "round";
        pen.stroke();
      }
      const moved = this.dragged && this.dragged.to ? this.dragged : null;
      if (moved) {
        const { x, y } = this.view.map.latLngToLayerPoint(moved.to);
        gridgeo.symbols.point(pen, moved.style, x, y, gridgeo.symbols.radius(moved.style, 1) * 1.25);
      }
    }

    drawChosen(pen) {
      const layer = this.layer();
      if (!layer || !this.chosen.size) {
        return;
      }
      const numbers = new Set([...this.chosen].map((key) => layer.data.keys.indexOf(key)));
      const style = { stroke: CHOSEN, weight: 4, fill: CHOSEN, fillOpacity: 0.16 };
      layer.drawSome(pen, this.view.map, this.sheet._bounds, (feature) => numbers.has(feature), style);
    }

    close() {
      this.send = () => undefined;
    }
  }

  const Tools = L.Control.extend({
    options: { position: "topleft" },
    initialize(editor) {
      this._editor = editor;
    },
    onAdd() {
      this._box = element("div", { class: "gg-bar gg-tools leaflet-bar", role: "toolbar" });
      L.DomEvent.disableClickPropagation(this._box);
      return this._box;
    },
    /** Buttons are made once: Leaflet takes a click on one that is gone for a click on the map. */
    render() {
      const { view, wish, tool } = this._editor;
      const wanted = TOOLS.filter((name) => wish.tools.includes(name));
      const made = wanted.join();
      if (this._made !== made) {
        this._made = made;
        this._buttons = new Map(wanted.map((name) => [name, this._button(name)]));
        this._box.replaceChildren(...this._buttons.values());
      }
      this._box.hidden = wanted.length < 2;
      this._box.setAttribute("aria-label", view.word("tools"));
      for (const [name, button] of this._buttons) {
        button.title = view.word(`tool_${name}`);
        button.setAttribute("aria-label", button.title);
        button.setAttribute("aria-pressed", String(tool === name));
      }
    },
    _button(name) {
      const editor = this._editor;
      const onclick = () => (name === "choose" ? editor.tool !== name && editor.turn(editor.tool) : editor.turn(name));
      return element("button", { type: "button", onclick, "data-tool": name }, icon(name));
    },
  });

  function degrees(latlng) {
    return [latlng.lng, latlng.lat];
  }

  function within(shape, ring) {
    const found = [];
    for (let f = 0; f < shape.count; f += 1) {
      let [inside, all] = [0, 0];
      const [begin, end] = shape.partStart
        ? [shape.partStart[shape.featureStart[f]], shape.partStart[shape.featureStart[f + 1]]]
        : [f, f + 1];
      // A ring's last corner is its first.
      for (let v = begin; v < Math.max(end - 1, begin + 1); v += 1) {
        all += 1;
        inside += holds(ring, shape.xy[2 * v], shape.xy[2 * v + 1]) ? 1 : 0;
      }
      if (inside * 2 > all) {
        found.push(f);
      }
    }
    return found;
  }

  function holds(ring, x, y) {
    let inside = false;
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      const [a, b] = [ring[i], ring[j]];
      if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) {
        inside = !inside;
      }
    }
    return inside;
  }

  gridgeo.Editor = Editor;
})();
