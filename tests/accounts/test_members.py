"""Members: rights, administrators that stay, sessions that end, firms that close."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import actions
from accounts.errors import Conflict, NotPermitted, Refused
from accounts.models import AuditEvent, Membership, Organization
from accounts.scope import Grant
from communities.actions import assignments
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment
from subscriptions import rights
from tests.people import NOW, PASSWORD, SYSTEM, People, Person
from tests.portal.places import everything, pay

EVERYTHING = [grant.value for grant in Grant]
NOTHING: dict[str, Any] = dict.fromkeys(EVERYTHING, False)


def colleague(of: Person, name: str = "Carla", **rights: bool) -> Person:
    """A second administrator of a firm."""
    made = actions.add_member(
        SYSTEM, organization=of.firm, email=f"{name}@{of.firm.pk}.example", name=name, now=NOW, password=PASSWORD
    )
    Membership.objects.filter(pk=made.pk).update(**rights)
    made.refresh_from_db()
    return Person(made)


def edit(by: Person, whom: Person, **changes) -> Membership:
    whom.membership.refresh_from_db()
    fields: dict[str, Any] = {
        "version": whom.membership.version,
        "is_technician": False,
        "grants": EVERYTHING,
    } | changes
    return actions.edit_member(by.actor, membership_id=whom.membership.pk, now=NOW, **fields)


# --- rights -------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("R9")
def test_a_change_of_rights_is_audited_with_before_and_after(people: People) -> None:
    carla = colleague(people.ivan)
    saved = edit(people.ivan, carla, grants=["sees_prices"])
    assert saved.grants == {Grant.SEES_PRICES}
    event = AuditEvent.objects.get(action="member.rights_set")
    assert event.before == {"sees_invoices": True, "gets_billing_mail": True, "manages_subscriptions": True}
    assert event.after == {"sees_invoices": False, "gets_billing_mail": False, "manages_subscriptions": False}
    with pytest.raises(Conflict):
        edit(people.ivan, carla, version=1, grants=EVERYTHING)
    edit(people.ivan, carla, grants=["sees_prices"])
    assert AuditEvent.objects.filter(action="member.rights_set").count() == 1


def test_who_manages_subscriptions_sees_orders_and_prices(people: People) -> None:
    carla = colleague(people.ivan)
    assert edit(people.ivan, carla, grants=["manages_subscriptions"]).grants == {
        Grant.MANAGES_SUBSCRIPTIONS, Grant.SEES_INVOICES, Grant.SEES_PRICES,
    }  # fmt: skip


def test_nobody_raises_the_own_rights_nor_gives_what_one_does_not_have(people: People) -> None:
    carla = colleague(people.ivan, manages_subscriptions=False)
    dave = colleague(people.ivan, "Dave", manages_subscriptions=False)
    before = everything()
    with pytest.raises(Refused, match="A colleague changes what you may do"):
        edit(carla, carla)
    with pytest.raises(NotPermitted, match="rights that you have yourself"):
        edit(carla, dave)
    with pytest.raises(NotPermitted):
        actions.invite(
            carla.actor, organization_id=carla.firm.pk, email="x@x.example", name="X", language="en", grants=EVERYTHING, now=NOW
        )  # fmt: skip
    with pytest.raises(Refused, match="Unknown rights"):
        edit(people.ivan, dave, grants=["everything"])
    assert everything() == before
    dave.membership.refresh_from_db()
    assert not dave.membership.manages_subscriptions
    assert edit(carla, dave, grants=["sees_prices"]).grants == {Grant.SEES_PRICES}


@pytest.mark.rule("R2")
def test_below_as_at_home_nobody_gives_what_one_does_not_have(people: People) -> None:
    """Carla of Nordlys may nothing with money: nor may anybody she puts into Ivan's firm."""
    carla = colleague(people.dora, sees_prices=False, sees_invoices=False, manages_subscriptions=False)
    without = colleague(people.ivan, "Wanda", **NOTHING)
    gone = colleague(people.ivan, "Gwen", is_active=False)
    before = everything()
    with pytest.raises(NotPermitted, match="rights that you have yourself"):
        edit(carla, without, grants=["sees_prices"])
    with pytest.raises(NotPermitted, match="rights that you have yourself"):
        actions.set_member_active(carla.actor, membership_id=gone.membership.pk, is_active=True, now=NOW)
    with pytest.raises(NotPermitted, match="rights that you have yourself"):
        actions.invite(
            carla.actor, organization_id=people.ivan.firm.pk, email="x@x.example", name="X", language="en", grants=EVERYTHING, now=NOW
        )  # fmt: skip
    assert everything() == before
    assert edit(carla, without, grants=["gets_billing_mail"]).grants == {Grant.GETS_BILLING_MAIL}
    invited = actions.invite(
        carla.actor, organization_id=people.ivan.firm.pk, email="x@x.example", name="X", language="en", now=NOW
    )
    assert invited.grants == {Grant.GETS_BILLING_MAIL}  # unless one says which: as far as the own ones go
    edit(carla, people.ivan, grants=EVERYTHING)  # who has them keeps them


