from django.db import migrations

import accounts.typed.columns
from accounts.typed.operations import FillKeys, TrigramIndex


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0005_library_order"),
    ]

    operations = [
        migrations.AlterField(
            model_name="libraryentry",
            name="search_key",
            field=accounts.typed.columns.SearchKey("serial", "model"),
        ),
        migrations.AddField(
            model_name="libraryentry",
            name="note_key",
            field=accounts.typed.columns.SearchKey("note"),
        ),
        FillKeys("libraryentry"),
        TrigramIndex("devices_libraryentry", "note_key", ("distributor_id",)),
    ]
