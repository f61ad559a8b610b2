"""What happens beside the table of actions: links of mails, the gateway's answers, the operator's second try, and every job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.cookies import SimpleCookie
from typing import Any

from django.test import Client

from accounts.actions import (
    addresses,
    invitations,
    known_logins,
    members,
    notices,
    organizations,
    profile,
    revocation,
    sessions,
    support,
    terms,
)
from accounts.audit import Word
from accounts.models import ApiToken, Invitation, ItemFailure, MailLink, Membership, Organization, Topic, User
from accounts.models.invitations import digest_of
from communities.actions import assignments, households, moving, pms, pms_sync, registrations, residents, sites
from communities.models import Apartment, Entitlement, Resident, TechnicianAssignment
from payments import actions as payment_actions
from payments.actions import billing, methods
from payments.models import GatewayEvent, Payment, PaymentMethod
from payments.sandbox import Sandbox
from smartplus import jobs
from smartplus.audit import WORK_TRIED_AGAIN
from subscriptions.actions import (
    auto_renewals,
    cards,
    carts,
    fulfilment,
    opening,
    orders,
    request_decisions,
    reviews,
    settlement,
    tenancy,
    transitions,
    vacancies,
)
from subscriptions.audit import ORDER_SUCCEEDED
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Order
from tests.communities.registered import token_of_last_mail
from tests.guards.world import World
from tests.payments.pay_page import press
from tests.people import NOW, PASSWORD, SYSTEM
from tests.permissions.table import TABLE, Case
from tests.subscriptions.lookups import BASE, payment_of

DUE = NOW + timedelta(days=29)  # everything bought for a month is about to expire
OTHER = "another horse battery"
TOKEN = "the-token-of-the-mail"


@dataclass(frozen=True)
class Stage:
    """The world, and the gateway's stand-in."""

    world: World
    gateway: Sandbox
    sessions: dict[str, str]

    def at(self, instant: datetime) -> datetime:
        """Let the gateway's clock stand there too."""
        self.gateway.clock.freeze(instant)
        return instant

    def post(self, name: str, path: str, data: dict[str, Any]) -> Callable[[], object]:
        """Somebody of the cast about to send a form."""
        client = Client()
        client.cookies = SimpleCookie({"sessionid": self.sessions[name]})

        def send() -> None:
            answer = client.post(path, data)
            assert answer.status_code == 302, (name, path, answer.status_code)

        return send


@dataclass(frozen=True)
class Further:
    """`prepare` sets the stage and answers what `act` does; only what `act` does is looked at."""

    words: dict[Word, int]
    prepare: Callable[[Stage], Callable[[], object]]


def _link(stage: Stage) -> Callable[[], object]:
    user = stage.world.person("tess").membership.user
    MailLink.objects.create(
        user=user, purpose="address", digest=digest_of(TOKEN), email="t@x.example", asked_by=user, created_at=NOW,
        expires_at=NOW + timedelta(1),
    )  # fmt: skip
    return lambda: addresses.confirm_new_address(TOKEN, now=NOW)


def _joining(stage: Stage) -> Callable[[], object]:
    key = int(stage.world.holdings["hafen"].keys["invited"][0])
    Invitation.objects.filter(membership=key).update(digest=digest_of(TOKEN))
    return lambda: invitations.accept_invitation(token=TOKEN, user=None, name="Elin", password=PASSWORD, now=NOW)


def _back(stage: Stage) -> Callable[[], object]:
    tess = stage.world.person("tess").membership
    Membership.objects.filter(pk=tess.pk).update(is_active=False)
    return lambda: members.set_member_active(
        stage.world.person("ivan").actor, membership_id=tess.pk, is_active=True, now=NOW
    )


def _tokens_end(stage: Stage) -> Callable[[], object]:
    tess = stage.world.person("tess").membership
    assert ApiToken.objects.filter(membership=tess, revoked_at=None).exists()

    def reset() -> None:  # as the page of the mail's link does
        user = User.objects.get(pk=tess.user_id)
        user.set_password(OTHER)
        user.save()
        sessions.record_password_reset(user, now=NOW)

    return reset


