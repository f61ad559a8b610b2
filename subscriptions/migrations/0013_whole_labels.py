from django.db import migrations, models

from accounts.append_only import GuardTable, UnguardTable


class Migration(migrations.Migration):
    dependencies = [
        ("subscriptions", "0012_typed_keys"),
    ]

    operations = [
        UnguardTable("subscriptions_orderevent"),
        migrations.AlterField(
            model_name="orderevent",
            name="actor_label",
            field=models.CharField(blank=True, max_length=254),
        ),
        GuardTable("subscriptions_orderevent"),
    ]
