"""The address that whoever invited wrote, beside the name: a member that has not joined is found by it."""

from django.db import migrations, models
from django.db.models import OuterRef, Subquery

import accounts.typed.columns
from accounts.typed.operations import FillKeys


def copy_addresses(apps, schema_editor):
    last = apps.get_model("accounts", "Invitation").objects.filter(membership=OuterRef("pk")).order_by("-pk")
    people = apps.get_model("accounts", "Membership").objects.filter(joined_at=None, invitations__isnull=False)
    people.update(invited_email=Subquery(last.values("email")[:1]))


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0020_made_by_forms"),
    ]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="invited_email",
            field=models.EmailField(blank=True, default="", editable=False, max_length=254),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="membership",
            name="invited_search",
            field=accounts.typed.columns.SearchKey("invited_as", "invited_email"),
        ),
        migrations.RunPython(copy_addresses, migrations.RunPython.noop),
        FillKeys("membership"),
    ]
