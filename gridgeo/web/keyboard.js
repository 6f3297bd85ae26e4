// Choosing without a mouse: arrows go from feature to feature, Space chooses, Enter assigns, Escape drops the choice.
// What the pointer would show is said, for those who do not see it.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { element } = gridgeo;
  const WAYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
  const ASIDE = 0.3;
  const STYLE = { stroke: "#1f2933", weight: 3, dash: [7, 5], fill: "#ffffff", fillOpacity: 0.25 };

  class Keyboard {
    constructor(editor) {
      const { view } = editor;
      Object.assign(this, { editor, view, cursor: null, said: "" });
      this.box = view.map.getContainer();
      this.live = element("div", { class: "gg-unseen", role: "status", "aria-live": "polite" });
      this.help = element("div", { class: "gg-unseen", id: "gg-keys" });
      this.box.append(this.live, this.help);
      // Before Leaflet, which would move the map.
      this.box.addEventListener("keydown", (event) => this.key(event), true);
      this.box.addEventListener("focus", () => this.focus());
      this.box.addEventListener("blur", () => this.focus());
    }

    /** Follow the app: whether there is something to choose from, and what became of the feature one is on. */
    take() {
      const layer = this.editor.layer();
      this.box.setAttribute("role", layer ? "application" : "region");
      this.box.setAttribute("aria-describedby", this.help.id);
      this.help.textContent = layer ? this.view.word("keys") : "";
      if (this.cursor && !this.place()) {
        this.cursor = null;
      } else if (this.cursor && this.told && this.told !== this.words()) {
        this.say();
      }
    }

    key(event) {
      const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
      const ready = this.editor.layer() && this.editor.tool === "choose" && !this.view.measuring;
      // A button on the map keeps its own keys.
      if (event.target !== this.box || !plain || !ready) {
        return;
      }
      const act = WAYS[event.key] ? () => this.go(WAYS[event.key]) : { " ": () => this.choose(), Enter: () => this.assign() }[event.key];
      if (act) {
        event.preventDefault();
        event.stopPropagation();
        this.view.notice("");
        act();
        this.editor.sheet.ask();
      }
    }

    /** Who comes by keyboard reads what the keys do. */
    focus() {
      const here = document.activeElement === this.box && this.box.matches(":focus-visible") && this.editor.layer();
      if (!this.view.drawing && !this.view.measuring) {
        this.view.notice(here ? this.view.word("keys") : "");
      }
      this.editor.sheet.ask();
    }

    /** Where the feature one is on stands in its layer, and its middle in the world. */
    place() {
      const layer = this.editor.layer();
      const number = layer ? layer.data.keys.indexOf(this.cursor) : -1;
      return number < 0 ? null : { layer, number, at: middle(layer.shape, number) };
    }

    go(way) {
      const here = this.place();
      const layer = this.editor.layer();
      const found = here ? neighbour(layer.shape, here.number, way) : nearest(layer.shape, this.editor.world(this.view.map.getCenter()));
      if (found >= 0) {
        this.cursor = layer.data.keys[found];
        this.show(middle(layer.shape, found));
        this.say();
      }
    }

    /** Bring what one is on into view; the map stays where it is otherwise. */
    show([x, y]) {
      const { map } = this.view;
      const scale = map.options.crs.scale(0) / gridgeo.coordinates.WORLD;
      const latlng = map.unproject([x * scale, y * scale], 0);
      if (!map.getBounds().pad(-0.05).contains(latlng)) {
        map.panTo(latlng, { animate: false });
      }
    }

    choose() {
      if (!this.place()) {
        this.go([0, 0]);
        return;
      }
      this.editor.pick(this.cursor, true);
      this.say();
    }

    assign() {
      const chosen = [...this.editor.chosen];
      if (chosen.length) {
        this.editor.send({ assign: chosen });
      }
      this.live.textContent = this.view.word(chosen.length ? "assigning" : "none_chosen");
    }

    say() {
      this.told = this.words();
      const chosen = this.view.word(this.editor.chosen.has(this.cursor) ? "is_chosen" : "not_chosen");
      this.live.textContent = `${this.told}. ${chosen}`;
    }

    words() {
      const { layer, number } = this.place();
      const { titles, fields } = layer.data;
      const facts = fields.map((field) => [this.view.say(field.name), this.view.value(field, field.values[number])]);
      const said = facts.filter(([, value]) => value !== null).map(([name, value]) => `${name} ${value}`);
      return [titles && titles[number] ? this.view.say(titles[number]) : null, ...said].filter(Boolean).join(", ");
    }

    draw(pen) {
      const here = document.activeElement === this.box && this.place();
      if (here) {
        here.layer.drawSome(pen, this.view.map, this.editor.sheet._bounds, (feature) => feature === here.number, STYLE);
      }
    }
  }

  function middle({ boxes }, number) {
    return [0, 1].map((side) => (boxes[4 * number + side] + boxes[4 * number + 2 + side]) / 2);
  }

  /** The feature nearest in one of four directions, those that touch first; -1 when there is none. */
  function neighbour(shape, from, [right, down]) {
    const [x, y] = middle(shape, from);
    let [best, least] = [-1, Infinity];
    for (let f = 0; f < shape.count; f += 1) {
      const [dx, dy] = [middle(shape, f)[0] - x, middle(shape, f)[1] - y];
      const away = Math.hypot(dx, dy);
      const ahead = (dx * right + dy * down) / (away || 1);
      const cost = (away / (ahead * ahead)) * (touch(shape.boxes, from, f) ? 1 : 2);
      if (f !== from && ahead > ASIDE && cost < least) {
        [best, least] = [f, cost];
      }
    }
    return best;
  }

  function nearest(shape, { x, y }) {
    const away = (f) => Math.hypot(middle(shape, f)[0] - x, middle(shape, f)[1] - y);
    return Array.from({ length: shape.count }, (_, f) => f).reduce((best, f) => (best < 0 || away(f) < away(best) ? f : best), -1);
  }

  /** Whether two features' boxes meet, give or take a street's width. */
  function touch(boxes, one, two) {
    const [a, b] = [boxes.subarray(4 * one, 4 * one + 4), boxes.subarray(4 * two, 4 * two + 4)];
    const slack = 0.05 * Math.max(a[2] - a[0], a[3] - a[1]);
    return a[0] <= b[2] + slack && b[0] <= a[2] + slack && a[1] <= b[3] + slack && b[1] <= a[3] + slack;
  }

  gridgeo.Keyboard = Keyboard;
})();
