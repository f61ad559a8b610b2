/* What makes pages handier. Every page works without it; nothing here knows a rule. */
(function () {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  /* --- look: light, dark, as the device --- */
  function showTheme() {
    all("[data-look]").forEach((box) => { box.hidden = false; });
    all("[data-theme-set]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.themeSet === window.spTheme.chosen()));
    });
  }

  /* --- after the first load, and in every fragment that htmx brings --- */
  function prepare(root) {
    all("[data-eye], [data-fill], [data-rep-add], [data-rep-remove], [data-copy], [data-print]", root).forEach((element) => { element.hidden = false; });
    all("[data-check-all]", root).forEach(countChecked);
    all(".tabs [aria-current]", root).forEach(bringIntoSight);
    const summary = root.querySelector("[data-focus]");
    if (summary) summary.focus();
  }

  /* --- the tab one is at may stand beyond the edge of a row that scrolls --- */
  function bringIntoSight(tab) {
    const row = tab.parentElement;
    row.scrollLeft += tab.getBoundingClientRect().right - row.getBoundingClientRect().right + 48;
  }

  /* --- select all: data-check-all="name" on the head's box; [data-check-count="name"] shows the number --- */
  const boxesOf = (head) => all(`input[type=checkbox][name="${CSS.escape(head.dataset.checkAll)}"]:not(:disabled)`, head.closest("form") || document);
  function countChecked(head) {
    const boxes = boxesOf(head);
    const n = boxes.filter((box) => box.checked).length;
    head.checked = n > 0 && n === boxes.length;
    head.indeterminate = n > 0 && n < boxes.length;
    head.classList.toggle("some", head.indeterminate);
    boxes.forEach((box) => box.closest("tr")?.classList.toggle("on", box.checked));
    all(`[data-check-count="${CSS.escape(head.dataset.checkAll)}"]`).forEach((out) => { out.textContent = n; });
    all(`[data-check-any="${CSS.escape(head.dataset.checkAll)}"]`).forEach((part) => { part.hidden = n === 0; });
  }

  /* --- repeating rows: [data-rep="prefix"] holds [data-rep-row]s and a <template> with __prefix__ for the number --- */
  function addRow(group) {
    const total = group.querySelector(`[name="${group.dataset.rep}-TOTAL_FORMS"]`);
    const number = total ? Number(total.value) : all("[data-rep-row]", group).length;
    const template = group.querySelector("template");
    const scratch = document.createElement("template");
    scratch.innerHTML = template.innerHTML.replaceAll("__prefix__", number);
    const row = scratch.content.firstElementChild;
    template.before(row);
    if (total) total.value = number + 1;
    window.htmx?.process(row);
    prepare(row);
    renumber(group);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  }
  function removeRow(row) {
    const group = row.closest("[data-rep]");
    const mark = row.querySelector("[name$='-DELETE']");
    if (mark) { // the server counts rows by number: a removed one stays, marked
      if (mark.type === "checkbox") mark.checked = true; else mark.value = "on";
      row.hidden = true;
      all("[required]", row).forEach((input) => { input.required = false; });
    } else row.remove();
    renumber(group);
    group.querySelector("[data-rep-add]")?.focus();
    group.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function renumber(group) {
    all("[data-rep-row]:not([hidden]) [data-rep-number]", group).forEach((out, at) => { out.textContent = at + 1; });
  }

  /* --- a question before what can't be taken back --- */
  function ask(element, go, what = "…") {
    const dialog = document.getElementById("confirm");
    const title = dialog.querySelector("h2");
    const yes = dialog.querySelector("button[value=yes]");
    title.textContent = element.dataset.confirmTitle || title.dataset.default;
    dialog.querySelector("p").textContent = element.dataset.confirm.replace("…", () => what); // one form of many rows: what the pressed button stands beside
    yes.textContent = element.dataset.confirmYes || yes.dataset.default;
    dialog.returnValue = "";
    dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") go(); }, { once: true });
    dialog.showModal();
  }
  const agreed = new WeakSet();

  document.addEventListener("click", (event) => {
    const target = event.target.closest("button, a, summary, [data-rep-add]");
    // a menu closes when one clicks elsewhere
    all("details.pop[open]").forEach((open) => { if (!open.contains(event.target)) open.open = false; });
    if (!target) return;
    if (target.dataset.themeSet) { window.spTheme.choose(target.dataset.themeSet); showTheme(); }
    if ("eye" in target.dataset) {
      const input = target.parentElement.querySelector("input");
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      target.setAttribute("aria-pressed", String(shown));
      input.focus();
    }
    if (target.dataset.fill) {
      const form = document.querySelector("form.gate-form");
      form.elements.username.value = target.dataset.fill;
      form.elements.password.value = target.dataset.fillPassword;
      form.querySelector("button.p").focus();
    }
    if ("repAdd" in target.dataset) addRow(target.closest("[data-rep]"));
    if ("repRemove" in target.dataset) removeRow(target.closest("[data-rep-row]"));
    if (target.dataset.copy !== undefined && navigator.clipboard) {
      navigator.clipboard.writeText(target.dataset.copy).then(() => target.classList.add("done"));
    }
    if ("print" in target.dataset) window.print();
    if (target.dataset.confirm && target.tagName === "A") {
      event.preventDefault();
      ask(target, () => { location.href = target.href; });
    }
  });

  document.addEventListener("change", (event) => {
    const box = event.target;
    if (box.dataset.checkAll) {
      boxesOf(box).forEach((other) => { other.checked = box.checked; });
      countChecked(box);
    } else if (box.type === "checkbox") {
      all(`[data-check-all="${CSS.escape(box.name)}"]`).forEach(countChecked);
    }
    if (box.id && box.selectedOptions) {
      all(`[data-follows="${CSS.escape(box.id)}"]`).forEach((part) => {
        if (part.tagName === "INPUT") part.value = box.value;
        else part.textContent = box.selectedOptions[0].text;
      });
    }
    if ("autosubmit" in box.dataset) box.form.requestSubmit();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asking = event.submitter?.dataset.confirm ? event.submitter : form.dataset.confirm ? form : null;
    if (asking && !agreed.has(asking)) {
      event.preventDefault();
      event.stopPropagation();
      const submitter = event.submitter;
      ask(asking, () => { agreed.add(asking); form.requestSubmit(submitter); agreed.delete(asking); }, submitter?.dataset.what);
      return;
    }
    if ("submitOnce" in form.dataset) {
      // after this event, or the button's own name and value would not be sent
      setTimeout(() => { all("button:not([type=button])", form).concat(all(`button[form="${form.id}"]`)).forEach((button) => { button.disabled = true; }); form.setAttribute("aria-busy", "true"); });
    }
  }, true);
  // a page that comes back from the history has its buttons again
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) all("form[data-submit-once] button, button[form]").forEach((button) => { button.disabled = false; });
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details.pop[open]").forEach((open) => { open.open = false; open.querySelector("summary").focus(); });
    }
    const typing = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const find = all(".find input").find((input) => input.offsetParent);
      if (find) { event.preventDefault(); find.focus(); find.select(); }
    }
  });

  /* --- htmx: the token from the cookie, so that no page has to carry it twice --- */
  document.addEventListener("htmx:configRequest", (event) => {
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    if (token && event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = token[1];
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const mended = event.target.matches(".stale") ? event.target : event.target.closest(".f.stale"); // came after all
    if (mended) { mended.classList.remove("stale"); mended.querySelector(":scope > .fetch-failed")?.remove(); }
    prepare(event.target);
  });

  /* --- a fragment that can't be fetched says so where it would stand: greyed, and nothing that rests on it can be pressed --- */
  function failed(event) {
    const { elt, target, xhr, requestConfig } = event.detail;
    if (xhr && xhr.status === 401) { toSignIn(xhr.getResponseHeader("X-Sign-In")); return; }
    if (elt.matches("datalist")) return; // suggestions only: what is typed counts
    const where = target && target.isConnected ? target : elt;
    const place = where.matches("select") ? where.closest(".f") : where;
    place.querySelector(":scope > .fetch-failed")?.remove();
    const note = document.getElementById("fetch-failed").content.firstElementChild.cloneNode(true);
    note.querySelector("button").addEventListener("click", () => {
      note.setAttribute("aria-busy", "true");
      window.htmx.ajax(requestConfig.verb, requestConfig.path, { source: elt });
    });
    place.prepend(note);
    place.classList.add("stale");
    all("button[name=action]", place).forEach((button) => { button.disabled = true; });
  }
  ["htmx:responseError", "htmx:sendError", "htmx:timeout"].forEach((name) => document.addEventListener(name, failed));
  function toSignIn(address) {
    keep(watched().filter(isChanged));
    sent = true;
    location.assign(address || "/sign-in/");
  }

  /* --- what was changed and not saved: leaving asks, and a lost session brings it back after signing in --- */
  const KEPT = "sp-typed", KEPT_MS = 30 * 60 * 1000, { person, membership } = document.documentElement.dataset;
  let sent = null; // the form on its way, or true: whatever is left now was meant to be
  const begun = new WeakMap(), saving = new WeakMap();
  const watched = () => all("main form[method=post]:not([data-loose]):not(.gate-form)");
  const fieldsOf = (form) => [...form.elements].filter((field) => field.name && field.name !== "csrfmiddlewaretoken" && !("loose" in field.dataset) && !/^(submit|button|file|password|fieldset)$/.test(field.type));
  const stateOf = (form) => JSON.stringify(fieldsOf(form).map((field) => [field.name, /^(checkbox|radio)$/.test(field.type) ? field.checked : field.value]));
  const isRefused = (form) => Boolean(form.querySelector("[aria-invalid=true]")); // it came back with errors: what stands in it is nowhere else
  const isChanged = (form) => begun.has(form) && (isRefused(form) || ("cells" in form.dataset ? Boolean(form.querySelector(".chg-row")) : begun.get(form) !== stateOf(form)));
  function keep(forms) {
    const all_forms = watched();
    const typed = forms.map((form) => ({ at: all_forms.indexOf(form), fields: fieldsOf(form).map((field) => [field.name, field.type, field.value, field.checked]) }));
    try { sessionStorage.setItem(KEPT, JSON.stringify({ person, membership, url: location.pathname + location.search, on: Date.now(), away: false, typed })); } catch { /* full or forbidden: then it is gone */ }
  }
  function bringBack() {
    let kept = null;
    try { kept = JSON.parse(sessionStorage.getItem(KEPT)); } catch { /* not ours */ }
    if (!kept) return;
    if (!person) { sessionStorage.setItem(KEPT, JSON.stringify({ ...kept, away: true })); return; } // the sign-in page
    const isMine = kept.away && kept.person === person && kept.membership === membership && Date.now() - kept.on <= KEPT_MS;
    const here = kept.url === location.pathname + location.search;
    if (here || !isMine) sessionStorage.removeItem(KEPT);
    if (!here || !isMine) return;
    kept.typed.forEach(({ at, fields }) => { const form = watched()[at]; if (form) fill(form, fields); });
  }
  function fill(form, fields) {
    all("[data-rep]", form).forEach((group) => {
      const total = `${group.dataset.rep}-TOTAL_FORMS`;
      const wanted = Math.min(50, Number(fields.find(([name]) => name === total)?.[2] || 0));
      while (Number(form.elements[total]?.value || wanted) < wanted) addRow(group);
    });
    const left = fieldsOf(form);
    fields.forEach(([name, type, value, checked]) => {
      if (type === "hidden") return; // versions and fingerprints are those of the page as it is now
      const at = left.findIndex((field) => field.name === name && field.type === type && (type !== "radio" || field.value === value));
      if (at < 0) return;
      const [field] = left.splice(at, 1);
      if (/^(checkbox|radio)$/.test(type)) field.checked = checked; else field.value = value;
    });
    const note = document.getElementById("typed-again").content.firstElementChild;
    const said = (document.querySelector(".flash") || document).textContent || ""; // by the server, which filled it too
    if (!said.includes(note.textContent.trim())) form.prepend(note.cloneNode(true));
    form.dispatchEvent(new Event("change", { bubbles: true }));
  }
  // a form that is saved as it is filled in: data-saves on what sends it names the form
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = document.getElementById(event.detail.elt.dataset?.saves || "");
    if (form) saving.set(form, stateOf(form));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = document.getElementById(event.detail.elt.dataset?.saves || "");
    if (form && event.detail.successful) begun.set(form, saving.get(form));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    sent = form;
    if (watched().includes(form)) keep([form]);
  });
  window.addEventListener("pageshow", () => { sent = null; });
  window.addEventListener("beforeunload", (event) => {
    if (sent !== true && watched().some((form) => form !== sent && isChanged(form))) event.preventDefault();
  });
  window.addEventListener("load", () => { watched().forEach((form) => begun.set(form, stateOf(form))); bringBack(); });

  showTheme();
  prepare(document);
})();
