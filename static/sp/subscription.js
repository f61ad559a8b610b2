/* Subscription: choices in the head apply at once; buttons that stand in for that are for browsers without script. */
(function () {
  "use strict";
  document.documentElement.classList.add("has-js");
  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
})();
