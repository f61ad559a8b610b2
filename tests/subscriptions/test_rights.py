"""Who may pay, decide and see: every question of `subscriptions.rights`, asked by everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from accounts.errors import NotPermitted
from accounts.models import Membership, Organization
from accounts.scope import Actor
from subscriptions import rights
from subscriptions.models import AutoRenewal, Cart, Order, RenewalRequest
from tests.people import People, Person


def who(people: People, may: Callable[[Actor], bool]) -> set[str]:
    """The names of those who may."""
    return {each.name for each in fields(people) if may(getattr(people, each.name).actor)}


def order_of(payer: Person, installer: Person, **values: str) -> Order:
    given = {"state": Order.State.PROCESSING, "type": Order.Type.ACTIVATION, **values}
    return Order(payer=payer.firm, installer=installer.firm, **given)


def let_pay(person: Person) -> None:
    """Give an installer leave to pay."""
    Organization.objects.filter(pk=person.firm.pk).update(pays_regular=True)
    person.firm.refresh_from_db()


def without_grant(person: Person) -> Actor:
    """The actor of a member that does not manage subscriptions."""
    Membership.objects.filter(pk=person.membership.pk).update(manages_subscriptions=False)
    return Membership.objects.get(pk=person.membership.pk).actor()


@pytest.mark.rule("R5")
def test_members_of_resellers_and_installers_who_manage_subscriptions_pay(people: People) -> None:
    assert who(people, rights.may_pay) == {"dora", "sam", "ivan", "ines", "mallory", "igor"}
    assert not rights.may_pay(without_grant(people.dora))


@pytest.mark.rule("R5")
def test_an_installer_pays_with_leave_and_requests_without(people: People) -> None:
    ivan = people.ivan.firm
    assert who(people, lambda actor: rights.may_pay_for(actor, ivan)) == {"dora"}
    assert who(people, lambda actor: rights.may_request_for(actor, ivan)) == {"ivan"}
    assert who(people, lambda actor: rights.may_pay_for(actor, people.ines.firm)) == {"dora", "sam"}
    let_pay(people.ivan)
    assert who(people, lambda actor: rights.may_pay_for(actor, ivan)) == {"dora", "ivan"}
    assert who(people, lambda actor: rights.may_request_for(actor, ivan)) == set()


def test_one_pays_for_the_installers_below_and_for_oneself_with_leave(people: People) -> None:
    def payable(person: Person) -> set[int]:
        return set(rights.payable_installers(person.actor).values_list("pk", flat=True))

    ivan, ines = people.ivan.firm.pk, people.ines.firm.pk
    assert payable(people.dora) == {ivan, ines}
    assert payable(people.sam) == {ines}
    assert [payable(other) for other in (people.ivan, people.petra, people.olga)] == [set(), set(), set()]
    let_pay(people.ivan)
    assert payable(people.ivan) == {ivan}


def test_an_order_is_started_by_its_payer_as_long_as_it_may_pay(people: People) -> None:
    below, own = order_of(people.dora, people.ivan), order_of(people.ivan, people.ivan)
    assert who(people, lambda actor: rights.may_start(actor, below)) == {"dora"}
    assert who(people, lambda actor: rights.may_start(actor, own)) == set()
    let_pay(people.ivan)
    assert who(people, lambda actor: rights.may_start(actor, own)) == {"ivan"}
    assert who(people, lambda actor: rights.may_reorder(actor, own)) == {"ivan"}
    renewal = order_of(people.ivan, people.ivan, type=Order.Type.AUTO_RENEWAL)
    assert who(people, lambda actor: rights.may_reorder(actor, renewal)) == set()


@pytest.mark.parametrize("state", Order.State.values)
def test_people_pay_what_waits_for_its_money_and_renews_not_by_itself(people: People, state: str) -> None:
    waits = state == Order.State.PROCESSING
    assert rights.may_be_paid(order_of(people.dora, people.ivan, state=state)) is waits
    assert not rights.may_be_paid(order_of(people.dora, people.ivan, state=state, type=Order.Type.AUTO_RENEWAL))


def test_an_order_is_cancelled_by_its_payer_and_above_it(people: People) -> None:
    assert who(people, lambda actor: rights.may_cancel(actor, order_of(people.dora, people.ivan))) == {"dora"}
    assert who(people, lambda actor: rights.may_cancel(actor, order_of(people.ivan, people.ivan))) == {"dora", "ivan"}
    own = order_of(people.ines, people.ines)
    assert who(people, lambda actor: rights.may_cancel(actor, own)) == {"dora", "sam", "ines"}
    assert not rights.may_cancel(without_grant(people.ines), own)


@pytest.mark.rule("R43")
def test_a_payer_goes_on_paying_as_long_as_it_is_above_or_has_leave(people: People) -> None:
    ivan, ines, dora = people.ivan.firm, people.ines.firm, people.dora.firm
    assert rights.may_still_pay(dora, ivan)
    assert not rights.may_still_pay(people.sam.firm, ivan)
    assert not rights.may_still_pay(ivan, ivan)
    let_pay(people.ivan)
    assert rights.may_still_pay(people.ivan.firm, ivan)
    assert not rights.may_still_pay(people.ivan.firm, ines)
    dora.is_active = False
    assert not rights.may_still_pay(dora, ivan)


def test_a_request_is_decided_above_and_withdrawn_by_who_asked(people: People) -> None:
    asked = RenewalRequest(installer=people.ines.firm, state=RenewalRequest.State.OPEN)
    assert who(people, lambda actor: rights.may_decide(actor, asked)) == {"dora", "sam"}
    assert who(people, lambda actor: rights.may_withdraw(actor, asked)) == {"ines"}
    assert not rights.may_withdraw(without_grant(people.ines), asked)
    assert who(people, lambda actor: not rights.decidable(actor).query.is_empty()) == {"dora", "sam", "mallory"}


def test_a_request_awaits_its_decision_until_it_ends_or_is_ordered(people: People) -> None:
    firm = people.ivan.firm
    assert rights.awaits_decision(RenewalRequest(installer=firm, state=RenewalRequest.State.OPEN))
    assert rights.awaits_decision(RenewalRequest(installer=firm, state=RenewalRequest.State.OPEN, cart=Cart()))
    assert not rights.awaits_decision(
        RenewalRequest(installer=firm, state=RenewalRequest.State.OPEN, cart=Cart(order_id=1))
    )
    assert not rights.awaits_decision(RenewalRequest(installer=firm, state=RenewalRequest.State.WITHDRAWN))


def test_an_auto_renewal_is_stopped_from_above_and_its_card_chosen_by_the_payer(people: People) -> None:
    agreed = AutoRenewal(payer=people.ines.firm)
    assert who(people, lambda actor: rights.may_stop(actor, agreed)) == {"dora", "sam", "ines"}
    assert who(people, lambda actor: rights.may_choose_card(actor, agreed)) == {"ines"}
    rights.refuse_others_card(people.ines.actor, agreed)
    with pytest.raises(NotPermitted, match="Whoever pays chooses the card"):
        rights.refuse_others_card(people.sam.actor, agreed)


@pytest.mark.rule("R1")
def test_the_whole_of_what_was_paid_is_seen_by_the_payer_and_above(people: People) -> None:
    everybody = {"olga", "dora", "sam", "ines"}
    assert who(people, lambda actor: rights.is_paid_by(actor, order_of(people.ines, people.ines))) == everybody
    assert who(people, lambda actor: rights.is_paid_by(actor, order_of(people.dora, people.ivan))) == {"olga", "dora"}


def test_technicians_see_no_prices_and_installers_none_that_are_hidden(people: People) -> None:
    assert not rights.sees_prices(people.tess.actor)
    with pytest.raises(NotPermitted):
        rights.refuse_hidden_prices(people.tess.actor)
    rights.refuse_hidden_prices(people.ivan.actor)
    Organization.objects.filter(pk=people.ivan.firm.pk).update(sees_prices=False)
    people.ivan.firm.refresh_from_db()
    assert not rights.sees_prices(people.ivan.actor)
    with pytest.raises(NotPermitted):
        rights.refuse_hidden_prices(people.ivan.actor)
    assert rights.sees_amounts(people.ivan.actor, people.ivan.firm.pk)
    assert not rights.sees_amounts(people.ivan.actor, people.dora.firm.pk)
    let_pay(people.ivan)
    assert rights.sees_prices(people.ivan.actor)
