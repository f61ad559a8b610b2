from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("communities", "0003_variant_until"),
    ]

    operations = [
        migrations.RemoveField(model_name="entitlement", name="reserved_by"),
        migrations.AddField(model_name="entitlement", name="reserved_by", field=models.BigIntegerField(null=True)),
    ]