def test_a_technicians_ticks_are_no_way_to_rights_either(people: People) -> None:
    """Tess has every box ticked, which counts for nothing; as a colleague it would count."""
    carla = colleague(people.ivan, **NOTHING)
    before = everything()
    with pytest.raises(NotPermitted, match="rights that you have yourself"):
        edit(carla, people.tess, grants=EVERYTHING)
    assert everything() == before
    people.tess.membership.refresh_from_db()
    assert people.tess.membership.is_technician
    assert edit(carla, people.tess, grants=[]).grants == frozenset()


def test_nobody_changes_the_own_rights_in_another_firm_either(people: People) -> None:
    """Dora works for Ivan's firm too: there a colleague decides."""
    there = actions.add_member(SYSTEM, organization=people.ivan.firm, email=people.dora.email, name="Dora", now=NOW)
    Membership.objects.filter(pk=there.pk).update(sees_prices=False, is_active=False)
    before = everything()
    with pytest.raises(Refused, match="A colleague changes what you may do"):
        edit(people.dora, Person(there))
    with pytest.raises(Refused, match="A colleague can"):
        actions.set_member_active(people.dora.actor, membership_id=there.pk, is_active=True, now=NOW)
    assert everything() == before
    there.refresh_from_db()
    assert (there.sees_prices, there.is_active) == (False, False)


@pytest.mark.rule("R2")
def test_only_the_installer_says_who_is_a_technician(people: People) -> None:
    carla = colleague(people.ivan)
    before = everything()
    for by in (people.olga, people.dora):
        for whom, is_technician in ((carla, True), (people.tess, False)):
            with pytest.raises(NotPermitted, match="An installer chooses its technicians itself"):
                edit(by, whom, is_technician=is_technician)
    with pytest.raises(Refused, match="Only an installer has technicians"):
        edit(people.ivan, people.petra, is_technician=True)
    assert everything() == before
    assert edit(people.ivan, carla, is_technician=True).is_technician
    assert not edit(people.ivan, carla, is_technician=False).is_technician
    assert edit(people.dora, people.tess, is_technician=True, grants=[]).is_technician  # as it is: no change of that


# --- what a firm above decides ------------------------------------------------------------------------------------------


@pytest.mark.rule("R2")
@pytest.mark.rule("R5")
@pytest.mark.parametrize(
    ("field", "value", "grant"),
    [
        ("pays_regular", True, "manages_subscriptions"),
        ("pays_credits", True, "manages_subscriptions"),
        ("sees_prices", False, "sees_prices"),
    ],
)
def test_who_lacks_the_right_does_not_decide_it_for_an_installer(
    people: People, field: str, value: bool, grant: str
) -> None:
    carla = colleague(people.dora, "Carla", **{grant: False})
    firm = people.ivan.firm
    as_is: dict[str, Any] = {
        "pays_regular": False, "pays_credits": False, "require_2fa": False, "sees_prices": True,
    }  # fmt: skip
    before = everything()

    def decide(by: Person, **permissions: bool) -> Organization:
        return actions.set_permissions(
            by.actor, organization_id=firm.pk, version=firm.version, permissions=as_is | permissions, now=NOW
        )

    with pytest.raises(NotPermitted, match="with that right yourself"):
        decide(carla, **{field: value})
    with pytest.raises(NotPermitted, match="with that right yourself"):
        actions.create_organization(
            carla.actor, kind="installer", name="New", parent=people.dora.firm, now=NOW, **{field: value}
        )
    assert everything() == before
    firm.refresh_from_db()
    assert getattr(firm, field) is not value
    firm = decide(carla, require_2fa=True)  # this one needs no right about money
    assert firm.require_2fa
    assert getattr(decide(people.dora, **{field: value}), field) is value


def test_grants_decide_about_prices_and_paying(people: People) -> None:
    assert rights.sees_prices(people.dora.actor)
    assert rights.may_pay_for(people.dora.actor, people.ivan.firm)
    for grant, allowed in (
        ("sees_prices", rights.sees_prices),
        ("manages_subscriptions", lambda actor: rights.may_pay_for(actor, people.ivan.firm)),
    ):
        Membership.objects.filter(pk=people.dora.membership.pk).update(**{grant: False})
        people.dora.membership.refresh_from_db()
        assert not allowed(people.dora.actor)


