"""Why a token was revoked."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_seals"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="revoked_for",
            field=models.CharField(
                blank=True,
                choices=[
                    ("owner", "revoked by you"),
                    ("password", "the password was changed"),
                    ("password_reset", "the password was set anew by mail"),
                    ("second_factor", "the second factor was reset"),
                    ("signed_out", "you signed out everywhere"),
                    ("address", "the email address was changed"),
                    ("deactivated", "your access to the firm was deactivated"),
                ],
                max_length=16,
            ),
        ),
    ]
