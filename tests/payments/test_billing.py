"""Whom invoices are made out to."""

import pytest

from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Organization
from payments import actions
from payments.models import BillingProfile
from tests.people import NOW
from tests.portal.html import assert_clean

HAFEN = {
    "company": "Hafen Intercom GmbH",
    "tax_number": "DE136695976",
    "email": "rechnung@hafen.example",
    "street": "Kaistraße 14",
    "postal_code": "20457",
    "city": "Hamburg",
    "state": "",
    "country": "DE",
}


def save(person, of=None, version=None, **fields):
    return actions.save_billing(
        person.actor, organization=(of or person).firm, version=version, now=NOW, **{**HAFEN, **fields}
    )


@pytest.mark.rule("R39")
def test_billing_information_is_saved_and_kept_as_a_snapshot(people):
    profile = save(people.ivan, company="  Hafen  Intercom GmbH ")
    assert profile.snapshot() == HAFEN
    assert (profile.is_complete, profile.version, profile.updated_at) == (True, 1, NOW)
    assert not BillingProfile().is_complete


@pytest.mark.rule("R39")
@pytest.mark.parametrize("field", ["company", "email", "street", "postal_code", "city", "country"])
def test_what_an_invoice_needs_is_demanded_by_name(people, field):
    with pytest.raises(Refused) as caught:
        save(people.ivan, **{field: "  "})
    assert caught.value.field == field
    assert not BillingProfile.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("email", "nobody"), ("country", "XX"), ("company", "x" * 121)])
def test_what_is_wrong_is_refused_by_name(people, field, value):
    with pytest.raises(Refused) as caught:
        save(people.ivan, **{field: value})
    assert caught.value.field == field
    assert not BillingProfile.objects.exists()


def test_somebody_elses_change_is_not_overwritten(people):
    save(people.ivan)
    save(people.dora, of=people.ivan, version=1, city="Kiel")
    with pytest.raises(Conflict):
        save(people.ivan, version=1, city="Bremen")
    with pytest.raises(Conflict):
        save(people.ivan, city="Bremen")  # a form opened before there was anything
    profile = BillingProfile.objects.get()
    assert (profile.city, profile.version) == ("Kiel", 2)


@pytest.mark.rule("R9")
def test_the_audit_names_the_fields_and_not_the_personal_values(people):
    save(people.ivan)
    save(people.ivan, version=1, street="Kaistraße 15")
    save(people.ivan, version=2, street="Kaistraße 15")  # nothing new, no row
    changes = AuditEvent.objects.filter(action__startswith="billing.").order_by("pk")
    assert [(row.action, row.after) for row in changes] == [
        ("billing.created", {"fields": [name for name in HAFEN if HAFEN[name]]}),
        ("billing.changed", {"fields": ["street"]}),
    ]


@pytest.mark.parametrize("page", [False, True])
def test_only_who_manages_subscriptions_changes_it(people, sign_in, page):
    save(people.ivan)
    Membership.objects.filter(pk=people.ivan.membership.pk).update(manages_subscriptions=False)
    people.ivan.membership.refresh_from_db()
    if page:
        client = sign_in(people.ivan)
        shown = client.get("/settings/billing/").content.decode()
        assert "Only members who manage subscriptions change billing information." in shown
        assert 'value="Kaistraße 14"' in shown
        assert '<button class="b p">Save</button>' not in shown
        assert_clean(shown)
        assert client.post("/settings/billing/", {**HAFEN, "version": "1", "city": "Kiel"}).status_code == 403
    else:
        with pytest.raises(NotPermitted, match="manage subscriptions"):
            save(people.ivan, version=1, city="Kiel")
    assert BillingProfile.objects.get().city == "Hamburg"
    assert not AuditEvent.objects.filter(action="billing.changed").exists()
    save(people.dora, of=people.ivan, version=1, city="Kiel")


@pytest.mark.rule("R1")
def test_nobody_reads_or_writes_the_billing_information_of_another_tree(people):
    save(people.ivan)
    for person in (people.mallory, people.sam, people.petra):
        assert not BillingProfile.objects.visible_to(person.actor).exists()
        with pytest.raises(Organization.DoesNotExist):
            save(person, of=people.ivan, version=1, city="Elsewhere")
    assert not BillingProfile.objects.visible_to(people.tess.actor).exists()
    with pytest.raises(NotPermitted):
        save(people.tess, version=1, city="Elsewhere")
    assert BillingProfile.objects.get().city == "Hamburg"
    for person in (people.olga, people.dora, people.ivan):
        assert BillingProfile.objects.visible_to(person.actor).exists()
