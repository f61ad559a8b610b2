"""Pasting, which a test can't do by keyboard: the clipboard belongs to the machine."""

from __future__ import annotations

from collections.abc import Iterable

from playwright.sync_api import Locator

PASTE = """(input, text) => {
  const data = new DataTransfer();
  data.setData("text", text);
  input.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def paste(field: Locator, lines: Iterable[str]) -> None:
    """Click into a cell and paste a column from a spreadsheet."""
    field.click()
    field.evaluate(PASTE, "\n".join(lines))
