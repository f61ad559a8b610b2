"""What a payment is for is named by purpose and subject, no longer by a prefix of its reference; methods of a kind; topics of messages."""

from django.db import migrations, models
from django.db.models import F, Value
from django.db.models.functions import Concat, Substr

PREFIX = "auto-renewal-"


def by_purpose(apps, schema_editor):
    payments = apps.get_model("payments", "Payment").objects.using(schema_editor.connection.alias)
    setups = payments.filter(subject__startswith=PREFIX)
    setups.update(purpose="auto-renewal", subject=Substr(F("subject"), len(PREFIX) + 1))


def by_prefix(apps, schema_editor):
    payments = apps.get_model("payments", "Payment").objects.using(schema_editor.connection.alias)
    payments.filter(purpose="auto-renewal").update(subject=Concat(Value(PREFIX), F("subject")))


def by_topic(apps, schema_editor):
    events = apps.get_model("payments", "GatewayEvent").objects.using(schema_editor.connection.alias)
    events.filter(kind__startswith="payment_method.").update(topic="method")


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    operations = [
        migrations.RemoveConstraint("payment", "payment_one_live_per_reference"),
        migrations.RemoveIndex("payment", "payment_by_reference"),
        migrations.RenameField("payment", "reference", "subject"),
        migrations.AddField(
            "payment",
            "purpose",
            models.CharField(
                choices=[("order", "Order"), ("auto-renewal", "Auto-renewal")], default="order", max_length=16
            ),
            preserve_default=False,
        ),
        migrations.RunPython(by_purpose, by_prefix),
        migrations.AddField(
            "gatewayevent",
            "topic",
            models.CharField(
                choices=[("payment", "Payment"), ("method", "Payment method")], default="payment", max_length=8
            ),
        ),
        migrations.RunPython(by_topic, migrations.RunPython.noop),
        migrations.RemoveConstraint("paymentmethod", "payment_method_month"),
        migrations.AddField(
            "paymentmethod",
            "kind",
            models.CharField(choices=[("card", "Card"), ("account", "Account")], default="card", max_length=8),
        ),
        migrations.AddField("paymentmethod", "holder", models.CharField(blank=True, default="", max_length=254), False),
        migrations.AlterField("paymentmethod", "last4", models.CharField(blank=True, max_length=4)),
        migrations.AlterField("paymentmethod", "exp_month", models.PositiveSmallIntegerField(null=True)),
        migrations.AlterField("paymentmethod", "exp_year", models.PositiveSmallIntegerField(null=True)),
        migrations.AddIndex("payment", models.Index(fields=["subject", "purpose"], name="payment_by_subject")),
        migrations.AddConstraint(
            "payment",
            models.UniqueConstraint(
                condition=models.Q(state__in=["created", "pending", "action_required", "unknown"]),
                fields=["subject", "purpose"],
                name="payment_one_live_per_subject",
                violation_error_message="A payment for this is under way.",
            ),
        ),
        migrations.AddConstraint(
            "paymentmethod",
            models.CheckConstraint(
                condition=models.Q(kind="card", holder="", exp_month__range=(1, 12), exp_year__isnull=False)
                | models.Q(kind="account", last4="", exp_month=None, exp_year=None) & ~models.Q(holder=""),
                name="payment_method_of_its_kind",
            ),
        ),
    ]
