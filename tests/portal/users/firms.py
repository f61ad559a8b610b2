"""The form of a new firm."""

from __future__ import annotations

from typing import Any


def firm_form(name: str = "Lumen Access AB", **changes: Any) -> dict[str, Any]:
    form: dict[str, Any] = {
        "name": name, "street": "Skeppsbron 12", "postal_code": "211 20", "city": "Malmö", "state": "", "country": "SE",
        "time_zone": "", "person-name": "Elin Sjöberg", "person-email": "elin@lumen.example", "person-language": "en",
        "may-sees_prices": "on",
    }  # fmt: skip
    return {field: value for field, value in (form | changes).items() if value is not None}
