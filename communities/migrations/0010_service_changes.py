"""Bulk changes of a site, with the values before and after of each apartment."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.append_only import GuardTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_batches"),
        ("communities", "0009_list_by_day"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ServiceChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("floor", models.CharField(blank=True, max_length=32)),
                ("created_at", models.DateTimeField()),
                ("indoor_monitor", models.BooleanField(null=True)),
                ("landline", models.BooleanField(null=True)),
                ("count", models.PositiveIntegerField()),
                ("looked_at", models.PositiveIntegerField()),
                (
                    "building",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="communities.building",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "distributor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "installer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="%(class)ss", to="communities.site"
                    ),
                ),
                (
                    "subdistributor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "undoes",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="undone_by",
                        to="communities.servicechange",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="ServiceChangeRow",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("indoor_monitor_before", models.BooleanField()),
                ("indoor_monitor_after", models.BooleanField()),
                ("landline_before", models.BooleanField()),
                ("landline_after", models.BooleanField()),
                ("monitor_pending_before", models.BooleanField()),
                ("monitor_pending_after", models.BooleanField()),
                (
                    "apartment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="communities.apartment",
                    ),
                ),
                (
                    "change",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="rows",
                        to="communities.servicechange",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
                "constraints": [models.UniqueConstraint(fields=("change", "apartment"), name="change_row_once")],
            },
        ),
        GuardTable("communities_servicechange"),
        GuardTable("communities_servicechangerow"),
    ]