# --- the last administrator ---------------------------------------------------------------------------------------------


def test_a_firm_keeps_an_active_administrator(people: People) -> None:
    """Tess does not count, an invited colleague neither."""
    actions.invite(
        people.ivan.actor, organization_id=people.ivan.firm.pk, email="x@x.example", name="X", language="en", now=NOW
    )
    before = everything()
    with pytest.raises(Refused, match="Ivan Brandt is the last administrator of Hafen Intercom GmbH"):
        actions.set_member_active(people.dora.actor, membership_id=people.ivan.membership.pk, is_active=False, now=NOW)
    assert everything() == before
    carla = colleague(people.ivan)
    gone = carla.actor
    Membership.objects.filter(pk=carla.membership.pk).update(is_active=False)  # a moment ago, in another transaction
    with pytest.raises(Refused, match="last administrator"):
        actions.edit_member(
            gone, membership_id=people.ivan.membership.pk, version=1, is_technician=True, grants=[], now=NOW
        )
    Membership.objects.filter(pk=carla.membership.pk).update(is_active=True)
    actions.set_member_active(people.dora.actor, membership_id=people.ivan.membership.pk, is_active=False, now=NOW)
    people.ivan.membership.refresh_from_db()
    assert not people.ivan.membership.is_active


def test_nobody_deactivates_oneself(people: People) -> None:
    colleague(people.ivan)
    with pytest.raises(Refused, match="You can't deactivate yourself"):
        actions.set_member_active(people.ivan.actor, membership_id=people.ivan.membership.pk, is_active=False, now=NOW)
    people.ivan.membership.refresh_from_db()
    assert people.ivan.membership.is_active


@pytest.mark.rule("R1")
@pytest.mark.rule("R2")
def test_nobody_touches_people_outside_the_own_subtree(people: People) -> None:
    before = everything()
    for by, whom in (
        (people.ivan, people.dora), (people.ivan, people.ines), (people.sam, people.ivan), (people.sam, people.dora),
        (people.mallory, people.tess), (people.dora, people.igor), (people.dora, people.olga),
    ):  # fmt: skip
        for act in (
            lambda by=by, whom=whom: edit(by, whom, grants=[]),
            lambda by=by, whom=whom: actions.set_member_active(
                by.actor, membership_id=whom.membership.pk, is_active=False, now=NOW
            ),
            lambda by=by, whom=whom: actions.resend_invitation(by.actor, membership_id=whom.membership.pk, now=NOW),
            lambda by=by, whom=whom: actions.cancel_invitation(by.actor, membership_id=whom.membership.pk, now=NOW),
        ):
            with pytest.raises(Membership.DoesNotExist):
                act()
    for by in (people.tess, people.petra):
        with pytest.raises(NotPermitted):
            edit(by, by)
    assert everything() == before


# --- sessions -----------------------------------------------------------------------------------------------------------


def test_a_deactivated_members_session_dies_with_the_next_request_and_comes_back(people: People, sign_in) -> None:
    client = sign_in(people.tess)
    assert client.get("/sites/").status_code == 200
    tess = people.tess.membership.pk
    actions.set_member_active(people.ivan.actor, membership_id=tess, is_active=False, now=NOW)
    assert client.get("/sites/").status_code != 200
    actions.set_member_active(people.ivan.actor, membership_id=tess, is_active=True, now=NOW)
    assert sign_in(people.tess).get("/sites/").status_code == 200


def test_a_closed_firm_refuses_its_people_and_only_who_is_above_closes_it(people: People, sign_in) -> None:
    client = sign_in(people.ivan)
    for stranger in (people.ivan, people.tess, people.petra, people.sam, people.mallory):
        with pytest.raises((NotPermitted, Organization.DoesNotExist)):
            actions.set_organization_active(
                stranger.actor, organization_id=people.ivan.firm.pk, is_active=False, now=NOW
            )
    assert client.get("/sites/").status_code == 200
    actions.set_organization_active(people.dora.actor, organization_id=people.ivan.firm.pk, is_active=False, now=NOW)
    assert client.get("/sites/").status_code != 200
    assert sign_in(people.petra).get("/sites/").status_code == 200  # another firm, though below
    actions.set_organization_active(people.dora.actor, organization_id=people.ivan.firm.pk, is_active=True, now=NOW)
    assert sign_in(people.ivan).get("/sites/").status_code == 200
    assert list(AuditEvent.objects.filter(action__startswith="organization.").order_by("pk").values_list("action", flat=True))[-2:] == [
        "organization.deactivated", "organization.reactivated",
    ]  # fmt: skip


