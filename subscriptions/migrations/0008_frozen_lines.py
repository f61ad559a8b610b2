from django.db import migrations
from django.db.models import OuterRef, Subquery

from accounts.append_only import GuardTable


def reserve(apps, schema_editor):
    """An item in a live line of an order is reserved by that order."""
    entitlement = apps.get_model("communities", "Entitlement")
    live = apps.get_model("subscriptions", "OrderLine").objects.filter(is_live=True)
    mine = live.filter(entitlement=OuterRef("pk")).values("order__number")[:1]
    entitlement.objects.filter(pk__in=live.values("entitlement_id")).update(reserved_by=Subquery(mine))


class Migration(migrations.Migration):
    dependencies = [
        ("communities", "0003_reserved_by"),
        ("subscriptions", "0007_link_waiting_renewals"),
    ]

    operations = [
        migrations.RunPython(reserve, migrations.RunPython.noop),
        migrations.RemoveConstraint(model_name="orderline", name="order_line_one_live"),
        migrations.RemoveField(model_name="orderline", name="is_live"),
        GuardTable("subscriptions_orderline"),
        GuardTable("subscriptions_serviceperiod", changeable=["is_revoked"]),
    ]
