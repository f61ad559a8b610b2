"""Forms of the people of a site: residents, managers, technicians."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import Kind, Membership
from accounts.scope import Actor
from accounts.typed.text import sought
from communities.actions import sites
from communities.models import Entitlement, ManagerAssignment, Site, TechnicianAssignment
from smartplus.portal.kit import conflicts
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.numbers import typed_id
from smartplus.portal.sites.people import Asked, Crowd
from smartplus.portal.users.queries import Person

FIND = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": _("Name or email")})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person with its ticks; `paid` is the entitlement that keeps the PM App ticked while the person is assigned."""

    person: Person
    is_assigned: bool
    has_app: bool
    paid: Entitlement | None

    @property
    def membership(self) -> Membership:
        """The membership of the person."""
        return self.person.membership


class PeopleForm(forms.Form):
    """Who looks after a site: a tick box for each of the installer's own people.

    Of many people the page has the boxes of those who are assigned (a page of them), who are ticked, and whom a search (`find_…`) found; a
    person without a box stays as it is. `query` is that of the page's address. `sent_before` is a form that was sent earlier, whose ticked
    people have boxes here too.
    """

    managers = forms.TypedMultipleChoiceField(label=_("Property managers"), coerce=int, required=False)
    pm_app = forms.TypedMultipleChoiceField(label=_("PM App"), coerce=int, required=False)
    technicians = forms.TypedMultipleChoiceField(label=_("Technicians"), coerce=int, required=False)
    find_manager = LineField(label=_("Add a property manager"), max_length=120, required=False, widget=FIND)
    find_technician = LineField(label=_("Add a technician"), max_length=120, required=False, widget=FIND)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        actor: Actor,
        site: Site,
        now: datetime,
        query: QueryDict,
        sent_before: QueryDict | None = None,
    ) -> None:
        super().__init__(data, label_suffix="")
        self._site, self._now, self._query = site, now, query
        sent = data or sent_before or QueryDict()
        self.managed = self._managers_of_site(actor, sent)
        self.working = self._technicians_of_site(actor, sent)
        self._paid = self._paid_of(self.managed.ids)
        self.initial = {
            "managers": sorted(self.managed.ids & self.managed.assigned_ids),
            "pm_app": sorted(pk for pk in self.managed.ids if self._apps.get(pk)),
            "technicians": sorted(self.working.ids & self.working.assigned_ids),
            "version": site.version,
        }
        for name, crowd in (
            ("managers", self.managed), ("pm_app", self.managed), ("technicians", self.working),
        ):  # fmt: skip
            choices = self.fields[name]
            assert isinstance(choices, forms.TypedMultipleChoiceField)
            choices.choices = [(row.membership.pk, row.membership.known_as) for row in crowd.rows]
            choices.error_messages["invalid_choice"] = _("One of the chosen people is not yours to choose.")

    def _managers_of_site(self, actor: Actor, sent: QueryDict) -> Crowd:
        managed = ManagerAssignment.objects.visible_to(actor).filter(site=self._site, ended_at=None)
        rows = list(managed.order_by().values_list("membership_id", "pm_app", "target_id"))
        self._apps = {person: has_app for person, has_app, _target in rows}
        self._targets = {target: person for person, _has_app, target in rows}
        assigned = Q(managed_sites__site=self._site, managed_sites__ended_at=None)
        ticked = _ids(sent.getlist("managers") + sent.getlist("pm_app"))
        return Crowd(
            self._site,
            kind=Kind.MANAGER,
            name="managers",
            assigned=Membership.objects.visible_to(actor).filter(assigned),
            assigned_ids=set(self._apps),
            asked=Asked(self._query, ticked, sought(sent.get("find_manager", ""))),
            now=self._now,
        )

    def _technicians_of_site(self, actor: Actor, sent: QueryDict) -> Crowd:
        working = TechnicianAssignment.objects.visible_to(actor).filter(site=self._site)
        return Crowd(
            self._site,
            kind=Kind.INSTALLER,
            name="technicians",
            assigned=Membership.objects.visible_to(actor).filter(worked_sites__site=self._site),
            assigned_ids=set(working.order_by().values_list("membership_id", flat=True)),
            asked=Asked(self._query, _ids(sent.getlist("technicians")), sought(sent.get("find_technician", ""))),
            now=self._now,
        )

    @property
    def is_searching(self) -> bool:
        """Whether the form was sent to search for people and not to be saved."""
        return self.is_bound and "find" in self.data

    @property
    def pm_app_by_membership(self) -> dict[int, bool]:
        """The managers to assign, and whether each has the PM App.

        Ticking the PM App assigns too. A tick of the PM App from before does not assign a person whose own tick was removed.
        """
        had_app = {pk for pk, has_app in self._apps.items() if has_app}
        with_app = self._now_ticked("pm_app", had_app)
        newly = with_app - set(self._paid) - had_app
        assigned = {*self._now_ticked("managers", self.managed.assigned_ids), *newly}
        return {pk: pk in with_app for pk in sorted(assigned)}

    @property
    def technician_ids(self) -> list[int]:
        """The technicians to assign."""
        return sorted(self._now_ticked("technicians", self.working.assigned_ids))

    def manager_rows(self) -> list[Candidate]:
        """The installer's property managers with their present ticks, without those of `found_managers`."""
        return [row for row in self._managers if row.membership.pk not in self.managed.found]

    def found_managers(self) -> list[Candidate]:
        """Those who were searched for."""
        return [row for row in self._managers if row.membership.pk in self.managed.found]

    def technician_rows(self) -> list[Candidate]:
        """The installer's technicians with their present ticks, without those of `found_technicians`."""
        return [row for row in self._technicians if row.membership.pk not in self.working.found]

    def found_technicians(self) -> list[Candidate]:
        """Those who were searched for."""
        return [row for row in self._technicians if row.membership.pk in self.working.found]

    @cached_property
    def _managers(self) -> list[Candidate]:
        chosen, apps = self._ticked("managers"), self._ticked("pm_app")
        rows = self.managed.with_those(chosen | apps)
        paid = self._paid | self._paid_of({row.membership.pk for row in rows} - self.managed.ids)
        return [
            Candidate(row, key in chosen, key in apps or key in paid, paid.get(key))
            for row in rows
            for key in [row.membership.pk]
        ]

    @cached_property
    def _technicians(self) -> list[Candidate]:
        chosen = self._ticked("technicians")
        rows = self.working.with_those(chosen)
        return [Candidate(row, row.membership.pk in chosen, False, None) for row in rows]

    def _now_ticked(self, name: str, before: set[int]) -> set[int]:
        """All who have this tick once the form is saved: people on the page as ticked there, all others as before.

        A form that does not name the people it showed is taken to have shown all.
        """
        ticked, began = set(self.cleaned_data[name]), conflicts.began_with(self)
        if began is None or name not in began:
            return ticked
        return ticked | (before - _ids(map(str, began[name])))

    def _paid_of(self, ids: set[int]) -> dict[int, Entitlement]:
        """The entitlements that keep the PM App ticked for these people as long as they are assigned."""
        targets = [target for target, person in self._targets.items() if person in ids]
        rows = sites.active_pm_apps(self._site, self._now, target_ids=targets) if targets else []
        return {self._targets[row.target_id]: row for row in rows}

    def _ticked(self, name: str) -> set[int]:
        return _ids(map(str, self[name].value() or []))


def _ids(values: Iterable[str]) -> set[int]:
    return {typed_id(value) for value in values} - {0}
