"""Uploaded pictures: identified by their bytes, never by their name or the type that the browser sends."""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass

from django.utils.translation import gettext as _

from accounts.errors import Refused

MOST_BYTES = 100 * 1024  # every mail contains it
MOST_PIXELS = 2000  # on each side
PNG_BEGIN, JPEG_BEGIN = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # start-of-frame markers, which contain the size
JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
JPEG_SCAN, JPEG_END = 0xDA, b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture; `digest` is its SHA-256 in hex."""

    content_type: str
    width: int
    height: int
    digest: str


def examine(content: bytes) -> Picture:
    """Identify a picture. Refuses bytes that are not one whole PNG or JPEG, too large a file, and too many pixels."""
    if len(content) > MOST_BYTES:
        raise Refused(_("The logo is larger than %(n)s KB.") % {"n": MOST_BYTES // 1024}, field="logo")
    if content.startswith(PNG_BEGIN):
        content_type, size = "image/png", _png(content)
    elif content.startswith(JPEG_BEGIN):
        content_type, size = "image/jpeg", _jpeg(content)
    else:
        content_type, size = "", None
    if size is None:
        raise Refused(_("The logo is not a PNG or JPEG picture."), field="logo")
    width, height = size
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise Refused(_("The logo has more than %(n)s pixels on a side.") % {"n": MOST_PIXELS}, field="logo")
    return Picture(content_type, width, height, hashlib.sha256(content).hexdigest())


def _png(content: bytes) -> tuple[int, int] | None:
    """Width and height; None where a chunk is broken or bytes follow the end."""
    at, size = len(PNG_BEGIN), None
    while at + 12 <= len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        data = content[at + 8 : at + 8 + length]
        end = at + 12 + length
        if end > len(content) or struct.unpack(">I", content[end - 4 : end])[0] != zlib.crc32(kind + data):
            return None
        if size is None:
            if kind != b"IHDR" or length != 13:
                return None
            size = struct.unpack(">II", data[:8])
        if kind == b"IEND":
            return size if end == len(content) else None
        at = end
    return None


def _jpeg(content: bytes) -> tuple[int, int] | None:
    """Width and height; None where a segment is broken, or the frame or the end is missing."""
    at, size = 2, None
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF or marker in JPEG_ALONE:  # fill bytes
            at += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack(">H", content[at + 2 : at + 4])[0]
        if length < 2 or at + 2 + length > len(content):
            return None
        if marker in JPEG_FRAMES and length >= 7:
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            size = (width, height)
        if marker == JPEG_SCAN:
            return size if content.endswith(JPEG_END) else None
        at += 2 + length
    return None
