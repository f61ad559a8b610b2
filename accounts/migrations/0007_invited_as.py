"""What whoever invited called a member that has not joined yet."""

from django.db import migrations, models


def copy_names(apps, schema_editor):
    Invitation = apps.get_model("accounts", "Invitation")
    for invitation in Invitation.objects.filter(membership__joined_at=None).order_by("pk").select_related("membership"):
        invitation.membership.invited_as = invitation.name
        invitation.membership.save(update_fields=["invited_as"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_token_reasons")]

    operations = [
        migrations.AddField(
            model_name="membership",
            name="invited_as",
            field=models.CharField(blank=True, default="", editable=False, max_length=120),
            preserve_default=False,
        ),
        migrations.RunPython(copy_names, migrations.RunPython.noop),
    ]