def _firm_back(stage: Stage) -> Callable[[], object]:
    firm = stage.world.person("ines").firm
    Organization.objects.filter(pk=firm.pk).update(is_active=False)
    return lambda: organizations.set_organization_active(
        stage.world.person("sam").actor, organization_id=firm.pk, is_active=True, now=NOW
    )


def _moving(stage: Stage) -> Callable[[], object]:
    ines = stage.world.person("ines").firm
    Order.objects.filter(installer=ines, state=Order.State.PROCESSING).update(state=Order.State.CANCELLED)
    Entitlement.objects.filter(installer=ines).update(reserved_by=None)
    dora = stage.world.person("dora")
    return lambda: tenancy.move_installer(dora.actor, installer_id=ines.pk, to_id=dora.firm.pk, now=NOW)


def _discarding(stage: Stage) -> Callable[[], object]:
    olga = stage.world.person("olga").actor
    draft = terms.save_draft(olga, document="terms", texts={"en": "Text"}, valid_from=None, version=None, now=NOW)
    return lambda: terms.discard_draft(olga, document="terms", version=draft.version, now=NOW)


def _known(stage: Stage) -> Callable[[], object]:
    who = [stage.world.person(name).membership.user.email_key for name in ("tess", "paul")]
    return lambda: known_logins.deactivate_logins(stage.world.person("olga").actor, addresses=who, now=NOW)


def _muting(stage: Stage) -> Callable[[], object]:
    user = User.objects.get(pk=stage.world.person("tess").membership.user_id)
    return lambda: notices.mute_by_link(user, topic=Topic.SITES, now=NOW)


def _again(stage: Stage) -> Callable[[], object]:
    key = ItemFailure.objects.order_by("pk").values_list("pk", flat=True)[0]
    return lambda: jobs.try_again(stage.world.person("olga").actor, failure_id=key, now=NOW)


def _viewing(stage: Stage) -> Callable[[], object]:
    site = stage.world.sites["hafen"]
    return lambda: support.record_view(
        stage.world.person("olga").actor, tenant=site, subject=site, site_id=site.pk, now=NOW
    )


def _bought(
    stage: Stage, *, number: str = "5", pm_app: bool = False, renew: bool = False, card: str = "works"
) -> Order:
    """An order of Dora for an apartment of Ivan's, paid at the gateway; nobody has asked there yet."""
    dora, site = stage.world.person("dora"), stage.world.sites["hafen"]
    wanted = Entitlement.objects.filter(site=site, reserved_by=None, expires_at=None).wanted()
    ids = list(wanted.filter(target__number=number).values_list("pk", flat=True))
    if pm_app:
        ids += list(wanted.filter(target__kind="manager").values_list("pk", flat=True))
    cart = carts.fill_cart(
        dora.actor, installer_id=site.installer_id, site_kind=site.kind, entitlement_ids=ids, months=1, now=NOW
    )
    return _paid(stage, cart.pk, renew=renew, card=card)


def _paid(stage: Stage, cart_id: int, *, renew: bool = False, card: str = "works", is_paid: bool = True) -> Order:
    dora = stage.world.person("dora")
    cart = Cart.objects.select_related("installer__distributor").get(pk=cart_id)
    assert cart.installer.distributor is not None
    shown = carts.priced(carts.contents(cart), distributor=cart.installer.distributor, months=1, now=NOW)
    order = orders.place_order(
        dora.actor, cart_id=cart.pk, fingerprint=shown.fingerprint(), terms_version="1", return_base=BASE, auto_renew=renew, now=NOW
    )  # fmt: skip
    if is_paid:
        press(orders.start_payment(dora.actor, number=order.number, return_base=BASE, now=NOW), "approve", card=card)
    return order


def _settling(order: Order) -> Callable[[], object]:
    payment = payment_of(order)
    return lambda: settlement.settle(payment.pk, now=NOW)


def _first_pm_app(stage: Stage) -> Callable[[], object]:
    return _settling(_bought(stage, pm_app=True, renew=True))


