"""The words of today in what is stored: an order that was *assessed*, the job *stale_payments*. The audit is sealed and keeps what was written."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.append_only import GuardTable, UnguardTable


def rename(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Rewrite the kind of events, and the job of failures."""
    database = editor.connection.alias
    apps.get_model("subscriptions", "OrderEvent").objects.using(database).filter(kind="judged").update(kind="assessed")
    failures = apps.get_model("accounts", "ItemFailure").objects.using(database)
    failures.filter(job="hanging_payments").update(job="stale_payments")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_audit_batches"), ("subscriptions", "0011_order_subdistributor")]

    operations = [
        UnguardTable("subscriptions_orderevent"),
        migrations.RunPython(rename, migrations.RunPython.noop, elidable=True),
        GuardTable("subscriptions_orderevent"),
    ]
