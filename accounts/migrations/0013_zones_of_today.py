"""Time zones under the name that IANA gives them today: Asia/Kolkata, not Asia/Calcutta."""

from typing import Any

from django.db import migrations

from accounts.typed.zones import canonical


def rename(apps: Any, schema_editor: Any) -> None:
    """Each name of the past that is stored."""
    for name in ("Organization", "User"):
        rows = apps.get_model("accounts", name).objects
        for zone in rows.order_by().values_list("time_zone", flat=True).distinct():
            if canonical(zone) not in {"", zone}:
                rows.filter(time_zone=zone).update(time_zone=canonical(zone))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_sessions_by_age")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop, elidable=True)]
