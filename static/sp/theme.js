/* Runs before the first paint, so that a dark page never flashes white. The choice is kept per person. */
(function () {
  "use strict";
  var root = document.documentElement;
  var key = "sp-theme:" + (root.dataset.person || "");
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function chosen() {
    try { return localStorage.getItem(key) || localStorage.getItem("sp-theme:last") || "auto"; } catch (_) { return "auto"; }
  }
  function apply() {
    var theme = chosen();
    root.dataset.bsTheme = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
  }
  window.spTheme = {
    chosen: chosen,
    choose: function (theme) {
      // "last" is what the sign-in page uses, where nobody is known yet
      try { localStorage.setItem(key, theme); localStorage.setItem("sp-theme:last", theme); } catch (_) { /* private window */ }
      apply();
    },
  };
  apply();
  dark.addEventListener("change", apply);
})();
