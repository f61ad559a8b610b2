from django.db import migrations


def link_waiting(apps, schema_editor):
    """An auto-renewal order that is under way belongs to the agreements of its items: until now nobody wrote that down."""
    order, item = apps.get_model("subscriptions", "Order"), apps.get_model("subscriptions", "SubscriptionItem")
    subscription = apps.get_model("subscriptions", "Subscription")
    for row in order.objects.filter(type="auto_renewal", state="processing"):
        entitlements = row.lines.values("entitlement_id")
        live = item.objects.filter(is_live=True, entitlement__in=entitlements, subscription__payer=row.payer_id)
        subscription.objects.filter(pk__in=live.values("subscription_id"), state="active").update(renewal=row)


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0006_one_order_ladder"),
    ]

    operations = [
        migrations.RunPython(link_waiting, migrations.RunPython.noop),
    ]
