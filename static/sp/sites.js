/* Handier forms of sites and apartments. Every page works without it; nothing here knows a rule. */
(function () {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* --- a switch that differs from what is saved says so; one that needs another goes off with it --- */
  function markChanged(box) {
    const card = box.closest(".svc");
    const changed = box.checked !== box.defaultChecked;
    card.classList.toggle("chg", changed);
    const word = card.querySelector("[data-changed]");
    if (word) word.hidden = !changed;
  }
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!box.dataset?.service) return;
    const form = box.form;
    const follow = [box];
    all("[data-needs]", form).forEach((other) => {
      if (other.dataset.needs === box.dataset.service && !box.checked && other.checked) { other.checked = false; follow.push(other); }
      if (other === box && box.checked) {
        const needed = form.querySelector(`[data-service="${CSS.escape(box.dataset.needs)}"]`);
        if (needed && !needed.checked && !needed.disabled) { needed.checked = true; follow.push(needed); }
      }
    });
    if ("showsChanges" in form.dataset) follow.forEach(markChanged);
  });

  /* --- a repaired MAC is taken over in place --- */
  function forgetError(field) { // what the server said of the MAC before
    const input = field.querySelector("[data-mac]"), error = field.querySelector(".said.lapsed");
    if (!error) return;
    input.removeAttribute("aria-invalid");
    input.setAttribute("aria-describedby", input.getAttribute("aria-describedby").split(" ").filter((id) => id !== error.id).join(" "));
    error.remove();
  }
  all("[data-use][hidden]").forEach((button) => { button.hidden = false; });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-use]");
    if (!button) return;
    event.preventDefault();
    const input = (button.closest("[data-rep-row], [data-grid-row]") || button.form).querySelector("[data-mac]");
    input.value = button.dataset.use;
    if (input.closest(".f")) forgetError(input.closest(".f"));
    (button.closest(".said") || button).remove();
    input.focus();
    input.dispatchEvent(new Event("change", { bubbles: true })); // it is asked about again
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const field = event.target.matches(".mac-said") && event.target.parentElement.querySelector(".f");
    if (field) forgetError(field);
  });

  /* --- a grid: what is pasted from a column of a spreadsheet goes down its rows, further columns to the right --- */
  const nextRow = (row) => { do { row = row?.nextElementSibling; } while (row && !("gridRow" in row.dataset)); return row; };
  document.addEventListener("paste", (event) => {
    const first = event.target.closest?.("input[data-column]");
    const lines = (event.clipboardData?.getData("text") || "").replace(/(\r?\n)+$/, "").split(/\r?\n/).map((line) => line.split("\t"));
    if (!first || (lines.length < 2 && lines[0].length < 2)) return;
    event.preventDefault();
    let row = first.closest("[data-grid-row]"), last = first;
    for (const cells of lines) {
      if (!row) break;
      const inputs = all("input[data-column]", row), from = inputs.findIndex((input) => input.dataset.column === first.dataset.column);
      cells.forEach((text, n) => { const input = inputs[from + n]; if (input) { input.value = text.trim(); last = input; } });
      row = nextRow(row);
    }
    last.focus();
    last.dispatchEvent(new Event("change", { bubbles: true }));
  });

  /* --- scanners end with Enter: go on to the next field instead of sending a half-filled form --- */
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input[data-mac]")) return;
    event.preventDefault();
    const below = event.target.closest("[data-scan]") && nextRow(event.target.closest("[data-grid-row]"));
    if (below) { below.querySelector("[data-mac]").focus(); return; }
    const fields = all("input:not([type=hidden]):not([type=checkbox]), select, textarea", event.target.form).filter((input) => input.offsetParent);
    fields[fields.indexOf(event.target) + 1]?.focus();
  });
})();
