/* Subscription: choices in the head apply at once; buttons that stand in for that are for browsers without script. The box of the whole list
   takes the rows of the page along; a row that is unticked then is taken out of it. */
(function () {
  "use strict";
  document.documentElement.classList.add("has-js");
  function follow(all, box) {
    var form = all.form;
    var rows = Array.from(form.querySelectorAll('input[type=checkbox][name="' + CSS.escape(all.dataset.allOf) + '"]'));
    if (box === all) {
      rows.forEach(function (row) { row.checked = all.checked; });
      form.elements.together.value = all.checked ? "1" : "";
      form.elements.elsewhere.value = "";
    }
    // what was taken out on other pages comes along in "elsewhere"
    all.indeterminate = all.checked && (form.elements.elsewhere.value !== "" || rows.some(function (row) { return !row.checked; }));
    all.classList.toggle("some", all.indeterminate);
    rows.forEach(function (row) { row.closest("tr").classList.toggle("on", row.checked); });
  }
  function begin() { document.querySelectorAll("[data-all-of]").forEach(function (all) { follow(all, null); }); }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
  document.addEventListener("change", function (event) {
    var box = event.target, all = box.form && box.form.querySelector("[data-all-of]");
    if (all && (box === all || box.name === all.dataset.allOf)) follow(all, box);
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
})();
