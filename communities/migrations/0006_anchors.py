from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("communities", "0005_zones_of_today"),
    ]

    operations = [
        migrations.AddField(
            model_name="entitlement",
            name="anchor_at",
            field=models.DateTimeField(null=True),
        ),
    ]
