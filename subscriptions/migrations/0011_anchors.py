from django.db import migrations, models

from accounts.append_only import GuardTable, UnguardTable


class Migration(migrations.Migration):
    """Periods paid before count on from the day they end: where a month was cut short is not kept for them."""

    dependencies = [("subscriptions", "0010_fewer_indexes")]

    operations = [
        UnguardTable("subscriptions_serviceperiod", changeable=["is_revoked"]),
        migrations.AddField(
            model_name="serviceperiod",
            name="anchor_at",
            field=models.DateTimeField(null=True),
        ),
        GuardTable("subscriptions_serviceperiod", changeable=["is_revoked"]),
    ]
