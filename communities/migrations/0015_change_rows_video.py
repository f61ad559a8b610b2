"""Changes of switches keep Video Storage too."""

from django.db import migrations, models

from accounts.append_only import GuardTable, UnguardTable


class Migration(migrations.Migration):
    dependencies = [("communities", "0014_equipment_and_accounts")]

    operations = [
        UnguardTable("communities_servicechangerow"),
        migrations.AddField("servicechangerow", "video_storage_before", models.BooleanField(default=False)),
        migrations.AddField("servicechangerow", "video_storage_after", models.BooleanField(default=False)),
        GuardTable("communities_servicechangerow"),
    ]
