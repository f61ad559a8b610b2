from django.db import migrations, models


class Migration(migrations.Migration):
    """Which order has an item stands on the item; the migration of subscriptions that depends on this one fills it."""

    dependencies = [
        ("communities", "0002_wider_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="entitlement",
            name="reserved_by",
            field=models.CharField(blank=True, default="", max_length=20),
            preserve_default=False,
        ),
        migrations.RemoveField(model_name="entitlement", name="held"),
    ]
