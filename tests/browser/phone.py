"""What a page owes to a phone: a label on every value of a card, a way back, *Cancel* beside what is sent, and a price preview one can open."""

from __future__ import annotations

from playwright.sync_api import Page

WITHOUT_LABEL = """() => {
  const shown = e => e.offsetParent && e.getClientRects().length;
  const found = [];
  document.querySelectorAll('main table.cards').forEach(table => table.querySelectorAll('tbody tr:not(.grp, .sum)').forEach(row => {
    const cells = [...row.cells].filter(shown);
    cells.forEach((cell, at) => {
      const isTitle = cell.matches('.c0, .first, .site, .no, .nm, .lives') || at === 0;
      const isDeed = !cell.innerText.trim() || cell.querySelector('.b') && !cell.dataset.label;
      const says = getComputedStyle(cell, '::before').content;
      const ownWords = cell.querySelector('.pc i') || cell.dataset.unit || cell.colSpan > 1;
      if (!isTitle && !isDeed && !ownWords && (says === 'none' || says === '""'))
        found.push(`no label on the values of column ${cell.cellIndex + 1} of ${table.className}`);
    });
  }));
  return [...new Set(found)];
}"""
WAY_BACK = """() => {
  const here = location.pathname;
  const inMenu = [...document.querySelectorAll('.ph-nav a, .side a')].some(a => new URL(a.href).pathname === here);
  if (inMenu || !document.querySelector('.shell')) return [];
  const back = [...document.querySelectorAll('.top .crumbs a')].filter(a => a.offsetParent);
  if (back.length !== 1) return [`${back.length} ways back in the top bar`];
  const box = back[0].getBoundingClientRect();
  return box.height >= 44 && box.width >= 44 && new URL(back[0].href).pathname !== here ? [] : ['the way back is too small, or leads nowhere'];
}"""
NO_CANCEL = """() => {
  const shown = e => e.offsetParent && e.getClientRects().length;
  const foot = document.querySelector('.foot');
  if (!foot || !shown(foot)) return [];
  return [...foot.querySelectorAll('a')].some(a => shown(a) && a.innerText.trim() === 'Cancel') ? [] : ['no Cancel'];
}"""
PRICE_PREVIEW = """() => {
  const price = document.querySelector('.price-aside .price-panel .top3');
  if (!price) return [];
  const summary = document.querySelector('.price-panel-bar summary'), amount = price.querySelector('.big');
  const tail = document.querySelector('.price-aside .tail');
  const closed = [!tail.offsetParent, amount.getBoundingClientRect().bottom <= innerHeight, summary.getBoundingClientRect().height >= 44];
  summary.click();
  const opened = Boolean(tail.offsetParent);
  summary.click();
  return closed.every(Boolean) && opened ? [] : [`the price preview is no bar that can be opened: ${closed} ${opened}`];
}"""


def lacks(page: Page, route: str) -> list[str]:
    """What the page, as narrow as a phone, keeps from its reader: one line each."""
    width = page.viewport_size and page.viewport_size["width"]
    checks = (WITHOUT_LABEL, WAY_BACK, NO_CANCEL, PRICE_PREVIEW)
    return [f"{route} ({width} px): {text}" for check in checks for text in page.evaluate(check)]
