// Tiles from outside, only when the app was told to use them. AMap's are drawn in GCJ-02: its tiles are shifted, never
// the data. Over a sub-district the shift is the same within a metre, so the app works it out once, for the middle.
(function () {
  "use strict";
  const gridgeo = (window.gridgeo = window.gridgeo || {});

  const Shifted = L.TileLayer.extend({
    _getTiledPixelBounds(centre) {
      return L.TileLayer.prototype._getTiledPixelBounds.call(this, this._moved(centre));
    },
    _setZoomTransform(level, centre, zoom) {
      L.TileLayer.prototype._setZoomTransform.call(this, level, this._moved(centre), zoom);
    },
    _moved(centre) {
      const [lng, lat] = this.options.shift;
      return L.latLng(centre.lat + lat, centre.lng + lng);
    },
  });

  gridgeo.tileLayers = ({ urls, subdomains, shift }) =>
    urls.map((url) => new Shifted(url, { subdomains, shift, maxNativeZoom: 18, maxZoom: 20, className: "gg-tiles" }));
})();
