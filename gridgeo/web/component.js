// The map inside the app. The app says which layers, in which versions, it wants to see; only layers that this page
// does not hold yet travel, and what stands on the map is exchanged in place, so the view never jumps.
(function () {
  "use strict";
  const gridgeo = window.gridgeo;
  let view = null;
  let events = Date.now();
  let commands = 0;
  let asked = "";

  function tell(type, content) {
    window.parent.postMessage({ isStreamlitMessage: true, type, ...content }, "*");
  }

  function answer(value) {
    events += 1;
    tell("streamlit:setComponentValue", { value: { ...value, event: events }, dataType: "json" });
  }

  function render(wish) {
    tell("streamlit:setFrameHeight", { height: wish.height });
    document.body.style.height = `${wish.height}px`;
    const held = new Map(view ? [...view.layers].map(([id, layer]) => [id, layer.data.version]) : []);
    const missing = wish.wanted.filter(([id, version]) => !wish.layers[id] && held.get(id) !== version);
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
    if (wish.command && wish.command.number > commands) {
      commands = wish.command.number;
      view.fit(wish.command.fit);
    }
  }

  function open(wish) {
    if (view) {
      view.close();
    }
    const box = document.createElement("div");
    document.body.replaceChildren(box);
    const map = L.map(box, wish.options);
    const layers = wish.wanted.map(([id]) => gridgeo.layer(wish.layers[id]));
    const frame = { ...wish.frame, lang: wish.lang };
    view = gridgeo.show(map, layers, frame, { panel: "legend", onpick: (layer, row) => answer({ pick: { layer, row } }) });
  }

  function exchange(wish) {
    view.frameData = { ...wish.frame, lang: wish.lang };
    view.arrange(wish.wanted.map(([id]) => id), wish.layers);
    view.speak(wish.lang);
  }

  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data && event.data.type === "streamlit:render") {
      render(event.data.args);
    }
  });
  tell("streamlit:componentReady", { apiVersion: 1 });
})();
