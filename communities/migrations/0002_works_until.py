from datetime import timedelta

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

GRACE, SENSOR_GRACE = timedelta(days=7), timedelta(days=14)


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """What is paid works until the end of its grace."""
    paid = apps.get_model("communities", "Entitlement").objects.exclude(expires_at=None)
    paid.filter(service_type="sensor_alert").update(works_until=models.F("expires_at") + SENSOR_GRACE)
    paid.exclude(service_type="sensor_alert").update(works_until=models.F("expires_at") + GRACE)


class Migration(migrations.Migration):
    dependencies = [
        ("communities", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="entitlement",
            name="works_until",
            field=models.DateTimeField(null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
