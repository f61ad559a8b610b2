"""One name for the auto-renewal: model, tables, indexes and keys."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_batches"),
        ("communities", "0009_list_by_day"),
        ("payments", "0003_refunds"),
        ("subscriptions", "0008_auto_renewal_orders"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint("subscription", "subscription_active_is_due"),
        migrations.RemoveConstraint("subscriptionitem", "subscription_item_one_live"),
        migrations.RenameModel("Subscription", "AutoRenewal"),
        migrations.RenameModel("SubscriptionItem", "AutoRenewalItem"),
        migrations.RenameField("autorenewalitem", "subscription", "auto_renewal"),
        migrations.RenameIndex("autorenewal", new_name="auto_renewal_due", old_name="subscription_due"),
        migrations.RenameIndex("autorenewal", new_name="auto_renewal_by_payer", old_name="subscription_by_payer"),
        migrations.AlterField(
            "autorenewal",
            "method",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="auto_renewals", to="payments.paymentmethod"
            ),
        ),
        migrations.AlterField(
            "autorenewal",
            "order",
            models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="auto_renewal",
                to="subscriptions.order",
            ),
        ),
        migrations.AlterField(
            "autorenewal",
            "payer",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="auto_renewals",
                to="accounts.organization",
            ),
        ),
        migrations.AlterField(
            "autorenewal",
            "state",
            models.CharField(
                choices=[("active", "Auto-renew"), ("suspended", "Stopped by a problem"), ("ended", "Ended")],
                default="active",
                max_length=9,
            ),
        ),
        migrations.AlterField(
            "autorenewalitem",
            "entitlement",
            models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="auto_renewal_items",
                to="communities.entitlement",
            ),
        ),
        migrations.AddConstraint(
            "autorenewal",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "active"), _negated=True), ("next_due_at__isnull", False), _connector="OR"
                ),
                name="auto_renewal_active_is_due",
            ),
        ),
        migrations.AddConstraint(
            "autorenewalitem",
            models.UniqueConstraint(
                condition=models.Q(("is_live", True)), fields=("entitlement",), name="auto_renewal_item_one_live"
            ),
        ),
    ]
