"""Addresses by their key of IDNA 2008, shown in Unicode."""

from django.db import migrations
from django.db.migrations.state import StateApps

from accounts.errors import Refused
from accounts.typed import mail


def write_keys(apps: StateApps, _editor: object) -> None:
    """Of two people who are one by the new key, the older keeps it; the other stays as it was, for the operator to settle."""
    people = apps.get_model("accounts", "User").objects
    for person in people.order_by("pk").only("email", "email_key").iterator(chunk_size=1000):
        try:
            address = mail.address(person.email)
        except Refused:
            continue
        is_same = (person.email, person.email_key) == (address.shown, address.key)
        if not is_same and not people.filter(email_key=address.key).exclude(pk=person.pk).exists():
            people.filter(pk=person.pk).update(email=address.shown, email_key=address.key)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0013_zones_of_today")]

    operations = [migrations.RunPython(write_keys, migrations.RunPython.noop)]