def _mismatch(stage: Stage) -> Callable[[], object]:
    order = _bought(stage)
    Payment.objects.filter(subject=order.number).update(amount_minor=1)
    return _settling(order)


def _duplicate(stage: Stage) -> Callable[[], object]:
    order = _bought(stage)
    _settling(order)()
    Payment.objects.filter(subject=order.number).update(state="pending")
    return _settling(order)


def _late(stage: Stage) -> Callable[[], object]:
    order = _bought(stage)
    Order.objects.filter(pk=order.pk).update(state=Order.State.CANCELLED)
    Entitlement.objects.filter(reserved_by=order.pk).update(reserved_by=None)
    return _settling(order)


def _judging(stage: Stage) -> Callable[[], object]:
    order = _bought(stage)
    Payment.objects.filter(subject=order.number).update(amount_minor=1)
    _settling(order)()
    return lambda: reviews.resolve(
        stage.world.person("olga").actor, number=order.number, is_accepted=True, reason="right", now=NOW
    )


def _requested(stage: Stage, *, is_paid: bool) -> Order:
    request = stage.world.holdings["hafen"].keys["request"][0]
    approval = request_decisions.approve(stage.world.person("dora").actor, request_id=int(request), now=NOW)
    return _paid(stage, approval.cart.pk, is_paid=is_paid)


def _request_paid(stage: Stage) -> Callable[[], object]:
    return _settling(_requested(stage, is_paid=True))


def _request_back(stage: Stage) -> Callable[[], object]:
    order = _requested(stage, is_paid=False)
    return lambda: orders.cancel_order(stage.world.person("dora").actor, number=order.number, now=NOW)


def _followed(stage: Stage) -> Callable[[], object]:
    card = PaymentMethod.objects.filter(owner=stage.world.person("dora").firm).get()
    PaymentMethod.objects.filter(pk=card.pk).update(exp_year=2027)
    return lambda: payment_actions.follow_method(card.gateway, card.gateway_ref, now=NOW)


def _job(name: str, at: datetime) -> Callable[[Stage], Callable[[], object]]:
    return lambda stage: lambda: jobs.run(name, now=stage.at(at))


def _due(stage: Stage, *, card: str = "works") -> AutoRenewal:
    """An auto-renewal of Dora alone that is due; the others of the world are not."""
    order = _bought(stage, renew=True, card=card)
    _settling(order)()
    auto_renewal = AutoRenewal.objects.get(order=order)
    AutoRenewal.objects.exclude(pk=auto_renewal.pk).update(next_due_at=DUE + timedelta(days=365))
    return auto_renewal


def _declined(stage: Stage) -> Callable[[], object]:
    _due(stage, card="no-funds-later")
    return lambda: jobs.run("renewals", now=stage.at(DUE))


def _refused_for_good(stage: Stage) -> Callable[[], object]:
    _due(stage, card="lost-later")
    return lambda: jobs.run("renewals", now=stage.at(DUE))


def _waiting(stage: Stage) -> AutoRenewal:
    auto_renewal = _due(stage, card="no-funds-later")
    jobs.run("renewals", now=stage.at(DUE))
    return AutoRenewal.objects.get(pk=auto_renewal.pk)


def _stopped_while_waiting(stage: Stage) -> Callable[[], object]:
    auto_renewal = _waiting(stage)
    return lambda: auto_renewals.stop_auto_renewal(
        stage.world.person("dora").actor, auto_renewal_id=auto_renewal.pk, now=DUE
    )


def _may_not(stage: Stage) -> Callable[[], object]:
    auto_renewal = _waiting(stage)
    Organization.objects.filter(pk=auto_renewal.payer_id).update(is_active=False)
    later = DUE + timedelta(days=2)
    return lambda: jobs.run("renewals", now=stage.at(later))


def _another_card(stage: Stage) -> Callable[[], object]:
    auto_renewal = _waiting(stage)
    other = PaymentMethod.objects.filter(owner=auto_renewal.payer_id).exclude(pk=auto_renewal.method_id)[0]
    return lambda: cards.change_card(
        stage.world.person("dora").actor, auto_renewal_id=auto_renewal.pk, method_id=other.pk, now=DUE
    )


