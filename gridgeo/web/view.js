// The view: one map with its layers, language, panel and cards. An exported page and the app both start here.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { element } = gridgeo;
  const SHEETS = ["ground", "areas", "points", "labels"];
  const REACH_PX = 12;

  class View {
    constructor(map, layers, frameData, options) {
      Object.assign(this, { map, frameData, options });
      this.lang = frameData.lang || browserLanguage();
      this.metres = { zh: "米", en: "m" };
      this.layers = new Map();
      this.sheets = {};
      map.createPane("gg-edit").style.zIndex = 420;
      SHEETS.forEach((name, rank) => {
        map.createPane(`gg-${name}`).style.zIndex = 250 + 50 * rank;
        this.sheets[name] = new gridgeo.Sheet(`gg-${name}`, (pen, bounds) => this.draw(name, pen, bounds)).addTo(map);
      });
      this.build();
      layers.forEach((layer) => this.add(layer));
      this.panel.render();
      this.setBasemap(this.options.basemap);
      this.whenSized(() => this.begin());
      this.listen();
      this.ready = true;
      Object.values(this.sheets).forEach((sheet) => sheet.ask());
    }

    /** Begin with the view that the address names, else with the whole place. */
    begin() {
      const { place } = this.options;
      if (!place || !L.latLngBounds(this.frameData.bounds).pad(1).contains([place.lat, place.lng])) {
        this.fit();
        return;
      }
      this.map.setView([place.lat, place.lng], place.zoom, { animate: false });
      for (const id of place.shown ? this.layers.keys() : []) {
        this.toggle(id, place.shown.includes(id));
      }
      this.panel.render();
    }

    /** Lay tiles from outside under everything, if the app was told to use any. */
    setBasemap(wish) {
      const name = wish ? wish.name : "";
      if (name === this.basemap) {
        return;
      }
      this.basemap = name;
      (this.tiles || []).forEach((tiles) => tiles.remove());
      this.tiles = wish ? gridgeo.tileLayers(wish).map((tiles) => tiles.addTo(this.map)) : [];
    }

    /** Put map and panel side by side, and the tools on the map. */
    build() {
      const { map } = this;
      const box = map.getContainer();
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", this.word("map"));
      this.panel = new gridgeo.Panel(this, this.options.panel || "full");
      this.frame = element("main", { class: "gg-frame" });
      box.replaceWith(this.frame);
      this.frame.classList.toggle("gg-below", this.options.panel === "legend" && isWide(this.frameData.bounds));
      const hide = element("button", { type: "button", class: "gg-hide", onclick: () => this.togglePanel() }, "");
      this.hide = hide;
      this.frame.append(box, hide, this.panel.root);
      this.card = element("div", { class: "gg-card", hidden: true, role: "status" });
      this.note = element("div", { class: "gg-notice", hidden: true, role: "status" });
      box.append(this.card, this.note);
      const { Bar, North, Credit } = gridgeo.controls;
      this.bar = new Bar(this).addTo(map);
      L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
      this.north = new North(this).addTo(map);
      new Credit(this.frameData.attribution).addTo(map);
      this.nameHide();
    }

    sheetOf(layer) {
      if (layer.data.kind === "points") {
        return this.sheets.points;
      }
      return layer.data.group === "ground" ? this.sheets.ground : this.sheets.areas;
    }

    add(layer) {
      this.layers.set(layer.data.id, layer);
      layer.on("turned", () => {
        this.sheetOf(layer).ask();
        this.sheets.labels.ask();
      });
      layer.on("loaded", () => this.tellLoading());
      layer.on("lost", () => this.options.onlost());
      if (layer.data.shown) {
        layer.addTo(this.map);
      }
      this.tellLoading();
    }

    /** Say as long as some features are on their way that there is more to come. */
    tellLoading() {
      const [word, loading] = [this.word("loading"), [...this.layers.values()].some((layer) => layer.loading)];
      if (loading || this.note.textContent === word) {
        this.notice(loading ? word : "");
      }
    }

    /** Show these layers in this order, taking new data where there is some; what the reader ticked stays. */
    arrange(order, fresh) {
      const before = this.layers;
      this.layers = new Map();
      for (const [id, layer] of before) {
        if (!order.includes(id)) {
          layer.remove();
          this.sheetOf(layer).ask();
        }
      }
      for (const id of order) {
        const layer = before.get(id);
        if (!layer || (fresh[id] && gridgeo.kindOf(fresh[id]) !== layer.constructor)) {
          if (layer) {
            layer.remove();
          }
          this.add(gridgeo.layer(fresh[id]));
          continue;
        }
        this.layers.set(id, layer);
        if (fresh[id] && (fresh[id].version !== layer.data.version || layer.lost)) {
          layer.renew(fresh[id]);
        }
      }
      this.tellLoading();
      this.unpoint();
    }

    close() {
      this.watcher.disconnect();
      this.map.remove();
    }

    toggle(id, wanted) {
      const layer = this.layers.get(id);
      this.map[wanted ? "addLayer" : "removeLayer"](layer);
      this.unpoint();
    }

    visible() {
      return [...this.layers.values()].filter((layer) => this.map.hasLayer(layer));
    }

    draw(name, pen, bounds) {
      // While the map finds its size and place it would be drawn over and over.
      if (!this.ready) {
        return;
      }
      if (name === "labels") {
        const [labelled, taken] = [this.visible().reverse(), []];
        this.labelled = gridgeo.drawLabels(pen, this.map, bounds, labelled, (value) => this.say(value), taken);
        this.streetNames = gridgeo.drawStreetNames(pen, this.map, labelled, taken);
        if (this.ruler) {
          this.ruler.draw(pen);
        }
        return;
      }
      for (const layer of this.visible()) {
        if (this.sheetOf(layer) === this.sheets[name]) {
          layer.draw(pen, this.map, bounds);
        }
      }
    }

    /** Wait until the map has a size: in a hidden tab it has none. */
    whenSized(act) {
      let fitted = false;
      const look = () => {
        const box = this.map.getContainer();
        if (box.clientWidth === 0 || box.clientHeight === 0) {
          return;
        }
        this.map.invalidateSize({ animate: false, pan: fitted });
        if (!fitted) {
          fitted = true;
          act();
        }
      };
      this.watcher = new ResizeObserver(look);
      this.watcher.observe(this.map.getContainer());
      look();
    }

    fit(bounds) {
      // A panel that lies on the map leaves less of it to see.
      const covered = this.options.panel === "legend" && !this.frame.classList.contains("gg-below");
      const aside = covered && this.map.getSize().x > 700 ? this.panel.root.offsetWidth + 10 : 0;
      const room = { paddingTopLeft: [this.options.panel === "legend" ? 60 : 24, 24], paddingBottomRight: [24 + aside, 24] };
      this.map.fitBounds(bounds || this.frameData.bounds, { ...room, maxZoom: 18, animate: false });
    }

    listen() {
      const { map } = this;
      window.addEventListener("beforeprint", () => this.printing(true));
      window.addEventListener("afterprint", () => this.printing(false));
      map.on("mousemove", (event) => this.point(event));
      map.on("mouseout movestart zoomstart", () => this.unpoint());
      map.on("click", (event) => {
        const found = this.find(event);
        this.point(event);
        if (found && this.options.onpick && !this.measuring && !this.drawing && !this.quiet) {
          const { id, keys } = found.layer.data;
          this.options.onpick(id, found.feature, keys ? keys[found.feature] : null);
        }
      });
    }

    /** Lay the page out for paper before it is printed: nothing is drawn any more once printing has begun. */
    printing(begins) {
      const { map } = this;
      // A page around this one that is printed has a place for the map already.
      if (window.parent !== window && !this.alone) {
        return;
      }
      this.panel.turn(begins ? "full" : this.options.panel || "full");
      if (begins) {
        this.before = { centre: map.getCenter(), zoom: map.getZoom(), whole: map.getBounds().contains(this.frameData.bounds) };
      }
      this.frame.classList.toggle("gg-printing", begins);
      map.invalidateSize({ animate: false, pan: false });
      if (begins && this.before.whole) {
        this.fit();
      } else {
        map.setView(this.before.centre, this.before.zoom, { animate: false });
      }
      Object.values(this.sheets).forEach((sheet) => sheet._update());
      this.alone = this.alone && begins;
    }

    /** Print this map alone, with its title, figures and legend. */
    print() {
      this.alone = true;
      window.print();
    }

    /** The topmost feature under the pointer that has something to say. */
    find(event) {
      const scale = this.map.options.crs.scale(this.map.getZoom()) / gridgeo.coordinates.WORLD;
      const at = this.map.project(event.latlng).divideBy(scale);
      for (const layer of this.visible().reverse()) {
        const feature = layer.data.hover ? layer.featureAt(at.x, at.y, REACH_PX / scale) : -1;
        if (feature >= 0) {
          return { layer, feature };
        }
      }
      return null;
    }

    point(event) {
      const found = this.measuring || this.drawing ? null : this.find(event);
      const rows = found ? this.describe(found.layer.data, found.feature) : [];
      if (!rows.length) {
        this.unpoint();
        return;
      }
      this.card.replaceChildren(...rows);
      this.card.hidden = false;
      const size = this.map.getSize();
      const { x, y } = event.containerPoint;
      const left = x + 16 + this.card.offsetWidth > size.x ? x - 16 - this.card.offsetWidth : x + 16;
      const top = Math.min(y + 14, size.y - this.card.offsetHeight - 8);
      this.card.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
    }

    unpoint() {
      this.card.hidden = true;
    }

    describe(data, feature) {
      const title = data.titles && data.titles[feature];
      const rows = data.fields.flatMap((field) => {
        const text = this.value(field, field.values[feature]);
        const name = this.say(field.name) + (field.estimated ? this.word("estimated") : "");
        return text === null ? [] : [element("tr", {}, element("th", {}, name), element("td", { dir: "auto" }, text))];
      });
      if (!title && !rows.length) {
        return [];
      }
      const kind = element("div", { class: "gg-card-kind" }, this.say(data.name));
      const head = title ? element("div", { class: "gg-card-title", dir: "auto" }, this.say(title)) : null;
      return [kind, head, element("table", {}, rows)].filter(Boolean);
    }

    value(field, value) {
      if (value === null || value === undefined || value === "") {
        return null;
      }
      if (field.codes && field.codes[value]) {
        return this.say(field.codes[value]);
      }
      if (typeof value === "boolean") {
        return this.word(value ? "yes" : "no");
      }
      const text = typeof value === "number" ? this.number(value, field.digits) : String(value);
      return field.unit ? `${text} ${this.say(field.unit)}` : text;
    }

    say(value) {
      return value !== null && typeof value === "object" ? String(value[this.lang]) : String(value);
    }

    word(name) {
      return this.say(this.frameData.words[name]);
    }

    number(value, digits) {
      const places = { minimumFractionDigits: 0, maximumFractionDigits: digits || 0 };
      return value.toLocaleString(this.lang === "zh" ? "zh-CN" : "en-GB", places);
    }

    share(value) {
      return value === null ? "–" : `${(100 * value).toFixed(1)} %`;
    }

    speak(lang) {
      this.lang = lang;
      this.unpoint();
      this.panel.render();
      this.bar.speak();
      this.north.speak();
      this.nameHide();
      this.map.getContainer().setAttribute("aria-label", this.word("map"));
      this.sheets.labels.ask();
    }

    togglePanel() {
      this.frame.classList.toggle("gg-alone");
      this.nameHide();
    }

    nameHide() {
      const closed = this.frame.classList.contains("gg-alone");
      const word = this.word(closed ? "show_panel" : "hide_panel");
      this.hide.textContent = closed ? "‹" : "›";
      this.hide.title = word;
      this.hide.setAttribute("aria-label", word);
      this.hide.setAttribute("aria-expanded", String(!closed));
    }

    notice(text) {
      this.note.textContent = text;
      this.note.hidden = !text;
    }

    /** The visible map as one picture, without asking anyone for anything. */
    picture() {
      const size = this.map.getSize();
      const ratio = Math.min(window.devicePixelRatio || 1, 2);
      const canvas = document.createElement("canvas");
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#ffffff";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      const shift = this.map.layerPointToContainerPoint([0, 0]);
      for (const name of SHEETS) {
        pen.setTransform(ratio, 0, 0, ratio, shift.x * ratio, shift.y * ratio);
        const bounds = L.bounds([-shift.x, -shift.y], [size.x - shift.x, size.y - shift.y]);
        this.draw(name, pen, bounds);
      }
      this.caption(pen, size, ratio);
      return canvas;
    }

    caption(pen, size, ratio) {
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.textAlign = "right";
      pen.textBaseline = "alphabetic";
      pen.font = `12px ${gridgeo.FONT}`;
      pen.strokeStyle = "#ffffff";
      pen.lineWidth = 4;
      pen.strokeText(this.frameData.attribution, size.x - 8, size.y - 8);
      pen.fillStyle = "#1f2933";
      pen.fillText(this.frameData.attribution, size.x - 8, size.y - 8);
    }

    savePicture() {
      this.picture().toBlob((blob) => {
        const link = element("a", { download: "gridgeo.png", href: URL.createObjectURL(blob) });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      });
    }
  }

  /** Whether a place is so much wider than high that a legend beside it would cost more room than one below. */
  function isWide([[south, west], [north, east]]) {
    const { worldX, worldY } = gridgeo.coordinates;
    return (worldX(east) - worldX(west)) / (worldY(south) - worldY(north)) > 1.2;
  }

  function browserLanguage() {
    return (navigator.language || "").toLowerCase().startsWith("zh") ? "zh" : "en";
  }

  gridgeo.show = function (map, layers, frameData, options) {
    gridgeo.view = new View(map, layers, frameData, options || {});
    return gridgeo.view;
  };
})();
