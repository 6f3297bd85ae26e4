// A layer of very many points: what it is comes with the page, where they are as one body of bytes from the app.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});
  const { shapeOf } = gridgeo.coordinates;
  const AGAIN_MS = 2000;
  const MOST_TRIES = 5;

  const PointCloud = gridgeo.PlanLayer.extend({
    suits: (data) => data.geometry.points !== undefined,

    take(data) {
      this.data = data;
      this.shape = { xy: new Float64Array(0), count: 0 };
      this.lookOf = new Uint8Array(0);
      this.sizes = null;
      this.order = null;
      this.loading = true;
      this.lost = false;
      this.patches = [];
      this._fetch(data, 1);
    },

    /** Take what changed; what is not here yet takes it when it comes. */
    patch(change) {
      if (this.loading) {
        this.patches.push(change);
        this.data = { ...this.data, version: change.version };
      } else {
        gridgeo.PlanLayer.prototype.patch.call(this, change);
      }
    },

    async _fetch(data, turn) {
      const { geometry, sizes } = data;
      const body = await gridgeo.fetchBody(geometry.address, 0);
      if (this.data.geometry !== geometry) {
        return;
      }
      if (body instanceof ArrayBuffer) {
        const { points } = geometry;
        this.shape = shapeOf(new Int32Array(body, 0, 2 * points));
        this.lookOf = new Uint8Array(body, 8 * points, points);
        this.sizes = sizes ? new Uint8Array(body, 9 * points, points) : null;
        this.order = null;
        this.loading = false;
        this.patches.splice(0).forEach((change) => this.patch(change));
        this.fire("turned").fire("loaded");
      } else if (body === gridgeo.GONE || turn === MOST_TRIES) {
        // The app keeps what was shown last: it is asked to show this anew.
        this.lost = true;
        this.fire("lost");
      } else {
        setTimeout(() => this._fetch(data, turn + 1), AGAIN_MS);
      }
    },
  });

  gridgeo.layerKinds.unshift(PointCloud);
})();