def _items_left(stage: Stage) -> Callable[[], object]:
    auto_renewal = _due(stage)
    gone = auto_renewal.items.filter(is_live=True).order_by("pk")[0]
    Entitlement.objects.filter(pk=gone.entitlement_id).update(variant="")
    return lambda: jobs.run("renewals", now=stage.at(DUE))


def _emptied(stage: Stage) -> Callable[[], object]:
    auto_renewal = _due(stage)
    app = auto_renewal.items.filter(entitlement__service_type="app").get().entitlement
    apartment = app.target.apartment
    moving.move_out(stage.world.person("ivan").actor, apartment_id=apartment.pk, now=NOW)
    return lambda: jobs.run("renewals", now=stage.at(DUE))


def _lived_in_again(stage: Stage) -> Callable[[], object]:
    _emptied(stage)()
    apartment = AutoRenewalItem.objects.get(suspended_at__isnull=False).entitlement.target.apartment
    people = [moving.Entry(name="New", email="new@example.org")]
    moving.move_in(stage.world.person("ivan").actor, apartment_id=apartment.pk, people=people, now=DUE)
    return lambda: jobs.run("vacancies", now=stage.at(DUE))


def _all_renew(stage: Stage) -> Callable[[], object]:
    return lambda: jobs.run("renewals", now=stage.at(DUE))


def _revoked(stage: Stage) -> Callable[[], object]:
    Organization.objects.filter(pk=stage.world.person("ivan").firm.pk).update(pays_regular=False)
    return lambda: jobs.run("revoked_orders", now=stage.at(NOW))


def _event(stage: Stage) -> Callable[[], object]:
    order = _bought(stage)
    payment = payment_of(order)
    GatewayEvent.objects.all().delete()
    GatewayEvent.objects.create(
        gateway="stripe", event_id="evt_1", kind="checkout.session.completed", object_ref=payment.gateway_ref, raw_body=b"{}",
        received_at=NOW, next_try_at=NOW,
    )  # fmt: skip
    return lambda: jobs.run("gateway_events", now=NOW)


def _lease_days(stage: Stage) -> Callable[[], object]:
    """The family master leaves, a member follows, and somebody arrives."""
    key = stage.world.holdings["hafen"].keys["resident"][0]
    master = Resident.objects.get(pk=key)
    Resident.objects.filter(apartment=master.apartment_id, is_master=True).update(lease_until=NOW.date())
    master.pk, master.is_master, master.stage, master.lease_from = None, False, "future", NOW.date() + timedelta(days=1)
    master.save(force_insert=True)
    return lambda: jobs.run("leases", now=NOW + timedelta(days=1))


def _site_off(stage: Stage) -> Callable[[], object]:
    """Switching a ceiling service off takes it from every apartment (R22)."""
    case = Case(stage.world, "ivan")
    kwargs = TABLE["sites.edit_site"].kwargs(case)
    kwargs["switches"]["landline"] = False
    return lambda: sites.edit_site(case.person.actor, **kwargs, ceiling_confirmed=True, now=NOW)


def _several_sites(stage: Stage) -> Callable[[], object]:
    """A technician is given two sites at once."""
    ivan, tess = stage.world.person("ivan"), stage.world.person("tess").membership
    TechnicianAssignment.objects.filter(membership=tess).delete()
    kwargs = TABLE["sites.create_community"].kwargs(Case(stage.world, "ivan"))
    other = sites.create_community(ivan.actor, **kwargs, now=NOW)
    ids = [stage.world.sites["hafen"].pk, other.pk]
    return lambda: assignments.set_sites_of(ivan.actor, membership_id=tess.pk, site_ids=ids, now=NOW)


def _billing_again(stage: Stage) -> Callable[[], object]:
    case = Case(stage.world, "dora")
    kwargs = TABLE["billing.save_billing"].kwargs(case)
    return lambda: payment_actions.save_billing(case.person.actor, **kwargs, now=NOW)


def _added(stage: Stage) -> Callable[[], object]:
    return lambda: members.add_member(
        SYSTEM, organization=stage.world.person("ivan").firm, email="n@x.example", name="N", now=NOW
    )


