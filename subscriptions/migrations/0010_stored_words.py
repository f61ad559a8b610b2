"""The words of today in what is stored: a *suspended* auto-renewal, a payment that came twice. The audit is sealed and keeps what was written."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from accounts.append_only import GuardTable, UnguardTable

KINDS = {"surplus": "duplicate_payment", "agreement": "auto_renewal", "no_agreement": "no_auto_renewal"}


def rename(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Rewrite state, kinds of events, and what mails are about."""
    database = editor.connection.alias
    renewals = apps.get_model("subscriptions", "AutoRenewal").objects.using(database)
    renewals.filter(state="parked").update(state="suspended")
    events = apps.get_model("subscriptions", "OrderEvent").objects.using(database)
    for before, after in KINDS.items():
        events.filter(kind=before).update(kind=after)
    notices = apps.get_model("accounts", "Notice").objects.using(database)
    notices.filter(about_type="subscription").update(about_type="autorenewal")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_audit_batches"), ("subscriptions", "0009_auto_renewals")]

    operations = [
        UnguardTable("subscriptions_orderevent"),
        migrations.RunPython(rename, migrations.RunPython.noop, elidable=True),
        GuardTable("subscriptions_orderevent"),
    ]
