/* The sheet of a community: cells are edited in place and collect in the tray. The form works without it; nothing here knows a rule. */
(function () {
  "use strict";
  const form = document.getElementById("sheet-form");
  if (!form) return;
  const all = (selector, root = form) => [...root.querySelectorAll(selector)];
  const tray = document.getElementById("tray"), what = document.getElementById("tray-what"), words = tray.dataset;
  form.classList.add("live");
  const CELLS = "input.ce, input.sw, .fix-in input, .ghost .c0 input";
  const isBox = (field) => field.type === "checkbox";
  const isChanged = (field) => (isBox(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  const rowOf = (field) => field.closest("tr[data-row], tr[data-fix], tr[data-new]");
  const keyOf = (row) => row.dataset.row || row.dataset.fix || row.dataset.new;
  const partsOf = (key) => all(`tr[data-row="${key}"], tr[data-fix="${key}"], tr[data-new="${key}"]`);
  const fieldsOf = (key) => partsOf(key).flatMap((row) => all(CELLS, row));
  const changedKeys = () => [...new Set(all(CELLS).filter(isChanged).map((field) => keyOf(rowOf(field))))];
  const past = []; // what Ctrl+Z takes back: [field, value before]

  /* --- a changed cell: amber, with what it was --- */
  function mark(field) {
    const cell = field.closest("td"), row = rowOf(field);
    const changed = isChanged(field);
    if (isBox(field) && field.classList.contains("sw")) {
      cell.classList.toggle("chg", changed);
      cell.querySelector(".was")?.remove();
      if (changed) {
        const was = document.createElement("small");
        was.className = "was";
        was.textContent = field.defaultChecked ? words.wasOn : words.wasOff;
        cell.append(was);
      }
    } else if (row.dataset.row) cell.classList.toggle("chg", changed);
    const key = keyOf(row), any = fieldsOf(key).some(isChanged);
    partsOf(key).forEach((part) => part.classList.toggle("chg-row", any));
    if (field.name.endsWith("-indoor_monitor")) {
      const fix = form.querySelector(`tr[data-fix="${key}"]`);
      if (fix) fix.classList.toggle("open", changed && field.checked || fix.classList.contains("open") && !changed && all("input", fix).some(isChanged));
    }
    const ghost = row.dataset.new && row.querySelector(".c0 input");
    if (ghost && ghost !== field && row.dataset.new) ghost.checked = any && all("input:not(.ck)", row).some((other) => isChanged(other));
  }
  function set(field, value, remember = true) {
    const before = isBox(field) ? field.checked : field.value;
    if (before === value || field.disabled) return;
    if (remember) past.push([field, before]);
    if (isBox(field)) field.checked = value; else field.value = value;
    mark(field);
    ask();
  }

  /* --- the tray: asked for 150 ms after a change, with the rows that changed --- */
  let waiting = 0, asked = 0;
  function ask() {
    const keys = changedKeys();
    tray.hidden = keys.length === 0;
    all("[data-changed]", document).forEach((chip) => { chip.hidden = keys.length === 0; chip.querySelector(".n").textContent = keys.length; });
    if (!keys.length) return;
    clearTimeout(waiting);
    waiting = setTimeout(fetchTray, 150);
  }
  async function fetchTray() {
    const mine = ++asked;
    const body = new FormData();
    changedKeys().forEach((key) => partsOf(key).forEach((row) => all("input", row).forEach((field) => {
      if (field.name && field.name !== "item" && (!isBox(field) || field.checked) && !field.disabled) body.append(field.name, field.value);
    })));
    const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
    tray.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { "HX-Request": "true", "X-CSRFToken": token ? token[1] : "" } });
      if (mine !== asked) return;
      if (answer.status === 401) { location.assign(answer.headers.get("X-Sign-In") || "/sign-in/"); return; }
      if (!answer.ok) throw new Error(answer.status);
      what.innerHTML = await answer.text();
      show();
    } catch {
      if (mine === asked) what.textContent = words.failed;
      apply.setAttribute("aria-disabled", "true");
    } finally { if (mine === asked) tray.removeAttribute("aria-busy"); }
  }
  const apply = tray.querySelector("[value=apply]");
  function show() {
    all("[data-said]").forEach((said) => { said.textContent = ""; });
    all("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
    const told = what.querySelector("[data-cells]"), open = Number(told.dataset.open);
    all("[data-cell]", told).forEach((line) => {
      const field = form.elements[line.dataset.cell];
      if (!field) return;
      field.setAttribute("aria-invalid", "true");
      field.title = line.textContent;
      const row = rowOf(field);
      if (row.dataset.fix) row.classList.add("open");
      const said = row.querySelector("[data-said]");
      if (said) said.textContent = line.textContent;
    });
    all("[data-use]", told).forEach((line) => {
      const field = form.elements[line.dataset.use], said = field && rowOf(field).querySelector("[data-said]");
      if (!said) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "b s";
      button.textContent = line.textContent;
      button.addEventListener("click", () => { set(field, line.textContent); field.focus(); });
      said.append(" ", button);
    });
    apply.textContent = Number(told.dataset.count) === 1 ? words.applyOne : words.apply.replace("0", told.dataset.count);
    if (open) apply.setAttribute("aria-disabled", "true"); else apply.removeAttribute("aria-disabled");
  }
  const firstOpen = () => all("[aria-invalid=true]")[0];
  tray.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (link) { event.preventDefault(); form.elements[link.dataset.goto]?.focus(); }
    if (event.target.closest("[data-discard]")) { event.preventDefault(); discard(); }
    if (event.target.closest("[value=apply]") && apply.getAttribute("aria-disabled")) { event.preventDefault(); firstOpen()?.focus(); }
  });
  function discard() {
    all("tr.ghost[data-copy]").forEach((row) => row.remove());
    all(CELLS).forEach((field) => { if (isChanged(field)) { if (isBox(field)) field.checked = field.defaultChecked; else field.value = field.defaultValue; } mark(field); });
    all("tr.fix.open").forEach((row) => row.classList.remove("open"));
    past.length = 0;
    ask();
  }

  /* --- only rows that changed are sent --- */
  form.addEventListener("submit", () => {
    const keys = new Set(changedKeys());
    all("tr[data-row], tr[data-fix], tr[data-new]").forEach((row) => {
      if (!keys.has(keyOf(row))) all("input", row).forEach((field) => { if (!field.disabled) { field.disabled = true; field.dataset.held = ""; } });
    });
  });
  window.addEventListener("pageshow", () => all("[data-held]").forEach((field) => { field.disabled = false; delete field.dataset.held; }));

  /* --- a further row that adds an apartment --- */
  function another(row) {
    const numbers = all("tr.ghost").filter((other) => other.dataset.new.startsWith(row.dataset.new.replace(/\d+$/, ""))).map((other) => Number(other.dataset.new.match(/\d+$/)[0]));
    const copy = row.cloneNode(true), old = row.dataset.new, name = old.replace(/\d+$/, Math.max(...numbers) + 1);
    copy.dataset.new = name;
    copy.dataset.copy = "";
    copy.classList.remove("chg-row");
    all("input", copy).forEach((field) => {
      field.name = field.name.replace(old, name);
      field.removeAttribute("aria-invalid");
      if (isBox(field)) field.checked = false;
      else if (/-number$/.test(field.name)) field.value = following(form.elements[`${old}-number`].value);
      else if (/-floor$/.test(field.name)) field.value = form.elements[`${old}-floor`].value;
      else if (/-monitor_name$/.test(field.name)) field.value = form.elements[`${old}-monitor_name`].value;
      else field.value = "";
      if (!isBox(field)) field.defaultValue = field.value;
    });
    all("[data-said]", copy).forEach((said) => { said.textContent = ""; });
    row.after(copy);
    return copy;
  }
  const following = (number) => number.replace(/\d+(?=\D*$)/, (digits) => String(Number(digits) + 1).padStart(digits.length, "0"));
  function nextRow(row) {
    const next = row.nextElementSibling;
    return next && next.matches(".ghost") ? next : another(row);
  }

  /* --- keys --- */
  const column = (field) => (field.name.match(/-([a-z_]+)$/) || [])[1];
  const same = (field) => all(`input[name$="-${column(field)}"]`).filter((other) => other.offsetParent && !other.disabled && column(other) === column(field));
  function move(field, by) {
    const line = same(field), at = line.indexOf(field) + by;
    if (line[at]) { line[at].focus(); if (!isBox(line[at])) line[at].select(); }
    return Boolean(line[at]);
  }
  function beside(field, by) {
    const cells = all("input:not([type=hidden]):not(:disabled), button:not([hidden])", rowOf(field)).filter((other) => other.offsetParent);
    const next = cells[cells.indexOf(field) + by];
    if (next) next.focus();
  }
  form.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && past.length && (isBox(field) || !field.matches("input") || !isChanged(field))) {
      event.preventDefault();
      const [last, before] = past.pop();
      set(last, before, false);
      last.focus();
      return;
    }
    if (!field.matches("input") || !rowOf(field)) return;
    const atEdge = isBox(field) || field.selectionStart === field.selectionEnd && (event.key === "ArrowLeft" ? field.selectionStart === 0 : field.selectionEnd === field.value.length)
      || field.selectionStart === 0 && field.selectionEnd === field.value.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") { event.preventDefault(); move(field, event.key === "ArrowDown" ? 1 : -1); }
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && atEdge) { event.preventDefault(); beside(field, event.key === "ArrowRight" ? 1 : -1); }
    else if (event.key === "Escape" && !isBox(field) && isChanged(field)) { event.preventDefault(); set(field, field.defaultValue, false); }
    else if (event.key === "Enter" && !event.ctrlKey) {
      event.preventDefault();
      const row = rowOf(field);
      if (row.dataset.new) {
        const box = row.querySelector(".c0 input");
        if (!box.checked) set(box, true);
        const next = nextRow(row).querySelector(`[name$="-${column(field)}"]`);
        next.focus();
        if (!isBox(next)) next.select();
      } else if (!isBox(field)) move(field, 1);
    }
  });

  /* --- a pasted column goes downwards --- */
  form.addEventListener("paste", (event) => {
    const field = event.target, text = event.clipboardData?.getData("text") || "";
    const lines = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n");
    if (lines.length < 2 || !field.matches("input") || isBox(field)) return;
    event.preventDefault();
    let at = field;
    lines.forEach((line, n) => {
      if (!at) return;
      set(at, line.trim());
      if (n === lines.length - 1) return;
      const row = rowOf(at), of = column(at);
      if (row.dataset.new) at = nextRow(row).querySelector(`[name$="-${of}"]`);
      else {
        if (row.dataset.fix) { const fixes = all(`tr.fix input[name$="-${of}"]`); at = fixes[fixes.indexOf(at) + 1] || null; if (at) rowOf(at).classList.add("open"); }
        else { const line2 = same(at); at = line2[line2.indexOf(at) + 1] || null; }
      }
    });
  });

  /* --- what is typed and ticked --- */
  const before = new WeakMap();
  form.addEventListener("focusin", (event) => { if (event.target.matches(CELLS)) before.set(event.target, event.target.value); });
  form.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches(CELLS)) return;
    mark(field);
    ask();
  });
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (!field.matches(CELLS)) return;
    past.push([field, isBox(field) ? !field.checked : before.get(field) ?? field.defaultValue]);
    before.set(field, field.value);
  });
  form.addEventListener("click", (event) => {
    const fix = event.target.closest("[data-open-fix]"), off = event.target.closest("[data-off]"), tri = event.target.closest("[data-tri]");
    if (fix) {
      const row = form.querySelector(`tr[data-fix="${keyOf(rowOf(fix))}"]`);
      row.classList.toggle("open");
      if (row.classList.contains("open")) row.querySelector("input").focus();
    }
    if (off) {
      const key = keyOf(rowOf(off));
      rowOf(off).classList.remove("open");
      all("input", rowOf(off)).forEach((field) => set(field, isBox(field) ? false : ""));
      const box = form.elements[`cell-${key}-indoor_monitor`];
      if (box) { set(box, false); box.focus(); }
    }
    if (tri) {
      const boxes = scope(tri).flatMap((body) => all(`input[name$="-${tri.dataset.tri}"]`, body)).filter((box) => !box.disabled);
      if (boxes.length !== Number(tri.dataset.n)) return; // not all of them are on this page: the link leads to the dry run
      event.preventDefault();
      boxes.forEach((box) => set(box, tri.dataset.to === "on"));
      tri.dataset.to = tri.dataset.to === "on" ? "off" : "on";
      tri.classList.remove("some", "on", "off");
      tri.classList.add(tri.dataset.to === "on" ? "off" : "on");
    }
  });
  function scope(tri) {
    const head = tri.closest("thead, tbody"), bodies = [...head.parentElement.tBodies];
    if (head.tagName === "THEAD") return bodies;
    const after = bodies.slice(bodies.indexOf(head) + 1);
    if (head.classList.contains("floor")) return after.slice(0, 1);
    const end = after.findIndex((body) => body.classList.contains("house"));
    return end < 0 ? after : after.slice(0, end);
  }

  /* --- only what changed --- */
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-changed]");
    if (!chip) return;
    form.classList.toggle("only-changed");
    chip.setAttribute("aria-pressed", String(form.classList.contains("only-changed")));
  });
  all("[data-off]").forEach((button) => { button.hidden = false; });
  all(CELLS).filter(isChanged).forEach(mark);
  window.addEventListener("load", () => setTimeout(() => { all(CELLS).filter(isChanged).forEach(mark); ask(); }));
})();
