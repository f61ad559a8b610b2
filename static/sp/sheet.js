/* The sheet of a community: cells are edited in place and collect in the tray. The form works without it (?edit=1); nothing here knows a rule. */
(function () {
  "use strict";
  const form = document.getElementById("sheet-form"), tray = document.getElementById("tray");
  if (!form || !tray) return;
  const all = (selector, root = form) => [...root.querySelectorAll(selector)];
  const words = tray.dataset, apply = tray.querySelector("[data-apply-all]"), what = document.getElementById("tray-what");
  const ROWS = "tr[data-row], tr[data-fix], tr[data-new]", FIELDS = "input:not([type=hidden])";
  const isBox = (field) => field.type === "checkbox";
  const valueOf = (field) => (isBox(field) ? field.checked : field.value);
  const isChanged = (field) => (isBox(field) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  const isCell = (element) => element.matches(FIELDS) && Boolean(rowOf(element));
  const rowOf = (element) => element.closest(ROWS);
  const keyOf = (row) => row.dataset.row || row.dataset.fix || row.dataset.new;
  const partsOf = (key) => all(`tr[data-row="${key}"], tr[data-fix="${key}"], tr[data-new="${key}"]`);
  const cellsOf = (root) => all(ROWS, root).flatMap((row) => all(FIELDS, row));
  const changedKeys = () => [...new Set(cellsOf(form).filter(isChanged).map((field) => keyOf(rowOf(field))))];
  const columnOf = (field) => field.name.replace(/^(cell-\d+|new-\d+-\d+)-/, "");
  const fieldIn = (row, column) => all(FIELDS, row).find((field) => columnOf(field) === column);
  const isSent = (field) => !field.closest("tr[data-row]") || field.type === "hidden" || isBox(field) || isChanged(field); // texts only where they changed
  const past = []; // what Ctrl+Z takes back: [field, value before]
  apply.hidden = false;
  form.classList.add("live");

  /* --- the fields of a row, from the patterns of the page --- */
  function filled(name, put) {
    const made = document.getElementById(`sheet-${name}`).content.querySelector("tr").cloneNode(true);
    const replaced = (text) => text.replace(/__[a-z]+__/g, (word) => put[word] ?? word);
    [made, ...all("*", made)].forEach((element) => [...element.attributes].forEach((each) => {
      if (each.value.includes("__")) element.setAttribute(each.name, replaced(each.value));
    }));
    const texts = document.createTreeWalker(made, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) if (texts.currentNode.data.includes("__")) texts.currentNode.data = replaced(texts.currentNode.data);
    return made;
  }
  function dress(row) {
    const link = row.querySelector(".no a"), lives = row.querySelector(".lives"), macs = row.querySelector(".macs");
    const key = link.pathname.match(/(\d+)\/$/)[1], made = filled("row", { __key__: key, __no__: link.textContent });
    const [was, shown, master] = all(".lives input", made), name = lives.firstChild;
    was.value = row.dataset.was;
    row.dataset.row = key;
    delete row.dataset.was;
    master.defaultValue = name.nodeType === Node.TEXT_NODE ? name.data.trim() : "";
    shown.value = master.defaultValue;
    name.replaceWith(was, shown, master);
    const number = made.querySelector(".no input"), open = made.querySelector(".open"), button = made.querySelector(".macs button");
    if (number && form.querySelector(".house")) { open.href = link.href; link.replaceWith(number, open); } // elsewhere the building stands with it
    all(".sv input", made).forEach((box, at) => {
      const cell = row.querySelectorAll(".sv")[at];
      box.defaultChecked = was.value.split(".")[1][at] === "1";
      cell.replaceChildren(box);
    });
    if (button && !macs.matches(".mono")) { button.append(...macs.childNodes); macs.append(button); }
  }
  function dressAll() {
    all("tr[data-was]").forEach(dress);
    all("[data-ghost]:empty").forEach((body) => {
      const { ghost, building, floor, number } = body.dataset;
      body.append(filled("ghost", { __key__: ghost, __name__: building, __floor__: floor, __no__: number }));
    });
  }
  const numberOf = (row) => fieldIn(row, "number")?.defaultValue || row.querySelector(".no a")?.textContent || "";
  function fixOf(key) {
    const [row, fix] = partsOf(key);
    if (fix || !row.querySelector("[data-open-fix]")) return fix;
    const made = filled("fix", { __key__: key, __no__: numberOf(row) }), waits = fieldIn(row, "indoor_monitor").defaultChecked;
    all(waits ? "[data-lacks]" : "[data-waits]", made).forEach((part) => part.remove());
    row.after(made);
    all("[data-off]", made).forEach((button) => { button.hidden = false; });
    return made;
  }
  function openFix(key) {
    const fix = fixOf(key);
    fix?.classList.add("open");
    return fix;
  }

  /* --- a changed cell: amber, with what it was --- */
  function mark(field) {
    const row = rowOf(field), key = keyOf(row), changed = isChanged(field);
    if (row.dataset.row) field.closest("td").classList.toggle("chg", changed);
    if (field.matches(".sw")) {
      field.parentElement.querySelector(".was")?.remove();
      if (changed) {
        const was = document.createElement("small");
        was.className = "was";
        was.textContent = field.defaultChecked ? words.wasOn : words.wasOff;
        field.after(was);
      }
      if (columnOf(field) === "indoor_monitor") {
        if (changed && field.checked) openFix(key);
        else if (partsOf(key)[1] && !all(FIELDS, partsOf(key)[1]).some(isChanged)) partsOf(key)[1].classList.remove("open");
      }
    }
    const add = row.dataset.new && fieldIn(row, "add");
    if (add && add !== field) add.checked = all(FIELDS, row).some((other) => other !== add && isChanged(other));
    const any = partsOf(key).some((part) => all(FIELDS, part).some(isChanged));
    partsOf(key).forEach((part) => part.classList.toggle("chg-row", any));
  }
  function set(field, value, remember = true) {
    const before = valueOf(field);
    if (before === value || field.disabled) return;
    if (remember) past.push([field, before]);
    if (isBox(field)) field.checked = value; else field.value = value;
    mark(field);
    ask();
  }

  /* --- the tray asks what the changed rows do; htmx waits a moment, and drops the answer to an older question --- */
  function ask() {
    const n = changedKeys().length;
    tray.hidden = n === 0;
    all("[data-changed]", document).forEach((chip) => { chip.hidden = n === 0; chip.querySelector(".n").textContent = n; });
    if (!n) form.classList.remove("only-changed");
    countHeads();
    if (n) window.htmx.trigger(tray, "cells");
  }
  tray.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt !== tray) return;
    changedKeys().flatMap(partsOf).flatMap((row) => all("input", row)).forEach((field) => {
      if (field.name && !field.disabled && (isBox(field) ? field.checked : isSent(field))) event.detail.parameters[field.name] = field.value;
    });
  });
  what.addEventListener("htmx:afterSwap", show);
  function show() {
    all("[data-said]").forEach((said) => { said.textContent = ""; });
    all("[aria-invalid]").forEach((field) => { field.removeAttribute("aria-invalid"); field.removeAttribute("title"); });
    const told = what.querySelector("[data-cells]");
    if (!told) return;
    all("[data-cell]", told).forEach((line) => {
      const field = cellOf(line.dataset.cell), row = field && rowOf(field);
      if (!field) return;
      field.setAttribute("aria-invalid", "true");
      field.title = line.textContent;
      if (row.dataset.fix) row.classList.add("open");
      const said = row.querySelector("[data-said]");
      if (said) said.append(...(said.textContent ? [" "] : []), line.textContent);
    });
    all("[data-use]", told).forEach((line) => {
      const field = cellOf(line.dataset.use), said = field && rowOf(field).querySelector("[data-said]");
      if (!said) return;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "b s";
      button.textContent = line.textContent;
      button.addEventListener("click", () => { set(field, line.textContent); field.focus(); });
      said.append(" ", button);
    });
    apply.textContent = Number(told.dataset.count) === 1 ? words.applyOne : words.apply.replace("0", told.dataset.count);
    if (Number(told.dataset.open)) apply.setAttribute("aria-disabled", "true"); else apply.removeAttribute("aria-disabled");
  }
  function cellOf(name) {
    const [, key] = name.match(/^cell-(\d+)-(mac|monitor_name)$/) || [];
    if (key && partsOf(key).length) fixOf(key);
    return form.elements[name];
  }
  tray.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (link) { event.preventDefault(); cellOf(link.dataset.goto)?.focus(); }
    if (event.target.closest("[data-discard]")) { event.preventDefault(); discard(); }
    if (event.target.closest("[data-apply-all][aria-disabled]")) { event.preventDefault(); all("[aria-invalid=true]")[0]?.focus(); }
  });
  function discard() {
    all("tr[data-copy]").forEach((row) => row.remove());
    cellsOf(form).filter(isChanged).forEach((field) => { if (isBox(field)) field.checked = field.defaultChecked; else field.value = field.defaultValue; });
    cellsOf(form).forEach(mark);
    all(".fix-row.open").forEach((row) => row.classList.remove("open"));
    past.length = 0;
    show();
    ask();
    form.querySelector(".ce")?.focus();
  }

  /* --- only rows that changed are sent --- */
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("aria-disabled")) { event.preventDefault(); return; }
    const keys = new Set(changedKeys());
    all(ROWS).flatMap((row) => all("input:enabled", row).filter((field) => !keys.has(keyOf(row)) || !isSent(field))).forEach((field) => {
      field.disabled = true;
      field.dataset.held = "";
    });
  });
  window.addEventListener("pageshow", () => all("[data-held]").forEach((field) => { field.disabled = false; delete field.dataset.held; }));

  /* --- a further row that adds an apartment --- */
  const following = (number) => number.replace(/\d+(?=\D*$)/, (digits) => String(Number(digits) + 1).padStart(digits.length, "0"));
  function another(row) {
    const body = row.closest("tbody"), base = row.dataset.new.replace(/\d+$/, "");
    const at = Math.max(...all("tr[data-new]", body).map((other) => Number(other.dataset.new.slice(base.length)))) + 1;
    const values = { number: following(fieldIn(row, "number").value), floor: fieldIn(row, "floor").value, monitor_name: fieldIn(row, "monitor_name").value };
    const copy = row.cloneNode(true);
    copy.dataset.new = base + at;
    copy.dataset.copy = "";
    copy.classList.remove("chg-row");
    all("input", copy).forEach((field) => {
      field.name = `${base}${at}-${columnOf(field)}`;
      field.removeAttribute("aria-invalid");
      if (isBox(field)) { field.checked = false; return; }
      field.value = field.defaultValue = values[columnOf(field)] ?? "";
    });
    all("[data-said]", copy).forEach((said) => { said.textContent = ""; });
    row.after(copy);
    return copy;
  }
  const nextNew = (row) => (row.nextElementSibling?.matches("[data-new]") ? row.nextElementSibling : another(row));

  /* --- keys --- */
  const isShown = (element) => Boolean(element.offsetParent) && !element.disabled;
  function goTo(field) {
    field.focus();
    if (!isBox(field)) field.select();
  }
  function down(field, by) {
    const line = cellsOf(form).filter((other) => columnOf(other) === columnOf(field) && isShown(other)), next = line[line.indexOf(field) + by];
    if (next) goTo(next);
  }
  function beside(field, by) {
    const cells = all(`${FIELDS}, .macs button`, rowOf(field)).filter(isShown), next = cells[cells.indexOf(field) + by];
    if (next) next.focus();
  }
  function isAtEdge(field, key) {
    if (isBox(field)) return true;
    const { selectionStart: from, selectionEnd: to, value } = field;
    return (from === 0 && to === value.length) || (from === to && to === (key === "ArrowLeft" ? 0 : value.length));
  }
  function enter(field) {
    const row = rowOf(field);
    if (columnOf(field) === "mac" && row.dataset.fix && !fieldIn(row, "monitor_name").value) { goTo(fieldIn(row, "monitor_name")); return; }
    if (!row.dataset.new) { down(field, 1); return; }
    const add = fieldIn(row, "add");
    if (!add.checked) set(add, true);
    goTo(fieldIn(nextNew(row), columnOf(field)));
  }
  form.addEventListener("keydown", (event) => {
    const { target: field, key } = event;
    const canUndo = past.length && (!field.matches("input") || isBox(field) || !isChanged(field));
    if (key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && canUndo) {
      event.preventDefault();
      const [last, before] = past.pop();
      set(last, before, false);
      last.focus();
    } else if (key === " " && field.matches("[data-tri][role]")) { event.preventDefault(); field.click(); }
    else if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !isCell(field)) return;
    else if (key === "ArrowDown" || key === "ArrowUp") { event.preventDefault(); down(field, key === "ArrowDown" ? 1 : -1); }
    else if ((key === "ArrowLeft" || key === "ArrowRight") && !event.shiftKey && isAtEdge(field, key)) { event.preventDefault(); beside(field, key === "ArrowRight" ? 1 : -1); }
    else if (key === "Escape" && isChanged(field)) { event.preventDefault(); set(field, isBox(field) ? field.defaultChecked : field.defaultValue); }
    else if (key === "Enter") { event.preventDefault(); enter(field); }
  });

  /* --- a pasted column goes downwards --- */
  function nextFor(field) {
    const row = rowOf(field), column = columnOf(field);
    if (row.dataset.new) return fieldIn(nextNew(row), column);
    if (!row.dataset.fix) { const line = cellsOf(form).filter((other) => columnOf(other) === column && !rowOf(other).dataset.new); return line[line.indexOf(field) + 1]; }
    const rows = all("tr[data-row]").filter((other) => other.querySelector("[data-open-fix]"));
    const next = rows[rows.findIndex((other) => other.dataset.row === row.dataset.fix) + 1];
    return next && fieldIn(openFix(next.dataset.row), column);
  }
  form.addEventListener("paste", (event) => {
    const field = event.target, text = event.clipboardData?.getData("text") || "";
    const lines = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n");
    if (lines.length < 2 || !isCell(field) || isBox(field)) return;
    event.preventDefault();
    let at = field;
    lines.forEach((line, n) => {
      if (!at) return;
      set(at, line.trim());
      if (n < lines.length - 1) at = nextFor(at);
    });
  });

  /* --- what is typed and ticked --- */
  const before = new WeakMap();
  form.addEventListener("focusin", (event) => { if (isCell(event.target)) before.set(event.target, event.target.value); });
  form.addEventListener("input", (event) => { if (isCell(event.target)) { mark(event.target); ask(); } });
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (!rowOf(field) || !isCell(field)) { cellsOf(form).filter(isChanged).forEach(mark); ask(); return; } // filled in again after signing in
    past.push([field, isBox(field) ? !field.checked : before.get(field) ?? field.defaultValue]);
    before.set(field, field.value);
  });
  form.addEventListener("click", (event) => {
    const fix = event.target.closest("[data-open-fix]"), off = event.target.closest("[data-off]"), tri = event.target.closest("[data-tri]");
    if (fix) {
      const row = fixOf(keyOf(rowOf(fix)));
      if (row.classList.toggle("open")) row.querySelector(FIELDS).focus();
    }
    if (off) {
      const row = rowOf(off), box = fieldIn(partsOf(keyOf(row))[0], "indoor_monitor");
      row.classList.remove("open");
      all(FIELDS, row).forEach((field) => set(field, isBox(field) ? false : ""));
      set(box, false);
      box.focus();
    }
    if (tri && tri.hasAttribute("role")) {
      event.preventDefault();
      const boxes = boxesOf(tri), to = !boxes.every((box) => box.checked);
      boxes.forEach((box) => set(box, to));
    }
  });

  /* --- the heads: those that have all their apartments on this page set their cells, the others lead to the dry run --- */
  function scope(tri) {
    const head = tri.closest("thead, tbody"), bodies = [...head.parentElement.tBodies], after = bodies.slice(bodies.indexOf(head) + 1);
    if (head.tagName === "THEAD") return bodies;
    if (head.matches(".floor")) return after.slice(0, 1);
    const end = after.findIndex((body) => body.matches(".house"));
    return end < 0 ? after : after.slice(0, end);
  }
  const boxesOf = (tri) => scope(tri).flatMap((body) => all("tr[data-row]", body)).map((row) => fieldIn(row, tri.dataset.tri)).filter((box) => box && !box.disabled);
  function countHeads() {
    all("[data-tri]").forEach((tri) => {
      const boxes = boxesOf(tri), of = Number(tri.dataset.of), said = tri.nextElementSibling;
      said.dataset.on ??= said.textContent.match(/\d+/)[0];
      const on = Number(said.dataset.on) + boxes.reduce((n, box) => n + box.checked - box.defaultChecked, 0);
      said.textContent = said.textContent.replace(/\d+/, on);
      tri.classList.toggle("on", on === of);
      tri.classList.toggle("some", on > 0 && on < of);
      if (boxes.length !== of) return;
      tri.setAttribute("role", "checkbox");
      tri.setAttribute("aria-checked", on === of ? "true" : on ? "mixed" : "false");
    });
  }

  /* --- only what changed --- */
  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-changed]");
    if (chip) chip.setAttribute("aria-pressed", String(form.classList.toggle("only-changed")));
  });
  document.addEventListener("htmx:afterSwap", (event) => { if (form.contains(event.target)) { dressAll(); countHeads(); } });
  dressAll();
  all("[data-off]").forEach((button) => { button.hidden = false; });
  all(FIELDS).filter((field) => rowOf(field) && isChanged(field)).forEach(mark);
  ask();
})();