def _registering(stage: Stage) -> Callable[[], object]:
    """Somebody opens the link that a code led to."""
    ivan, flat = stage.world.person("ivan").actor, int(stage.world.holdings["hafen"].keys["apartment"][0])
    code = registrations.make_code(ivan, apartment_id=flat, now=NOW)
    registrations.ask_to_register(token=code.token, name="Kim", email="kim@x.example", language="en", now=NOW)
    token = token_of_last_mail()
    return lambda: registrations.confirm_registration(token=token, now=NOW)


def _syncing(stage: Stage) -> Callable[[], object]:
    """A property management system sends a member of a household."""
    ivan, dora = stage.world.person("ivan").actor, stage.world.person("dora").actor
    flat = Apartment.objects.select_related("building").get(pk=stage.world.holdings["hafen"].keys["apartment"][0])
    row, token = pms.connect(ivan, site_id=flat.site_id, is_beyond_free=True, now=NOW)
    pms.enable(dora, connection_id=row.pk, now=NOW)
    people = [pms_sync.Sent("kim", "Kim", email="kim@x.example", apartment_id=flat.pk)]
    return lambda: pms_sync.sync(token=token, people=people, dry_run=False, now=NOW)


FURTHER: dict[str, Further] = {
    "confirm_new_address": Further({addresses.ADDRESS_CHANGED: 1}, _link),
    "accept_invitation": Further({invitations.MEMBER_JOINED: 1}, _joining),
    "set_member_active:on": Further({members.MEMBER_REACTIVATED: 1}, _back),
    "record_password_reset": Further({sessions.PASSWORD_RESET: 1, revocation.TOKEN_REVOKED: 1}, _tokens_end),
    "set_organization_active:on": Further({organizations.ORGANIZATION_REACTIVATED: 1}, _firm_back),
    "move_installer:from a sub-distributor": Further(
        {tenancy.INSTALLER_MOVED: 1, tenancy.INSTALLER_MOVED_AWAY: 1, auto_renewals.AUTO_RENEWAL_ENDED: 1}, _moving
    ),
    "sync": Further({pms_sync.SYNCED: 1, residents.RESIDENT_ADDED: 1, pms.CLASS_CHANGED: 1}, _syncing),
    "confirm_registration": Further({registrations.CODE_USED: 1}, _registering),
    "discard_draft": Further({terms.TEXT_DISCARDED: 1}, _discarding),
    "deactivate_logins": Further({members.MEMBER_DEACTIVATED: 2}, _known),
    "mute_by_link": Further({notices.MUTED_BY_LINK: 1}, _muting),
    "try_again": Further({WORK_TRIED_AGAIN: 1}, _again),
    "record_view": Further({support.SUPPORT_VIEWED: 1}, _viewing),
    "page profile": Further(
        {profile.PROFILE_CHANGED: 1},
        lambda stage: stage.post("tess", "/settings/", {"name": "T", "language": "de", "time_zone": "Europe/Berlin"}),
    ),
    "page password": Further(
        {profile.PASSWORD_CHANGED: 1, revocation.TOKEN_REVOKED: 1},
        lambda stage: stage.post(
            "tess", "/settings/password/", {"old_password": PASSWORD, "new_password1": OTHER, "new_password2": OTHER}
        ),
    ),
    "page notifications": Further(
        {notices.NOTIFICATIONS_CHANGED: 1}, lambda stage: stage.post("tess", "/settings/notifications/", {})
    ),
    "save_billing:again": Further({billing.BILLING_CHANGED: 1}, _billing_again),
    "add_member": Further({members.MEMBER_ADDED: 1}, _added),
    "edit_site:ceiling": Further({sites.SITE_CHANGED: 1, sites.SERVICE_LOST: 7}, _site_off),
    "set_sites_of:several": Further({assignments.SITES_SET: 1, assignments.TECHNICIANS_SET: 2}, _several_sites),
    "settle:first PM App, renewing": Further(
        {
            ORDER_SUCCEEDED: 1,
            fulfilment.PM_APP_SWITCHED_ON: 1,
            methods.METHOD_SAVED: 1,
            auto_renewals.AUTO_RENEWAL_MADE: 1,
        },
        _first_pm_app,
    ),
    "settle:another amount": Further({settlement.ORDER_IN_REVIEW: 1}, _mismatch),
    "settle:paid twice": Further({settlement.PAID_TWICE: 1}, _duplicate),
    "settle:late": Further({ORDER_SUCCEEDED: 1}, _late),
    "resolve:accepted": Further({reviews.ORDER_REVIEWED: 1, ORDER_SUCCEEDED: 1}, _judging),
    "settle:requested": Further({ORDER_SUCCEEDED: 1, request_decisions.REQUEST_DONE: 1}, _request_paid),
    "cancel_order:requested": Further(
        {transitions.ORDER_CANCELLED: 1, request_decisions.REQUEST_REOPENED: 1}, _request_back
    ),
    "follow_method": Further({methods.METHOD_CHANGED: 1}, _followed),
    "stop_auto_renewal:waiting": Further(
        {auto_renewals.AUTO_RENEWAL_ENDED: 1, transitions.ORDER_CANCELLED: 1}, _stopped_while_waiting
    ),
    "change_card:waiting": Further({cards.CARD_CHANGED: 1}, _another_card),
    "job renewals": Further({opening.ORDER_CREATED: 5, ORDER_SUCCEEDED: 5}, _all_renew),
    "job renewals:declined": Further({opening.ORDER_CREATED: 1}, _declined),
    "job renewals:refused for good": Further(
        {opening.ORDER_CREATED: 1, auto_renewals.AUTO_RENEWAL_SUSPENDED: 1, transitions.ORDER_FAILED: 1},
        _refused_for_good,
    ),
    "job renewals:may not": Further({auto_renewals.AUTO_RENEWAL_SUSPENDED: 1, transitions.ORDER_FAILED: 1}, _may_not),
    "job renewals:an item left": Further(
        {auto_renewals.ITEMS_LEFT: 1, opening.ORDER_CREATED: 1, ORDER_SUCCEEDED: 1}, _items_left
    ),
    "job renewals:an empty apartment": Further(
        {vacancies.ITEMS_SUSPENDED: 1, opening.ORDER_CREATED: 1, ORDER_SUCCEEDED: 1}, _emptied
    ),
    "job vacancies": Further({vacancies.ITEMS_RESUMED: 1}, _lived_in_again),
    "job revoked_orders": Further({transitions.ORDER_CANCELLED: 2}, _revoked),
    "job gateway_events": Further({ORDER_SUCCEEDED: 1}, _event),
    "job order_timeouts": Further({transitions.ORDER_TIMED_OUT: 6}, _job("order_timeouts", NOW + timedelta(hours=1))),
    "job stale_payments": Further({}, _job("stale_payments", NOW + timedelta(minutes=10))),
    "job unreported_charges": Further({}, _job("unreported_charges", NOW + timedelta(minutes=10))),
    "job leases": Further(
        {households.RESIDENT_ARRIVED: 1, households.RESIDENT_LEFT: 1, households.MASTER_SET: 1}, _lease_days
    ),
    "job mail": Further({}, _job("mail", NOW)),
    "job audit_seals": Further({}, _job("audit_seals", NOW)),
    "job audit_heads": Further({}, _job("audit_heads", NOW)),
    "job gateway_keys": Further({}, _job("gateway_keys", NOW)),
    "job old_sessions": Further({}, _job("old_sessions", NOW + timedelta(days=400))),
    "job paid_variants": Further({}, _job("paid_variants", NOW + timedelta(days=400))),
    "job expiry_days": Further({}, _job("expiry_days", NOW)),
    "job long_jobs": Further({}, _job("long_jobs", NOW)),
    "job old_long_jobs": Further({}, _job("old_long_jobs", NOW + timedelta(days=400))),
    "job old_forms": Further({}, _job("old_forms", NOW + timedelta(days=2))),
    "job removed_cards": Further({}, _job("removed_cards", NOW)),
}
