from django.db import migrations, models

from accounts.append_only import GuardTable, UnguardTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_found_by_state"),
    ]

    operations = [
        UnguardTable("accounts_auditevent"),
        migrations.AlterField(
            model_name="auditevent",
            name="actor_label",
            field=models.CharField(max_length=254),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="subject_label",
            field=models.TextField(),
        ),
        migrations.AlterField(
            model_name="notice",
            name="subject",
            field=models.TextField(),
        ),
        GuardTable("accounts_auditevent"),
    ]
