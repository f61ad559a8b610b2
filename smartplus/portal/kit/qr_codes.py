"""QR codes as drawings in a page."""

from __future__ import annotations

import segno
from django.utils.safestring import SafeString


def qr_code(text: str, *, error: str = "m") -> SafeString:
    """A QR code as SVG without inline styles; `error` is how much of it may be lost: "l" (7 %) or "m" (15 %)."""
    drawing = segno.make(text, error=error, micro=False)
    return SafeString(drawing.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))
