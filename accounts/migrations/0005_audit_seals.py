"""The chains over the audit, and its rows by time."""

import django.db.models.deletion
from django.db import migrations, models

from accounts.append_only import GuardTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_invitations"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sequence", models.BigIntegerField()),
                ("sealed_at", models.DateTimeField(db_index=True)),
                ("salt", models.CharField(max_length=32)),
                ("content", models.CharField(max_length=64)),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                (
                    "event",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="seal", to="accounts.auditevent"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["organization_id", "sequence"],
                "constraints": [
                    models.UniqueConstraint(fields=("organization", "sequence"), name="audit_seal_once_in_chain")
                ],
            },
        ),
        GuardTable("accounts_auditseal"),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["at"], name="audit_by_time"),
        ),
    ]
