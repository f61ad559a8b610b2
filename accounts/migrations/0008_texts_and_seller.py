"""Terms and privacy notice in versions, and the seller."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


from accounts.append_only import GuardTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_invited_as"),
    ]

    operations = [
        migrations.CreateModel(
            name="SellerLogo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("content", models.BinaryField()),
                ("content_type", models.CharField(max_length=16)),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="SellerVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(unique=True)),
                ("name", models.CharField(max_length=120)),
                ("street", models.CharField(max_length=160)),
                ("postal_code", models.CharField(max_length=20)),
                ("city", models.CharField(max_length=80)),
                ("country", models.CharField(max_length=2)),
                ("tax_number", models.CharField(max_length=40)),
                ("email", models.EmailField(blank=True, max_length=254)),
                ("valid_from", models.DateTimeField()),
                ("is_example", models.BooleanField(default=False)),
                ("published_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-number"],
            },
        ),
        migrations.CreateModel(
            name="TextDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "document",
                    models.CharField(
                        choices=[("terms", "Terms and Conditions"), ("privacy", "Privacy Notice")],
                        max_length=8,
                        unique=True,
                    ),
                ),
                ("texts", models.JSONField(default=dict)),
                ("valid_from", models.DateField(null=True)),
                ("version", models.PositiveIntegerField(default=1)),
                ("saved_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TextVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "document",
                    models.CharField(
                        choices=[("terms", "Terms and Conditions"), ("privacy", "Privacy Notice")], max_length=8
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("texts", models.JSONField()),
                ("valid_from", models.DateTimeField()),
                ("is_example", models.BooleanField(default=False)),
                ("published_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["document", "-number"],
            },
        ),
        migrations.AddIndex(
            model_name="acceptance",
            index=models.Index(fields=["document", "version", "-id"], name="acceptance_by_version"),
        ),
        migrations.AddField(
            model_name="sellerversion",
            name="logo",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.sellerlogo"
            ),
        ),
        migrations.AddField(
            model_name="sellerversion",
            name="published_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="textdraft",
            name="saved_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="textversion",
            name="published_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="textversion",
            name="seller",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.sellerversion"
            ),
        ),
        migrations.AddConstraint(
            model_name="textversion",
            constraint=models.UniqueConstraint(fields=("document", "number"), name="text_version_once"),
        ),
        GuardTable("accounts_sellerlogo"),
        GuardTable("accounts_sellerversion"),
        GuardTable("accounts_textversion"),
    ]
