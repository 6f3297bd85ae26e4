// Whether somebody else changed the plan: asked of the app every few seconds, in a few bytes and without drawing anything.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});

  gridgeo.News = class {
    /** `heard` is called once for every change. */
    constructor(heard) {
      this.heard = heard;
      this.wish = null;
      this.told = "";
      document.addEventListener("visibilitychange", () => this.look());
    }

    /** Take what the app shows now: where to ask, what is answered there while nothing changes, how often to ask. */
    take(wish) {
      this.wish = wish;
      clearTimeout(this.timer);
      if (wish) {
        this.timer = setTimeout(() => this.look(), 1000 * wish.every_s);
      }
    }

    async look() {
      const wish = this.wish;
      // Nobody sees a hidden page; it asks as soon as somebody does.
      if (!wish || document.hidden) {
        return;
      }
      let mark = wish.mark;
      try {
        const answer = await fetch(new URL(`../../news/${wish.address}`, window.location.href));
        mark = answer.status === 200 ? await answer.text() : mark;
      } catch {
        // The connection is lost: Streamlit says so, and asks for the page again.
      }
      // What was drawn meanwhile is newer than this answer.
      if (wish !== this.wish) {
        return;
      }
      this.take(wish);
      if (mark !== wish.mark && mark !== this.told) {
        this.told = mark;
        this.heard();
      }
    }
  };
})();