def test_what_somebody_may_not_the_pages_refuse(people: People, sign_in) -> None:
    client = sign_in(people.dora)
    assert {client.get(address).status_code for address in ("/orders/", "/subscription/", "/auto-renewals/")} <= {
        200,
        404,
    }
    Membership.objects.filter(pk=people.dora.membership.pk).update(sees_invoices=False, manages_subscriptions=False)
    for address in ("/orders/", "/subscription/"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "An administrator there can change that." in answer.content.decode()
    menu = client.get("/help/").content.decode()
    assert 'href="/orders/"' not in menu
    assert 'href="/subscription/"' not in menu


# --- sites of a person ----------------------------------------------------------------------------------------------------


@pytest.mark.rule("R3")
def test_several_sites_for_a_manager_and_others_keep_theirs(people: People, make_site) -> None:
    first, second, third = make_site("First"), make_site("Second"), make_site("Third")
    weber = Person(
        actions.add_member(SYSTEM, organization=people.petra.firm, email="w@holm.example", name="Weber", now=NOW)
    )
    assignments.set_managers(
        people.ivan.actor,
        site_id=first.pk,
        pm_app_by_membership={people.petra.membership.pk: True, weber.membership.pk: True},
        now=NOW,
    )
    app = pay(Entitlement.objects.get(target__assignment__membership=people.petra.membership))

    def choose(*sites: Site) -> None:
        assignments.set_sites_of(
            people.ivan.actor, membership_id=people.petra.membership.pk, site_ids=[site.pk for site in sites], now=NOW
        )

    choose(first, second)
    rows = ManagerAssignment.objects.filter(ended_at=None).order_by("site", "membership")
    petra, other = people.petra.membership.pk, weber.membership.pk
    assert set(rows.values_list("site", "membership", "pm_app")) == {
        (first.pk, petra, True), (first.pk, other, True), (second.pk, petra, False),
    }  # fmt: skip
    assert set(Site.objects.visible_to(people.petra.actor)) == {first, second}
    choose(third)
    assert set(Site.objects.visible_to(people.petra.actor)) == {third}
    app.refresh_from_db()
    assert (app.expires_at is not None, app.variant) == (True, "")
    assert ManagerAssignment.objects.get(site=first, membership=other).pm_app
    assert AuditEvent.objects.filter(action="site.managers_set").count() == 5
    choose(third)
    assert AuditEvent.objects.filter(action="site.managers_set").count() == 5


@pytest.mark.rule("R1")
def test_sites_and_people_of_others_can_not_be_ticked(people: People, make_site) -> None:
    own, foreign = make_site("Own"), make_site("Foreign", by=people.ines)
    before = everything()
    petra, tess = people.petra.membership.pk, people.tess.membership.pk
    for person, sites in ((petra, [own.pk, foreign.pk]), (tess, [foreign.pk]), (people.ivan.membership.pk, [own.pk])):
        with pytest.raises(Refused):
            assignments.set_sites_of(people.ivan.actor, membership_id=person, site_ids=sites, now=NOW)
    for person in (people.paul.membership.pk, people.ines.membership.pk):
        with pytest.raises(Membership.DoesNotExist):
            assignments.set_sites_of(people.ivan.actor, membership_id=person, site_ids=[own.pk], now=NOW)
    for role in (people.dora, people.tess, people.petra):
        with pytest.raises(NotPermitted):
            assignments.set_sites_of(role.actor, membership_id=tess, site_ids=[own.pk], now=NOW)
    assert everything() == before


def test_ticks_on_a_persons_page(people: People, make_site, sign_in) -> None:
    first, second = make_site("First"), make_site("Second")
    client, tess = sign_in(people.ivan), people.tess.membership.pk
    assert "First, Hamburg" in client.get(f"/users/{tess}/").content.decode()
    answer = client.post(f"/users/{tess}/sites/", {"sites": [first.pk, second.pk]})
    assert answer["Location"] == f"/users/{tess}/"
    assert set(TechnicianAssignment.objects.values_list("membership", "site")) == {(tess, first.pk), (tess, second.pk)}
    client.post(f"/users/{tess}/sites/", {"sites": [second.pk]})
    assert list(TechnicianAssignment.objects.values_list("site", flat=True)) == [second.pk]
    assert client.post(f"/users/{tess}/sites/", {"sites": [10**9]}).status_code == 422
    assert client.post(f"/users/{people.paul.membership.pk}/sites/", {}).status_code == 404
