from django.db import migrations, models

from communities.expiry_triggers import CreateTriggers, DropTriggers


class Migration(migrations.Migration):
    dependencies = [("communities", "0006_expiry_days")]

    operations = [
        DropTriggers(),
        migrations.AddField(
            model_name="expiryday",
            name="blocked",
            field=models.CharField(blank=True, default="", max_length=16),
            preserve_default=False,
        ),
        CreateTriggers(),
    ]
