"""What a seller is published with."""

from __future__ import annotations

import struct
import zlib

from accounts import logos

VALUES = {
    "name": "Vendor GmbH", "street": "Hafenweg 1", "postal_code": "20457", "city": "Hamburg", "country": "DE",
    "tax_number": "DE123456789", "email": "",
}  # fmt: skip
SENT = {**VALUES, "newest": "0", "valid_from": "2026-11-22"}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 40, height: int = 20, more: bytes = b"") -> bytes:
    pixels = zlib.compress(b"".join(b"\0" + b"\x20\x60\x80" * width for _ in range(height)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return logos.PNG_BEGIN + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"") + more


JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 4) + b"ab" + b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 20, 40, 1) + b"\x01\x11\x00"
    b"\xff\xda" + struct.pack(">H", 3) + b"\0" + b"\x12\x34" + b"\xff\xd9"
)  # fmt: skip
