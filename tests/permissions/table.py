"""Which role may do what: one row for every action, and one for each permission that an action asks for beside the role.

Columns are the roles of DOMAIN §1 by their first letters: Operator, Distributor, Sub-distributor, Installer, Technician, Manager. Each does
it to something in its own sight, so that it is the role that is asked; somebody of another tree is refused in every row that is not about
the person's own things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from accounts.models import Kind, LongJob, MailLink, Membership, Organization, User
from communities import catalogue
from communities.actions import apartments, archives, pms, registrations, sites
from communities.actions.buildings import NewApartment, NewBuilding
from communities.actions.commercial_accounts import Holder
from communities.actions.equipment import Piece, Place
from communities.actions.moving import Entry
from communities.models import (
    Apartment,
    ApartmentImport,
    Building,
    CommercialAccount,
    Entitlement,
    Equipment,
    Resident,
    ServiceChange,
    Site,
    SiteDraft,
)
from devices import actions as device_actions
from devices import bulk, imported
from devices.actions import LibraryRow, MonitorEntry, NewSite
from devices.models import Device, LibraryEntry
from payments.models import BillingProfile, Payment
from smartplus.demo import INVENTED_PRICES
from subscriptions import handover
from subscriptions.actions import carts, extending, leaving, requests
from subscriptions.models import AutoRenewal, AutoRenewalItem, Cart, Order, OrderEvent, RequestItem
from subscriptions.periods import Months
from tests.guards import offered
from tests.guards.world import MACS, World
from tests.people import NOW, PASSWORD, Person
from tests.portal.signed_in import switch_on
from tests.sites import ADDRESS, OPTIONS
from tests.subscriptions.lookups import BASE

LATER = NOW.date() + timedelta(days=9)
COLUMNS = {"O": "olga", "D": "dora", "S": "sam", "I": "ivan", "T": "tess", "M": "petra"}
OUTSIDER = "mallory"
ESTATES = {"sam": "norden", "ines": "norden"}  # whose site each looks at; the others' is Ivan's
PROFILE = {"name": "Other", "language": "de", "time_zone": "Europe/Oslo"}
HOLDER = Holder("admin", "Kim", "kim@x.example", intercom=False)
PAYERS = ("dora", "sam", "ivan")


@dataclass(frozen=True)
class Case:
    """One person before one action: what it does it to."""

    world: World
    name: str

    @property
    def person(self) -> Person:
        """Who acts."""
        return self.world.person(self.name)

    @property
    def estate(self) -> str:
        """The site in sight."""
        return ESTATES.get(self.name, "hafen")

    @property
    def site(self) -> Site:
        """That site, as it is now."""
        return Site.objects.get(pk=self.world.sites[self.estate].pk)

    @property
    def installer(self) -> Organization:
        """Whose site it is."""
        return Organization.objects.get(pk=self.key("installer"))

    def key(self, kind: str, at: int = 0) -> Any:
        """Something of the site."""
        return self.world.holdings[self.estate].keys[kind][at]

    def paid(self, kind: str) -> Any:
        """Something of who pays: the person's own firm, or Dora's where it pays nothing."""
        return self.world.holdings[self.name if self.name in PAYERS else "dora"].keys[kind][0]

    def mine(self, kind: str) -> Any:
        """Something of the person's own."""
        return self.world.holdings[self.name].keys[kind][0]

    @property
    def job(self) -> int:
        """The person's own long job that waits."""
        return int(self.world.holdings[f"jobs of {self.name}"].keys["job"][1])

    def row(self, model: Any, kind: str) -> Any:
        """Something of the site, as it is now."""
        return model.objects.get(pk=self.key(kind))

    @property
    def builder(self) -> Person:
        """The administrator of the installer."""
        return self.world.person("ivan" if self.estate == "hafen" else "ines")

    @property
    def worker(self) -> Membership:
        """Somebody in the firm of the site: its technician, or where it has none its administrator."""
        name = "tess" if self.estate == "hafen" else "ines"
        return Membership.objects.get(pk=self.world.person(name).membership.pk)


