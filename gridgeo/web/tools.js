// The buttons on the map: zoom, whole district, full screen, measure, print, save as picture; scale, north, credit.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});

  /** Make an element. Children that are not elements become text, never markup: users' words go through here. */
  function element(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "class") {
        made.className = value;
      } else if (name.startsWith("on")) {
        made.addEventListener(name.slice(2), value);
      } else if (value !== null && value !== undefined && value !== false) {
        made.setAttribute(name, value === true ? "" : String(value));
      }
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined) {
        made.append(child instanceof Node ? child : document.createTextNode(String(child)));
      }
    }
    return made;
  }

  const ICONS = {
    plus: "M12 5v14M5 12h14",
    minus: "M5 12h14",
    whole: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5M9 12a3 3 0 1 0 6 0a3 3 0 1 0-6 0",
    full: "M8 3H3v5M16 3h5v5M8 21H3v-5M16 21h5v-5",
    measure: "M3 16L16 3l5 5L8 21zM7 12l2 2M10 9l3 3M13 6l2 2",
    print: "M7 8V3h10v5M7 17H4v-8h16v8h-3M7 14h10v7H7z",
    link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
    choose: "M6 3l12 9-6 1-3 6z",
    lasso: "M12 5c5 0 9 2 9 5s-4 5-9 5-9-2-9-5 4-5 9-5zM7 14c-2 2-1 5 1 6",
    line: "M4 19l6-9 5 5 5-10M4 19h.01M10 10h.01M15 15h.01M20 5h.01",
    place: "M12 21s-7-7-7-12a7 7 0 0 1 14 0c0 5-7 12-7 12zM12 9v.01",
    picture: "M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 5M15.500 9.500h.01",
  };

  function icon(name) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  const Bar = L.Control.extend({
    options: { position: "topleft" },

    initialize(view) {
      this._view = view;
    },

    onAdd(map) {
      const view = this._view;
      const bar = element("div", { class: "gg-bar leaflet-bar" });
      L.DomEvent.disableClickPropagation(bar);
      L.DomEvent.disableScrollPropagation(bar);
      this._buttons = [
        ["plus", "zoom_in", () => map.zoomIn()],
        ["minus", "zoom_out", () => map.zoomOut()],
        ["whole", "show_all", () => view.fit()],
        ["full", "full_screen", () => toggleFullScreen(view.frame)],
        ["measure", "measure", () => this._ruler.toggle()],
        ["print", "print", () => view.print()],
        ["picture", "picture", () => view.savePicture()],
        ...(view.options.onpick ? [["link", "copy_link", () => copyLink(view)]] : []),
      ].map(([picture, word, onclick]) => {
        const button = element("button", { type: "button", onclick, "data-tool": word }, icon(picture));
        bar.append(button);
        return { button, word };
      });
      this._ruler = new Ruler(view, this._buttons.find((each) => each.word === "measure").button);
      this.speak();
      return bar;
    },

    /** Name the buttons in the current language. */
    speak() {
      for (const { button, word } of this._buttons) {
        button.title = this._view.word(word);
        button.setAttribute("aria-label", this._view.word(word));
      }
    },
  });

  function toggleFullScreen(frame) {
    const done = document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen();
    // A page in a frame may be refused the full screen; then the map simply stays as it is.
    done.catch(() => undefined);
  }

  /** Copy the address of the page around the map; the view stands in it. */
  function copyLink(view) {
    const address = window.parent.location.href;
    const field = element("textarea", { "aria-hidden": "true" }, address);
    document.body.append(field);
    field.select();
    // The clipboard's own interface is refused to a page in a frame; this older way is not.
    const done = document.execCommand("copy");
    field.remove();
    view.notice(view.word(done ? "link_copied" : "link_in_address"));
    setTimeout(() => view.notice(""), 2500);
  }

  /** Measures along clicked points, on the ellipsoid's mean sphere as Leaflet does. */
  class Ruler {
    constructor(view, button) {
      Object.assign(this, { view, button, points: [], on: false });
      this.click = (event) => this.add(event.latlng);
      this.end = () => this.toggle();
      this.key = (event) => event.key === "Escape" && this.toggle();
    }

    toggle() {
      const { map } = this.view;
      this.on = !this.on;
      this.button.setAttribute("aria-pressed", String(this.on));
      map.getContainer().classList.toggle("gg-measuring", this.on);
      map[this.on ? "on" : "off"]("click", this.click);
      map[this.on ? "on" : "off"]("dblclick", this.end);
      document[this.on ? "addEventListener" : "removeEventListener"]("keydown", this.key);
      map.doubleClickZoom[this.on ? "disable" : "enable"]();
      this.view.measuring = this.on;
      if (this.on) {
        this.points = [];
        this.length = 0;
        this.view.ruler = this;
        this.view.notice(this.view.word("measure_hint"));
      } else {
        this.view.notice(this.points.length > 1 ? this.text() : "");
      }
      this.view.sheets.labels.ask();
    }

    add(latlng) {
      if (this.points.length) {
        this.length += this.view.map.distance(this.points[this.points.length - 1], latlng);
      }
      this.points.push(latlng);
      this.view.notice(this.points.length > 1 ? this.text() : this.view.word("measure_hint"));
      this.view.sheets.labels.ask();
    }

    text() {
      return `${this.view.number(Math.round(this.length))} ${this.view.say(this.view.metres)}`;
    }

    draw(pen) {
      if (!this.points.length) {
        return;
      }
      const places = this.points.map((latlng) => this.view.map.latLngToLayerPoint(latlng));
      for (const [colour, width] of [["#ffffff", 6], ["#1f2933", 2.5]]) {
        pen.beginPath();
        places.forEach((place, i) => pen[i ? "lineTo" : "moveTo"](place.x, place.y));
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.stroke();
      }
      for (const place of places) {
        pen.beginPath();
        pen.arc(place.x, place.y, 4, 0, 2 * Math.PI);
        pen.fillStyle = "#1f2933";
        pen.fill();
      }
    }
  }

  const North = L.Control.extend({
    options: { position: "bottomleft" },
    initialize(view) {
      this._view = view;
    },
    onAdd() {
      this._letter = element("b", {}, this._view.word("north"));
      return element("div", { class: "gg-north" }, element("span", { "aria-hidden": "true" }, "▲"), this._letter);
    },
    speak() {
      this._letter.textContent = this._view.word("north");
    },
  });

  // Leaflet's own credit line takes markup and adds a flag; this one takes text.
  const Credit = L.Control.extend({
    options: { position: "bottomright" },
    initialize(text) {
      this._text = text;
    },
    onAdd() {
      return element("div", { class: "gg-credit", dir: "auto" }, this._text);
    },
  });

  gridgeo.element = element;
  gridgeo.icon = icon;
  gridgeo.controls = { Bar, North, Credit };
})();
