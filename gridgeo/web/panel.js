// What stands beside the map: headline figures, layers with their legend, the largest gaps, tables, notes.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { element } = gridgeo;
  const { swatch } = gridgeo.symbols;

  class Panel {
    constructor(view, kind) {
      this.view = view;
      this.kind = kind;
      this.open = new Set(["legend", "results", "areas", ...(kind === "full" ? ["ground"] : [])]);
      this.root = element("aside", { class: `gg-panel gg-panel-${kind}` });
      this.root.setAttribute("aria-label", "gridgeo");
      L.DomEvent.disableClickPropagation(this.root);
      L.DomEvent.disableScrollPropagation(this.root);
    }

    /** Write everything anew in the current language; what was unfolded and ticked stays so. */
    render() {
      const { view } = this;
      const parts = this.kind === "full" ? [this.header(), this.headline()] : [];
      parts.push(this.legend());
      if (this.kind === "full") {
        parts.push(this.gaps(), ...this.tables(), this.notes());
      }
      this.root.replaceChildren(...parts.filter(Boolean));
      document.documentElement.lang = view.lang === "zh" ? "zh-CN" : "en";
      if (this.kind === "full") {
        document.title = view.say(view.frameData.title);
      }
    }

    /** Show all there is, as for paper, or the legend alone. */
    turn(kind) {
      if (kind !== this.kind) {
        this.kind = kind;
        this.root.className = `gg-panel gg-panel-${kind}`;
        this.render();
      }
    }

    header() {
      const { view } = this;
      const onclick = () => view.speak(view.lang === "zh" ? "en" : "zh");
      return element(
        "header",
        { class: "gg-head" },
        element("h1", { dir: "auto" }, view.say(view.frameData.title)),
        element(
          "button",
          { type: "button", class: "gg-language", onclick, "aria-label": view.word("switch_label") },
          view.word("switch"),
        ),
      );
    }

    headline() {
      const { view } = this;
      const cards = view.frameData.figures.headline.map((figure) =>
        element(
          "div",
          { class: "gg-figure" },
          element("div", { class: "gg-figure-name" }, view.say(figure.name)),
          element("div", { class: "gg-figure-value" }, figure.share ? view.share(figure.value) : view.number(figure.value)),
          element("div", { class: "gg-figure-note" }, view.say(figure.note), figure.estimated ? ` ${view.word("estimated")}` : ""),
        ),
      );
      return element("section", { class: "gg-figures" }, cards);
    }

    section(name, title, ...children) {
      const made = element(
        "details",
        { class: `gg-section gg-${name}`, open: this.open.has(name) },
        element("summary", {}, title),
        ...children,
      );
      made.addEventListener("toggle", () => this.open[made.open ? "add" : "delete"](name));
      return made;
    }

    legend() {
      const { view } = this;
      const groups = ["results", "areas", "ground"].map((group) => {
        const layers = [...view.layers.values()].filter((layer) => layer.data.legend && layer.data.group === group);
        if (!layers.length) {
          return null;
        }
        const title = view.say(view.frameData.groups[group]);
        // What lies on top is named first.
        return this.section(group, title, ...layers.reverse().map((layer) => this.entry(layer)));
      });
      const body = element("div", { class: "gg-groups" }, groups.filter(Boolean));
      return this.section("legend", view.word("layers"), body);
    }

    entry(layer) {
      const { view } = this;
      const { data } = layer;
      const box = element("input", { type: "checkbox", "data-layer": data.id, checked: view.map.hasLayer(layer) });
      box.addEventListener("change", () => view.toggle(data.id, box.checked));
      const name = element("span", {}, view.say(data.name), data.estimated ? ` ${view.word("estimated")}` : "");
      const single = data.looks.length === 1;
      const line = element("label", { class: "gg-layer" }, box, single ? swatch(data.looks[0].style, data.kind) : null, name);
      const looks = data.looks.map((look) =>
        element("li", {}, swatch(look.style, data.kind), element("span", {}, view.say(look.name))),
      );
      return element("div", { class: "gg-entry" }, line, single ? null : element("ul", { class: "gg-looks" }, looks));
    }

    gaps() {
      const { view } = this;
      const { gaps } = view.frameData.figures;
      if (!gaps.length) {
        return null;
      }
      const rows = gaps.map((gap) =>
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", onclick: () => view.fit(gap.bounds) },
            element("span", { dir: "auto" }, view.say(gap.name)),
            element("span", {}, `${view.number(gap.households)} ${view.word("households")}`),
          ),
        ),
      );
      const title = view.word("worst_gaps") + (gaps.some((gap) => gap.estimated) ? ` ${view.word("estimated")}` : "");
      return this.section("gaps", title, element("ol", {}, rows));
    }

    tables() {
      const { view } = this;
      return view.frameData.figures.tables.map((table, number) => {
        const heads = [view.word("name"), view.word("households"), ...table.heads.map((head) => view.say(head))];
        const body = table.rows.map((row) =>
          element(
            "tr",
            {},
            element("th", { scope: "row", dir: "auto" }, view.say(row.name)),
            element("td", {}, view.number(row.households)),
            row.shares.map((share) => element("td", {}, view.share(share))),
          ),
        );
        const head = element("tr", {}, heads.map((text) => element("th", { scope: "col" }, text)));
        const made = element("table", {}, element("thead", {}, head), element("tbody", {}, body));
        return this.section(`table-${number}`, view.say(table.name), made);
      });
    }

    notes() {
      const { view } = this;
      const { basis, notes } = view.frameData.figures;
      const lines = [basis, ...notes].filter(Boolean).map((line) => element("p", { dir: "auto" }, view.say(line)));
      return lines.length ? element("section", { class: "gg-notes" }, element("h2", {}, view.word("notes")), lines) : null;
    }
  }

  gridgeo.Panel = Panel;
})();
