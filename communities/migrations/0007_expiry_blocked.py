from django.db import migrations, models

from communities.following import Follow, Unfollow


class Migration(migrations.Migration):
    dependencies = [("communities", "0006_expiry_days")]

    operations = [
        Unfollow(),
        migrations.AddField(
            model_name="expiryday",
            name="blocked",
            field=models.CharField(blank=True, default="", max_length=16),
            preserve_default=False,
        ),
        Follow(),
    ]
