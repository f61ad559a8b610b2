"""The job of unreported charges has the name of what it looks for; failures that it stored go on under that name."""

from django.db import migrations

OLD, NEW = "untold_charges", "unreported_charges"


def _renamed(old, new):
    def rename(apps, schema_editor):
        apps.get_model("accounts", "ItemFailure").objects.filter(job=old).update(job=new)

    return rename


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_batches"),
    ]

    operations = [
        migrations.RunPython(_renamed(OLD, NEW), _renamed(NEW, OLD)),
    ]
