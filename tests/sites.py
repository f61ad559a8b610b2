"""The values that communities of stories are created with."""

from __future__ import annotations

from typing import Any

ADDRESS = {
    "street": "Kaistraße 14", "city": "Hamburg", "state": "", "postal_code": "20457", "country": "DE", "time_zone": "Europe/Berlin",
}  # fmt: skip
OPTIONS: dict[str, Any] = {"camera_residents": True, "camera_administrators": True, "retention_days": 30}
