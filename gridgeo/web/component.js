// The map inside the app. The app says which layers, in which versions, it wants to see; only what this page does not
// hold yet travels, and what stands on the map is exchanged in place, so the view never jumps.
(function () {
  "use strict";
  const gridgeo = window.gridgeo;
  const LINK_MS = 40;
  const MOST_LOSSES = 5;
  let view = null;
  let editor = null;
  let number = Date.now();
  let waiting = [];
  let commands = 0;
  let asked = "";
  let losses = 0;
  let channel = null;
  let following = false;
  const news = new gridgeo.News(() => answer({ news: true }));

  function tell(type, content) {
    window.parent.postMessage({ isStreamlitMessage: true, type, ...content }, "*");
  }

  /** Tell the app what happened. What it has not yet confirmed is told again with it, so that nothing is lost. */
  function answer(happened) {
    number += 1;
    waiting.push({ ...happened, number });
    tell("streamlit:setComponentValue", { value: { events: waiting }, dataType: "json" });
  }

  function render(wish) {
    tell("streamlit:setFrameHeight", { height: wish.height });
    document.body.style.height = `${wish.height}px`;
    news.take(wish.news);
    waiting = waiting.filter((event) => event.number > (wish.seen || 0));
    const held = new Map(view ? [...view.layers].map(([id, layer]) => [id, layer.data.version]) : []);
    const missing = wish.wanted.filter(([id, version]) => !reaches(wish, id, version, held.get(id)));
    if (missing.length) {
      // The app believed this page had them: it was opened anew, or a message was lost. Ask once for each wish.
      const name = JSON.stringify(wish.wanted);
      if (asked !== name) {
        asked = name;
        answer({ need: true });
      }
      return;
    }
    asked = "";
    if (view && view.frameData.place.zh === wish.frame.place.zh) {
      exchange(wish);
    } else {
      open(wish);
    }
    edit(wish.edit);
    link(wish.linked);
    if (wish.command && wish.command.number > commands) {
      commands = wish.command.number;
      view.fit(wish.command.fit);
    }
  }

  /** Whether a layer is here in the version wanted, once what travelled is taken. */
  function reaches(wish, id, version, held) {
    const change = wish.patches[id];
    return Boolean(wish.layers[id]) || held === version || Boolean(change && change.from === held);
  }

  function open(wish) {
    if (view) {
      view.close();
      editor = null;
    }
    const box = document.createElement("div");
    document.body.replaceChildren(box);
    const map = L.map(box, wish.options);
    const layers = wish.wanted.map(([id]) => gridgeo.layer(wish.layers[id]));
    const frame = { ...wish.frame, lang: wish.lang };
    const onpick = (layer, row, key) => (!wish.edit || wish.edit.pick.includes(layer)) && answer({ pick: { layer, row, key } });
    view = gridgeo.show(map, layers, frame, { panel: "legend", onpick, onlost, place: place(), basemap: wish.basemap });
    map.on("moveend", keepPlace);
    map.on("move", tellLinked);
  }

  /** What the app keeps no more, after a restart or because others looked at more since, it is asked to show anew. */
  function onlost() {
    losses += 1;
    if (losses <= MOST_LOSSES) {
      answer({ need: true });
    }
  }

  function exchange(wish) {
    view.frameData = { ...wish.frame, lang: wish.lang };
    view.arrange(wish.wanted.map(([id]) => id), wish.layers);
    for (const [id, change] of Object.entries(wish.patches)) {
      const layer = view.layers.get(id);
      if (layer && layer.data.version === change.from) {
        layer.patch(change);
      }
    }
    view.setBasemap(wish.basemap);
    view.speak(wish.lang);
  }

  function edit(wish) {
    if (wish && !editor) {
      editor = gridgeo.editor = new gridgeo.Editor(view, wish, answer);
    } else if (wish) {
      editor.take(wish);
    }
  }

  /** Maps of one name on a page move together. */
  function link(name) {
    if (name && !channel) {
      channel = new BroadcastChannel(`gridgeo-${name}`);
      channel.onmessage = ({ data }) => {
        following = true;
        view.map.setView(data.centre, data.zoom, { animate: false });
        setTimeout(() => (following = false), LINK_MS);
      };
    }
  }

  function tellLinked() {
    if (channel && !following) {
      const { lat, lng } = view.map.getCenter();
      channel.postMessage({ centre: [lat, lng], zoom: view.map.getZoom() });
    }
  }

  /** The view stands in the address of the page around this one, so that a copied link shows the same. */
  function place() {
    const found = /^#map=([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+)(?:\/([\w,-]*))?$/.exec(outer().location.hash);
    if (!found) {
      return null;
    }
    const [zoom, lat, lng] = found.slice(1, 4).map(Number);
    return { zoom, lat, lng, shown: found[4] ? found[4].split(",") : null };
  }

  function keepPlace() {
    const { lat, lng } = view.map.getCenter();
    const shown = view.visible().map((layer) => layer.data.id);
    const hash = `#map=${view.map.getZoom()}/${lat.toFixed(5)}/${lng.toFixed(5)}/${shown.join(",")}`;
    const { history, location } = outer();
    history.replaceState(history.state, "", `${location.pathname}${location.search}${hash}`);
  }

  function outer() {
    return window.parent;
  }

  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data && event.data.type === "streamlit:render") {
      document.documentElement.dataset.theme = (event.data.theme || {}).base || "light";
      render(event.data.args);
    }
  });
  tell("streamlit:componentReady", { apiVersion: 1 });
})();
