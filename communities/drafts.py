"""What a draft of a site contains: the parts of its data, one for each step, with the values as they were typed. Pure functions.

basics      field → text: name, address, time zone, free_members
buildings   rows of id, name, mode (grid or list), first_floor, floors, units, first_unit, numbering, pattern, others (rows of floor and
            units) and pasted, all texts; and `switches` of a copied site: number key → the switches that differ from the community's
services    the codes of the switches that are on, camera_residents, camera_administrators, retention_days
devices     rows: key of the apartment → mac, name, confirmed, master, email; may_wait
source      the name of the site that it was copied from
closed      the form that was sent last: what its page saves in passing and comes later is too late
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from accounts.errors import Refused
from accounts.typed.keys import identity_key

SCHEMA = 1  # the version of this description; data of an older one is converted by `upgraded`
LARGEST = 4_000_000  # characters of all values together
PARTS: Mapping[str, type] = {
    "basics": dict,
    "buildings": list,
    "services": dict,
    "devices": dict,
    "source": str,
    "closed": str,
}


def upgraded(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data in the present schema, with every part."""
    known = {name: data[name] if isinstance(data.get(name), kind) else kind() for name, kind in PARTS.items()}
    return {"schema": SCHEMA, **known}


def merged(data: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """The data with these parts replaced. Of the devices only the rows that are given change: a page shows some of them; None deletes a
    row. Refuses more than LARGEST."""
    after = upgraded(data) | {name: storable(value) for name, value in parts.items() if name in PARTS}
    if "devices" in parts:
        before = upgraded(data)["devices"]
        rows = {**before.get("rows", {}), **after["devices"].get("rows", {})}
        kept = {key: row for key, row in rows.items() if row is not None}
        after["devices"] = {**before, **after["devices"], "rows": kept}
    if _size(after) > LARGEST:
        raise Refused(_("This is too much for one draft. Create the site, and add the other buildings there."))
    return after


def storable(value: Any) -> Any:
    """The value without NUL characters, which PostgreSQL can't store."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, Mapping):
        return {str(storable(key)): storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value


def _size(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(len(key) + _size(inner) for key, inner in value.items())
    return sum(map(_size, value)) if isinstance(value, list) else 1


def key_of(building_id: str, number: str) -> str:
    """The key of an apartment's row of devices: it stays while other apartments come and go."""
    return f"{building_id}/{identity_key(number)}"