Kwargs = Callable[[Case], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """`may` are the columns that may; `own`: it is done to one's own things, so an outsider may to its own what its role may. `installer` is
    another one than Ivan where the row needs one that may not pay."""

    may: str
    kwargs: Kwargs
    own: bool = False
    installer: str = "ivan"

    def name(self, column: str) -> str:
        """Who stands for a role."""
        return self.installer if column == "I" else COLUMNS[column]


def _user(case: Case) -> User:
    return User.objects.get(pk=case.person.membership.user_id)


def _pending(user: User) -> None:
    MailLink.objects.create(
        user=user, purpose="address", digest=f"{user.pk}", email="x@x.example", created_at=NOW, expires_at=NOW + timedelta(1)
    )  # fmt: skip


def _withdrawing(case: Case) -> dict[str, Any]:
    _pending(_user(case))
    return {"user": _user(case)}


def _withdrawing_of(case: Case) -> dict[str, Any]:
    _pending(case.worker.user)
    return {"membership_id": case.worker.pk}


def _proof(case: Case) -> dict[str, Any]:
    codes = switch_on(
        Person(Membership.objects.select_related("user", "organization").get(pk=case.person.membership.pk)), now=NOW
    )
    return {"user": _user(case), "password": PASSWORD, "code": codes[0]}  # fmt: skip


def _taken_app(case: Case) -> dict[str, Any]:
    _proof(case)
    User.objects.filter(pk=case.person.membership.user_id).update(two_factor_at=None)
    return {"user": _user(case)}


def _lost_factor(case: Case) -> dict[str, Any]:
    User.objects.filter(pk=case.worker.user_id).update(two_factor_at=NOW)
    return {"membership_id": case.worker.pk}


def _inviting(organization: Callable[[Case], int], **more: Any) -> Kwargs:
    return lambda case: {
        "organization_id": organization(case), "email": "new@x.example", "name": "New", "language": "en", "grants": [], **more,
    }  # fmt: skip


def _rights(case: Case, **more: Any) -> dict[str, Any]:
    who = case.worker
    return {"membership_id": who.pk, "version": who.version, "is_technician": who.is_technician, "grants": [], **more}


def _creating(kind: str, parent: Callable[[Case], Organization], **more: Any) -> Kwargs:
    return lambda case: {"kind": kind, "name": "New firm", "parent": parent(case), **more}


def _adding(kind: str, **more: Any) -> Kwargs:
    person = {"email": "new@x.example", "name": "New", "language": "en"}
    return lambda case: {**_creating(kind, _own_firm, **more)(case), "person": person}


def _own_firm(case: Case) -> Organization:
    return Organization.objects.get(pk=case.person.firm.pk)


def _firm(case: Case) -> dict[str, Any]:
    return {"organization_id": case.installer.pk, "version": case.installer.version}


def _permissions(**change: bool) -> Kwargs:
    """All permissions of the installer as they are, but one."""

    def kwargs(case: Case) -> dict[str, Any]:
        firm = case.installer
        now_is = {name: getattr(firm, name) for name in ("pays_regular", "pays_credits", "require_2fa", "sees_prices")}
        return {**_firm(case), "permissions": now_is | change}

    return kwargs


def _basics(case: Case, **change: Any) -> dict[str, Any]:
    site = case.site
    return {
        "site_id": site.pk,
        "version": site.version,
        "basics": {"name": site.name, **ADDRESS},
        "free_members": site.free_members,
        "switches": {code: getattr(site, code) for code in catalogue.SWITCHES},
        "options": OPTIONS,
        **change,
    }


def _flat(case: Case, **more: Any) -> dict[str, Any]:
    return {
        "building_id": case.key("building"), "floor": "9", "number": "99", "name": "",
        "switches": {"indoor_monitor": False, "landline": False, "video_storage": False}, **more,
    }  # fmt: skip


def _same_flat(case: Case, **more: Any) -> dict[str, Any]:
    flat = case.row(Apartment, "apartment")
    switches = {code: getattr(flat, code) for code in ("indoor_monitor", "landline", "video_storage")}
    return {
        "apartment_id": flat.pk, "version": flat.version, "floor": flat.floor, "number": flat.number, "name": "Corner",
        "switches": switches, **more,
    }  # fmt: skip


def _offering(case: Case) -> dict[str, Any]:
    """To another installer below Sam."""
    other = offered.installer_below(case.world.person("sam"), "Next Door", "next@door.example")
    return {"site_id": case.site.pk, "to_id": other.firm.pk, "to_name": other.firm.name}


def _offered(case: Case) -> dict[str, Any]:
    """The site in sight, offered by its installer."""
    other = offered.installer_below(case.world.person("sam"), "Next Door", "next@door.example")
    owner = case.world.person("ines" if case.estate == "norden" else "ivan")
    return {"handover_id": offered.offer(owner, case.site, other)}


def _incoming(case: Case) -> dict[str, Any]:
    """A site that somebody offers to the installer of the site in sight."""
    other = offered.installer_below(case.world.person("dora"), "Next Door", "next@door.example")
    owner = case.world.person("ines" if case.estate == "norden" else "ivan")
    return {"handover_id": offered.offer(other, offered.bare_site(other, "Next site"), owner)}


def _accepting(case: Case) -> dict[str, Any]:
    kwargs = _incoming(case)
    site = Site.objects.get(handovers=kwargs["handover_id"])
    return {**kwargs, "digest": handover.dry_run(site, NOW).digest}


def _bulk(case: Case) -> dict[str, Any]:
    """One apartment, whose monitor stands elsewhere now, gets another with the change."""
    flat = case.row(Apartment, "apartment")
    Apartment.objects.filter(pk=flat.pk).update(floor="2", indoor_monitor=False)
    Device.objects.filter(apartment=flat).update(apartment=None, building=flat.building_id)
    wanted = bulk.Wanted(indoor_monitor=True, building_id=flat.building_id, floor="2")
    shown = bulk.dry_run(case.site, wanted).digest
    monitors = {flat.pk: MonitorEntry(_free_mac(case), "Hall")}
    return {"site_id": case.site.pk, "wanted": wanted, "digest": shown, "monitors": monitors, "may_wait": False}


def _sheet(case: Case) -> dict[str, Any]:
    """An apartment gets another number, family master, switch and monitor, and another is added."""
    flat = case.row(Apartment, "apartment")
    Site.objects.filter(pk=case.site.pk).update(indoor_monitor=False, landline=True)
    Apartment.objects.filter(pk=flat.pk).update(landline=False)
    edit = device_actions.Edit(
        flat.version, number="9.98", master=device_actions.Person("New Name"), switches={"landline": True},
        monitor=MonitorEntry(_free_mac(case), "Hall 2"),
    )  # fmt: skip
    added = device_actions.New(flat.building_id, "9", "9.99", device_actions.Person("Ada", "ada@x.example"))
    return {"site_id": case.site.pk, "edits": {flat.pk: edit}, "new": {"n1": added}}


def _sheet_of_people(case: Case) -> dict[str, Any]:
    """A family master alone."""
    flat = case.row(Apartment, "apartment")
    edit = device_actions.Edit(flat.version, master=device_actions.Person("New Name", "new@x.example"))
    return {"site_id": case.site.pk, "edits": {flat.pk: edit}, "new": {}}


def _import(case: Case) -> dict[str, Any]:
    line = imported.Line(2, {"number": "93", "floor": "9", "mac": _free_mac(case), "monitor": "Hall"})
    return {
        "site_id": case.site.pk, "name": "a.csv", "size": 1, "columns": ["number"], "lines": [line], "language": "en",
    }  # fmt: skip


def _begun(case: Case) -> dict[str, Any]:
    """An import with one good row, of which nothing is written yet."""
    made = case.key("import")
    ApartmentImport.objects.filter(pk=made).update(started_at=NOW)
    return {"import_id": made, "numbers": [2]}


def _bulk_back(case: Case) -> dict[str, Any]:
    change = case.row(ServiceChange, "change")
    return {"change_id": change.pk, "digest": bulk.undo_run(change).digest}


def _free(case: Case, **what: Any) -> dict[str, Any]:
    """Something of the site, of which no open order holds an item."""
    Entitlement.objects.filter(site=case.site).update(reserved_by=None)
    return what


def _archived(case: Case, model: Any, kind: str) -> dict[str, Any]:
    """Something of the site that was archived."""
    row = case.site if model is Site else case.row(model, kind)
    act = getattr(archives, f"archive_{kind}")
    act(case.builder.actor, **_free(case, **{f"{kind}_id": row.pk}), now=NOW)
    return {f"{kind}_id": row.pk}


def _bare_site(case: Case) -> Site:
    given = _basics(case)
    return sites.create_community(
        case.builder.actor, basics={**given["basics"], "name": "Nothing there"}, free_members=4, switches=given["switches"],
        options=OPTIONS, now=NOW,
    )  # fmt: skip


def _new_building(case: Case) -> Building:
    return sites.add_building(case.builder.actor, site_id=case.site.pk, name="Nothing there", now=NOW)


def _new_flat(case: Case) -> Apartment:
    return apartments.create_apartment(case.builder.actor, **_flat(case), now=NOW)


def _resident(case: Case) -> dict[str, Any]:
    row = case.row(Resident, "resident")
    return {
        "resident_id": row.pk, "version": row.version, "name": "Kim", "email": "kim@x.example", "mobile": "", "language": "en",
        "remark": "",
    }  # fmt: skip


def _piece(case: Case, **change: Any) -> dict[str, Any]:
    row = case.row(Equipment, "equipment")
    Equipment.objects.filter(pk=row.pk).update(version=row.version, **change)
    return {"equipment_id": row.pk, "version": row.version}


def _account(case: Case, **change: Any) -> dict[str, Any]:
    row = case.row(CommercialAccount, "account")
    CommercialAccount.objects.filter(pk=row.pk).update(version=row.version, **change)
    return {"account_id": row.pk, "version": row.version}


def _sensor_mac(case: Case) -> str:
    LibraryEntry.objects.filter(pk=case.key("entry")).update(type="sensor", model="MR01")
    return str(case.row(LibraryEntry, "entry"))


def _house() -> dict[str, Any]:
    off = dict.fromkeys(catalogue.SWITCHES, False)
    return {"basics": {"name": "New villa", **ADDRESS}, "free_members": 4, "switches": off, "options": OPTIONS}


def _same_house(case: Case) -> dict[str, Any]:
    site = case.row(Site, "house")
    return {
        "site_id": site.pk, "version": site.version, "basics": {"name": "Villa", **ADDRESS},
        "switches": {**dict.fromkeys(catalogue.SWITCHES, False), "landline": True}, "options": OPTIONS,
    }  # fmt: skip


def _same_works(case: Case) -> dict[str, Any]:
    site = case.row(Site, "commercial")
    return {
        "site_id": site.pk, "version": site.version, "basics": {"name": "Works", **ADDRESS}, "elevator_control": False, "time_attendance": True,
    }  # fmt: skip


def _member(case: Case, **how: Any) -> dict[str, Any]:
    """Somebody who lives with the family master."""
    row = case.row(Resident, "resident")
    row.pk, row.is_master, row.name = None, False, "Member"
    for name, value in how.items():
        setattr(row, name, value)
    row.save(force_insert=True)
    return {"resident_id": row.pk}


def _printed(case: Case) -> dict[str, Any]:
    """A household with a code."""
    apartment_id = case.key("apartment")
    registrations.make_code(case.builder.actor, apartment_id=apartment_id, now=NOW)
    return {"apartment_id": apartment_id}


def _connected(case: Case) -> dict[str, Any]:
    """A site whose connection nobody has enabled yet."""
    row, _token = pms.connect(case.builder.actor, site_id=case.site.pk, is_beyond_free=False, now=NOW)
    return {"connection_id": row.pk}


def _member_who_waits(case: Case) -> dict[str, Any]:
    Site.objects.filter(pk=case.site.pk).update(free_members=0)
    return _member(case, stage="waiting", is_accepted=False)


def _mover(case: Case) -> dict[str, Any]:
    """A member who moves to where nobody lives."""
    flat = case.row(Apartment, "apartment")
    there = Apartment.objects.filter(site=case.site).exclude(pk=flat.pk).order_by("pk")[0]
    return {**_member(case), "version": 1, "apartment_id": there.pk}


def _spare_device(case: Case) -> dict[str, Any]:
    """A monitor that its apartment does not require."""
    device = case.row(Device, "device")
    Apartment.objects.filter(pk=device.apartment_id).update(indoor_monitor=False)
    return {"device_id": device.pk}


def _billing(case: Case) -> dict[str, Any]:
    profile = BillingProfile.objects.filter(organization=case.person.firm).first()
    return {
        "organization": case.person.firm, "version": profile.version if profile else None, "company": "New name", "email": "b@x.example",
        "street": "Street 1", "postal_code": "0155", "city": "Oslo", "country": "NO",
    }  # fmt: skip


def _free_mac(case: Case) -> str:
    return f"{MACS[case.estate]}0008"


def _entry(case: Case) -> LibraryEntry:
    return LibraryEntry.objects.filter(devices=None, installer=case.installer).order_by("pk")[0]


def _cart(case: Case) -> dict[str, Any]:
    free = carts.activatable(
        case.world.person("olga").actor, installer=case.installer, site_kind=case.site.kind
    ).filter(site=case.site)
    ids = list(free.order_by("-pk").values_list("pk", flat=True)[:1])
    return {"installer_id": case.installer.pk, "site_kind": case.site.kind, "entitlement_ids": ids, "months": 1}


def _wanted(case: Case) -> dict[str, Any]:
    free = requests.requestable(case.world.person("ines").actor, installer=case.installer, site_kind=case.site.kind)
    return {"site_kind": case.site.kind, "entitlement_ids": list(free.values_list("pk", flat=True)[:1]), "months": 1}


def _placing(case: Case) -> dict[str, Any]:
    cart = Cart.objects.get(pk=case.paid("cart"))
    distributor = cart.installer.distributor
    assert distributor is not None
    shown = carts.priced(carts.contents(cart), distributor=distributor, months=cart.months, now=NOW)
    return {"cart_id": cart.pk, "fingerprint": shown.fingerprint(), "terms_version": "1", "return_base": BASE}


def _extending(case: Case) -> dict[str, Any]:
    distributor = case.installer.distributor
    assert distributor is not None
    chosen = _running(case)
    shown = extending.priced(chosen, Months(1), upgrades=True, distributor=distributor, now=NOW)
    return {
        "installer_id": case.installer.pk, "site_kind": case.site.kind, "entitlement_ids": list(chosen.values_list("pk", flat=True)),
        "term": Months(1), "fingerprint": shown.fingerprint(), "terms_version": "1", "return_base": BASE,
    }  # fmt: skip


def _running(case: Case) -> QuerySet[Entitlement]:
    """A Premium Plan that runs, paid for less than is on."""
    plan = (
        Entitlement.objects.filter(site=case.site, service_type="premium", reserved_by=None).order_by("-pk")[:1].get()
    )
    RequestItem.objects.filter(entitlement=plan).delete()
    Entitlement.objects.filter(pk=plan.pk).pay_until(
        NOW + timedelta(days=10), variant="landline+booking", paid_variant="landline"
    )
    return Entitlement.objects.filter(pk=plan.pk)


def _upgrade(case: Case) -> dict[str, Any]:
    return {"site_kind": case.site.kind, "entitlement_ids": list(_running(case).values_list("pk", flat=True))}


def _placing_with_billing(case: Case) -> dict[str, Any]:
    billing = _billing(case)
    del billing["organization"]
    return {**_placing(case), "invoice_to": billing}


def _order(case: Case) -> dict[str, Any]:
    return {"number": case.paid("order")}


def _review(case: Case) -> dict[str, Any]:
    number = case.paid("order")
    Order.objects.filter(number=number).update(state=Order.State.REVIEW)
    return {"number": number, "is_accepted": False, "reason": "looked at"}


def _duplicate(case: Case) -> dict[str, Any]:
    number = case.paid("order")
    payment = Payment.objects.filter(subject=number).latest("pk")
    taken = {"state": "succeeded", "captured_minor": payment.amount_minor, "gateway_payment_ref": "pi_second"}
    Payment.objects.filter(pk=payment.pk).update(**taken)
    Order.objects.filter(number=number).update(state=Order.State.SUCCEED)
    detail = {"payment": payment.pk, "payment_ref": "pi_second"}
    OrderEvent.objects.create(order=Order.objects.get(number=number), at=NOW, kind="duplicate_payment", detail=detail)
    return {"number": number, "reason": "sent back"}


def _request(case: Case) -> dict[str, Any]:
    return {"request_id": case.key("request")}


def _renewed(case: Case) -> list[int]:
    """The items of the auto-renewal."""
    items = AutoRenewalItem.objects.live().filter(auto_renewal=case.paid("auto_renewal"))
    return list(items.values_list("entitlement_id", flat=True))


def _taken_out(case: Case) -> list[int]:
    """Items that were taken out of the auto-renewal."""
    ids = _renewed(case)
    Entitlement.objects.filter(pk__in=ids).pay_until(NOW + timedelta(days=10))
    payer = AutoRenewal.objects.get(pk=case.paid("auto_renewal")).payer
    firm = Membership.objects.usable().filter(organization=payer, is_technician=False).order_by("pk")[0]
    return leaving.take_out(Person(firm).actor, entitlement_ids=ids, now=NOW)


def _auto_renewal(case: Case) -> dict[str, Any]:
    return {"auto_renewal_id": case.paid("auto_renewal")}


def _notice(case: Case) -> dict[str, Any]:
    return {"notice_id": case.world.holdings["sam" if case.name == "sam" else "hafen"].keys["notice"][0]}


def _new_site(case: Case) -> dict[str, Any]:
    """The draft of the firm becomes a community with a building, a family master and a monitor."""
    draft = case.row(SiteDraft, "draft")
    flats = [NewApartment("1", "1.01", master="Kim", email="kim@x.example")]
    new = NewSite(
        basics={"name": "Wholly new", **ADDRESS}, free_members=4, switches=dict(catalogue.DEFAULTS), options=OPTIONS,
        buildings=[NewBuilding("House", flats)], monitors={(0, 0): MonitorEntry(_free_mac(case), "Hall")},
    )  # fmt: skip
    return {"draft_id": draft.pk, "version": draft.version, "new": new}


# Not permissions of a role, with why.
LEFT_OUT = {
    "sites.begin_community": "a part of create_community and create_site, and asks like them",
    "sites.begin_site": "as begin_community, for every project type",
    "pms.record_class": "a part of revoke and of a sync, which ask",
    "registration.insert": "a part of the registration of devices, which asks",
    "buildings.build": "a part of create_site and add_building, which ask",
    "many.register_many": "a part of create_site and add_building, which ask",
    "apartment_rows.add_apartments": "a part of apply_sheet, which asks",
    "apartment_rows.set_masters": "a part of apply_sheet, which asks",
    "switching.record": "a part of bulk changes and of apply_sheet, which ask",
    "members.add_member": "of the seed and of tests; people invite",
    "members.record": "writes the audit of an action that has asked already",
    "profile.record": "as members.record",
    "support.noted": "asks in a query whether record_view has noted it",
    "support.record_view": "notes that the operator looked; whoever may look is noted or not, and nothing else is done",
    "returns.record_sent": "told by whoever was let start the payment",
    "returns.record_returned": "an address that anybody may open: where the actor may not pay it notes nothing, and says so",
    "returns.record_left": "as record_returned",
    "households.events_of": "makes the audit rows of an action that has asked already",
    "carts.new_cart": "a part of fill_cart and of approve, which ask",
    "carts.show_again": "a part of change_term and of approve, which ask and hold the cart's lock",
    "carts.extendable": "a question about what one sees at that time; place_extension and request_upgrade ask it",
    "opening.open_order": "a part of place_order and of the renewal engine, which ask",
    "refunds.record_outside_refund": "a part of reviews.resolve and record_duplicate_repaid, which ask",
    "registration.register_monitors": "a part of add_apartment and add_monitor, which ask",
}

SELLER = {
    "name": "Vendor", "street": "Street 1", "postal_code": "0155", "city": "Oslo", "country": "NO", "email": "a@x.example",
    "tax_number": "NO 1",
}  # fmt: skip

TABLE: dict[str, Row] = {
    # --- accounts: the own login, whatever the role
    "addresses.ask_for_address": Row("ODSITM", lambda c: {"user": _user(c), "email": "n@x.example", "password": PASSWORD}, own=True),
    "addresses.withdraw_address": Row("ODSITM", _withdrawing, own=True),
    "long_jobs.start_job": Row(
        "ODSITM", lambda c: {"kind": "export", "subject": "sites", "parameters": {"address": "/sites/?format=csv"}}, own=True
    ),
    "long_jobs.cancel_job": Row("ODSITM", lambda c: {"job_id": c.job}, own=True),
    "profile.edit_profile": Row("ODSITM", lambda c: {"user": _user(c), "values": PROFILE, "seen": {}}, own=True),
    "profile.change_password": Row(
        "ODSITM", lambda c: {"user": _user(c), "password": "a new one of several words", "session_key": None}, own=True
    ),
    "notices.choose_topics": Row("ODSITM", lambda c: {"user": _user(c), "muted": {"orders"}, "seen": {}}, own=True),
    "sessions.end_session": Row("ODSITM", lambda c: {"user": _user(c), "session_id": c.mine("session")}, own=True),
    "sessions.end_other_sessions": Row("ODSITM", lambda c: {"user": _user(c), "but": ""}, own=True),
    "two_factor.switch_two_factor_on": Row("ODSITM", _taken_app, own=True),
    "two_factor.switch_two_factor_off": Row("ODSITM", _proof, own=True),
    "two_factor.renew_recovery_codes": Row("ODSITM", _proof, own=True),
    "tokens.create_token": Row(
        "ODSITM", lambda c: {"name": "t", "scopes": ["read:sites"], "expires_at": None, "password": PASSWORD}, own=True
    ),
    "tokens.create_token:orders": Row(
        "ODSIM", lambda c: {"name": "t", "scopes": ["read:orders"], "expires_at": None, "password": PASSWORD}, own=True
    ),
    "tokens.revoke_token": Row("ODSITM", lambda c: {"token_id": c.mine("token")}, own=True),
    # --- accounts: people and firms
    "addresses.ask_for_address_of": Row("ODSI", lambda c: {"membership_id": c.worker.pk, "email": "n@x.example"}, installer="ivan"),
    "addresses.withdraw_address_of": Row("ODSI", _withdrawing_of),
    "invitations.invite": Row("ODSI", _inviting(lambda c: c.installer.pk)),
    "invitations.invite:technician": Row("I", _inviting(lambda c: c.installer.pk, is_technician=True)),
    "invitations.invite:manager": Row("I", _inviting(lambda c: c.world.person("petra").firm.pk)),
    "invitations.resend_invitation": Row("ODSI", lambda c: {"membership_id": c.key("invited")}),
    "invitations.cancel_invitation": Row("ODSI", lambda c: {"membership_id": c.key("invited")}),
    "known_logins.deactivate_logins": Row("O", lambda c: {"addresses": ["nobody@x.example"]}),
    "members.edit_member": Row("ODSI", _rights),
    "members.edit_member:role": Row("I", lambda c: _rights(c, is_technician=not c.worker.is_technician)),
    "members.set_member_active": Row("ODSI", lambda c: {"membership_id": c.key("invited"), "is_active": False}),
    "two_factor.reset_two_factor": Row("ODSI", _lost_factor),
    "notices.send_again": Row("ODSI", _notice),
    "organizations.create_organization:distributor": Row("O", _creating(Kind.DISTRIBUTOR, _own_firm, currency="USD"), own=True),
    "organizations.create_organization:subdistributor": Row("D", _creating(Kind.SUBDISTRIBUTOR, _own_firm), own=True),
    "organizations.create_organization:installer": Row("DS", _creating(Kind.INSTALLER, _own_firm), own=True),
    "organizations.create_organization:manager": Row("I", _creating(Kind.MANAGER, _own_firm), own=True),
    "organizations.edit_organization": Row("ODSI", lambda c: {**_firm(c), "basics": {"name": "Renamed"}}),
    "organizations.edit_organization:permissions": Row(
        "ODS", lambda c: {**_permissions(pays_regular=False)(c), "basics": {"name": "Renamed"}}
    ),
    "firms.add_firm:distributor": Row("O", _adding(Kind.DISTRIBUTOR, currency="USD"), own=True),
    "firms.add_firm:subdistributor": Row("D", _adding(Kind.SUBDISTRIBUTOR), own=True),
    "firms.add_firm:installer": Row("DS", _adding(Kind.INSTALLER), own=True),
    "firms.add_firm:manager": Row("I", _adding(Kind.MANAGER), own=True),
    "organizations.set_permissions:pays_regular": Row("ODS", _permissions(pays_regular=False)),
    "organizations.set_permissions:pays_credits": Row("ODS", _permissions(pays_credits=True)),
    "organizations.set_permissions:require_2fa": Row("ODS", _permissions(require_2fa=True)),
    "organizations.set_permissions:sees_prices": Row("ODS", _permissions(sees_prices=False)),
    "organizations.set_organization_active": Row("ODS", lambda c: {"organization_id": c.installer.pk, "is_active": False}),
    "seller.publish": Row("O", lambda c: {"values": SELLER, "valid_from": NOW}),
    "mail_state.send_test": Row("O", lambda c: {"user": _user(c)}),
    "terms.save_draft": Row("O", lambda c: {"document": "terms", "texts": {"en": "Text"}, "valid_from": None, "version": None}),
    "terms.discard_draft": Row("O", lambda c: {"document": "terms", "version": None}),
    "terms.publish": Row("O", lambda c: {"document": "terms", "texts": {"en": "Text"}, "valid_from": NOW}),
    # --- communities
    "sites.create_community": Row(
        "I",
        lambda c: {
            "basics": {"name": "New site", **ADDRESS}, "free_members": 4, "switches": dict(catalogue.DEFAULTS), "options": OPTIONS,
        },
    ),
    "sites.edit_site": Row("DSIT", _basics),
    "sites.edit_site:free_members": Row("D", lambda c: _basics(c, free_members=9)),
    "sites.add_building": Row("IT", lambda c: {"site_id": c.site.pk, "name": "New house"}),
    "sites.rename_building": Row(
        "IT", lambda c: {"building_id": c.key("building"), "version": c.row(Building, "building").version, "name": "Renamed"}
    ),
    "drafts.start_draft": Row("I", lambda c: {"parts": {}}, own=True),
    "drafts.save_draft": Row("I", lambda c: {"draft_id": c.key("draft"), "parts": {"basics": {"name": "Quay"}}, "step": "structure"}),
    "drafts.copy_site": Row("I", lambda c: {"site_id": c.site.pk}),
    "drafts.delete_draft": Row("I", lambda c: {"draft_id": c.key("draft")}),
    "apartments.create_apartment": Row("IT", _flat),
    "apartments.change_apartment": Row("IT", _same_flat),
    "archives.archive_apartment": Row("IT", lambda c: _free(c, apartment_id=c.key("apartment"))),
    "archives.archive_building": Row("IT", lambda c: _free(c, building_id=c.key("building"))),
    "archives.archive_site": Row("I", lambda c: _free(c, site_id=c.site.pk)),
    "archives.restore_apartment": Row("IT", lambda c: _archived(c, Apartment, "apartment")),
    "archives.restore_building": Row("IT", lambda c: _archived(c, Building, "building")),
    "archives.restore_site": Row("I", lambda c: _archived(c, Site, "site")),
    "archives.delete_apartment": Row("IT", lambda c: {"apartment_id": _new_flat(c).pk}),
    "archives.delete_building": Row("IT", lambda c: {"building_id": _new_building(c).pk}),
    "archives.delete_site": Row("I", lambda c: {"site_id": _bare_site(c).pk}),
    "residents.add_resident": Row("ITM", lambda c: {"apartment_id": c.key("apartment"), "name": "Kim", "email": "kim@x.example"}),
    "residents.edit_resident": Row("ITM", _resident),
    "moving.make_master": Row("ITM", _member),
    "moving.accept_resident": Row("IT", _member_who_waits),
    "moving.move_resident": Row("ITM", _mover),
    "moving.move_out": Row("ITM", lambda c: {"apartment_id": c.key("apartment")}),
    "moving.move_out:later": Row("ITM", lambda c: {"apartment_id": c.key("apartment"), "on": LATER}),
    "moving.move_in": Row(
        "ITM",
        lambda c: {"apartment_id": c.key("apartment"), "people": [Entry(name="New", email="n@x.example")], "replaces": True},
    ),
    "registrations.make_code": Row("ITM", lambda c: {"apartment_id": c.key("apartment")}),
    "registrations.make_codes": Row("ITM", lambda c: {"building_id": c.key("building")}),
    "registrations.revoke_code": Row("ITM", _printed),
    "pms.connect": Row("I", lambda c: {"site_id": c.site.pk, "is_beyond_free": False}),
    "pms.enable": Row("OD", _connected),
    "pms.renew_token": Row("I", lambda c: {**_connected(c), "is_beyond_free": True}),
    "pms.revoke": Row("ODI", _connected),
    "residents.remove_resident": Row("ITM", lambda c: {"resident_id": c.key("resident")}),
    "assignments.set_managers": Row("I", lambda c: {"site_id": c.site.pk, "pm_app_by_membership": {}}),
    "assignments.set_technicians": Row("I", lambda c: {"site_id": c.site.pk, "membership_ids": []}),
    "assignments.set_sites_of": Row("I", lambda c: {"membership_id": c.worker.pk, "site_ids": []}),
    "assignments.set_people": Row(
        "I",
        lambda c: {
            "site_id": c.site.pk, "version": c.site.version, "pm_app_by_membership": {}, "technician_ids": [],
        },
    ),
    "equipment.add_equipment": Row("IT", lambda c: {"site_id": c.site.pk, "kind": "lock", "piece": Piece("Cellar", maker="iTec")}),
    "equipment.edit_equipment": Row("IT", lambda c: {**_piece(c), "piece": Piece("Renamed", maker="Dormakaba")}),
    "equipment.move_equipment": Row("IT", lambda c: {**_piece(c), "place": Place()}),
    "equipment.archive_equipment": Row("IT", lambda c: _piece(c)),
    "equipment.restore_equipment": Row("IT", lambda c: _piece(c, archived_at=NOW)),
    "equipment.remove_equipment": Row("IT", lambda c: _piece(c)),
    "houses.create_house": Row("I", lambda c: _house()),
    "houses.change_house": Row("IT", lambda c: {**_same_house(c), "has_monitor": False}),
    "commercial.create_commercial": Row(
        "I", lambda c: {"basics": {"name": "New works", **ADDRESS}, "elevator_control": True, "time_attendance": True}
    ),
    "commercial.edit_commercial": Row("DSIT", _same_works),
    "commercial_accounts.add_account": Row("ITM", lambda c: {"site_id": c.key("commercial"), "holder": HOLDER}),
    "commercial_accounts.edit_account": Row("ITM", lambda c: {**_account(c), "holder": HOLDER}),
    "commercial_accounts.switch_intercoms": Row(
        "ITM",
        lambda c: {
            "site_id": c.key("commercial"), "wanted": {c.key("account"): False}, "versions": {c.key("account"): _account(c)["version"]},
        },
    ),
    "commercial_accounts.archive_account": Row("ITM", lambda c: _account(c)),
    "commercial_accounts.restore_account": Row("ITM", lambda c: _account(c, archived_at=NOW)),
    "commercial_accounts.remove_account": Row("ITM", lambda c: _account(c)),
    # --- devices
    "equipment_devices.add_equipment": Row(
        "IT",
        lambda c: {
            "site_id": c.site.pk, "kind": "sensor", "piece": Piece("Hall"), "entry": MonitorEntry(_sensor_mac(c), ""),
        },
    ),
    "equipment_devices.edit_equipment": Row("IT", lambda c: {**_piece(c), "piece": Piece("Renamed", maker="Dormakaba")}),
    "equipment_devices.move_equipment": Row("IT", lambda c: {**_piece(c), "place": Place()}),
    "equipment_devices.archive_equipment": Row("IT", lambda c: _piece(c)),
    "equipment_devices.restore_equipment": Row("IT", lambda c: _piece(c, archived_at=NOW)),
    "equipment_devices.remove_equipment": Row("IT", lambda c: _piece(c)),
    "houses.add_house": Row("I", lambda c: _house()),
    "houses.edit_house": Row("IT", _same_house),
    "apartments.add_apartment": Row("IT", lambda c: _flat(c, monitors=[])),
    "apartments.edit_apartment": Row("IT", lambda c: _same_flat(c, monitors=[])),
    "imports.start_import": Row("IT", _import),
    "imports.correct_import": Row("IT", lambda c: {"import_id": c.key("import"), "cells": {}, "way": (3, 0)}),
    "imports.begin_import": Row("IT", lambda c: {"import_id": c.key("import"), "only_good": True}),
    "imports.discard_import": Row("IT", lambda c: {"import_id": c.key("import")}),
    "imports.note_job": Row("IT", lambda c: {"import_id": c.key("import"), "job": LongJob.objects.latest("pk")}),
    "import_writing.write_rows": Row("IT", _begun),
    "bulk.apply_bulk_change": Row("IT", _bulk),
    "bulk.undo_bulk_change": Row("IT", _bulk_back),
    "sheet.apply_sheet": Row("IT", _sheet),
    "sheet.apply_sheet:masters": Row("ITM", _sheet_of_people),
    "structures.create_site": Row("I", _new_site),
    "structures.add_building": Row(
        "IT", lambda c: {"site_id": c.site.pk, "building": NewBuilding("Annexe", [NewApartment("1", "1")])}
    ),
    "library.add_to_library": Row("D", lambda c: {"macs": [LibraryRow("0C1105EE0001", "C313")], "installer_id": c.installer.pk}),
    "library.assign_library_entry": Row("D", lambda c: {"entry_id": _entry(c).pk, "installer_id": None, "version": _entry(c).version}),
    "library.retire_library_entry": Row("D", lambda c: {"entry_id": _entry(c).pk, "version": _entry(c).version}),
    "monitors.add_monitor": Row("IT", lambda c: {"apartment_id": c.key("apartment"), "entry": MonitorEntry(_free_mac(c), "Hall")}),
    "monitors.rename_device": Row(
        "IT", lambda c: {"device_id": c.key("device"), "version": c.row(Device, "device").version, "name": "Renamed"}
    ),
    "monitors.remove_device": Row("IT", _spare_device),
    "monitors.swap_device": Row(
        "IT", lambda c: {"device_id": c.key("device"), "entry": MonitorEntry(_free_mac(c), "Hall"), "reason": "broken", "retire_old": False}
    ),
    # --- payments
    "billing.save_billing": Row("ODSIM", _billing, own=True),
    "methods.remove_method": Row("ODSI", lambda c: {"method_id": c.paid("method")}),
    # --- subscriptions
    "auto_renewals.stop_auto_renewal": Row("DSI", _auto_renewal),
    "leaving.take_out": Row("DSI", lambda c: {"entitlement_ids": _renewed(c)}),
    "leaving.bring_back": Row("DSI", lambda c: {"item_ids": _taken_out(c)}),
    "cards.change_card": Row("DSI", lambda c: {**_auto_renewal(c), "method_id": c.paid("method")}),
    "cards.start_card_setup": Row("DSI", lambda c: {**_auto_renewal(c), "return_base": BASE}),
    "cards.remove_card": Row("DSI", lambda c: {"method_id": c.paid("method"), "stops": 1}),
    "carts.fill_cart": Row("DSI", _cart),
    "carts.change_term": Row("DSI", lambda c: {"cart_id": c.paid("cart"), "months": 3}),
    "orders.place_order": Row("DSI", _placing),
    "extending.place_extension": Row("DSI", _extending),
    "orders.place_order:invoice": Row("DSI", _placing_with_billing),
    "orders.start_payment": Row("DSI", lambda c: {**_order(c), "return_base": BASE}),
    "orders.cancel_order": Row("DSI", _order),
    "returns.check": Row("DSI", _order),
    "prices.publish_price_list": Row("O", lambda c: {"currency": "USD", "amounts": INVENTED_PRICES, "valid_from": NOW}),
    "requests.request_activation": Row("I", _wanted, installer="ines"),
    "requests.request_upgrade": Row("I", _upgrade, installer="ines"),
    "request_decisions.approve": Row("DS", _request),
    "request_decisions.refuse": Row("DS", lambda c: {**_request(c), "reason": "no"}),
    "request_decisions.withdraw": Row("I", _request, installer="ines"),
    "reviews.record_duplicate_repaid": Row("O", _duplicate),
    "reviews.resolve": Row("O", _review),
    "handovers.ask": Row("DSI", _offering),
    "handovers.withdraw": Row("DSI", _offered),
    "handovers.refuse": Row("I", lambda c: {**_incoming(c), "reason": "no"}),
    "handing_over.accept": Row("I", _accepting),
    "tenancy.move_installer": Row("D", lambda c: {"installer_id": c.installer.pk, "to_id": c.world.person("sam").firm.pk}),
}  # fmt: skip
