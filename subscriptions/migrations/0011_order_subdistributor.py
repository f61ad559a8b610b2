"""An order has all three tenant keys; the sub-distributor's is the one that its lines were written with."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def from_lines(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Write what the lines of each order have."""
    database = editor.connection.alias
    lines = apps.get_model("subscriptions", "OrderLine").objects.using(database)
    of_order = lines.filter(order=models.OuterRef("pk"), subdistributor__isnull=False).values("subdistributor")[:1]
    apps.get_model("subscriptions", "Order").objects.using(database).update(subdistributor=models.Subquery(of_order))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_audit_batches"), ("subscriptions", "0010_stored_words")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="subdistributor",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.RunPython(from_lines, migrations.RunPython.noop, elidable=True),
    ]
