"""Forms of the people of a site: residents, managers, technicians."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Kind, Membership
from accounts.scope import Actor
from accounts.typed.keys import natural_key
from communities.actions import people, sites
from communities.models import Entitlement, ManagerAssignment, Resident, Site, TechnicianAssignment
from smartplus.portal import user_lists
from smartplus.portal.forms.fields import LineField, MailField, MailInput, PhoneField, PhoneInput


class ResidentForm(forms.Form):
    """A resident: reachable by email or mobile."""

    name = LineField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = MailField(label=_("Email"), required=False, widget=MailInput(attrs={"autocomplete": "off"}))
    mobile = PhoneField(label=_("Mobile"), required=False, widget=PhoneInput(attrs={"autocomplete": "off"}))
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, help_text=_("Of the app and of mails.")
    )
    remark = LineField(label=_("Remark"), max_length=200, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, country: str, resident: Resident | None = None) -> None:
        shown = [*people.RESIDENT_FIELDS, "version"]
        values = {field: getattr(resident, field) for field in shown} if resident else None
        super().__init__(data, initial=values, label_suffix="")
        mobile = self.fields["mobile"]
        assert isinstance(mobile, PhoneField)
        mobile.country, mobile.kept = country, resident.mobile if resident else ""

    @property
    def values(self) -> dict[str, str]:
        """What the actions take."""
        return {field: self.cleaned_data[field] for field in people.RESIDENT_FIELDS}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person who may be ticked, with `shown_name`, `shown_email` and `standing`; `paid` is the entitlement that keeps the PM App
    ticked while the person stays."""

    membership: Membership
    is_assigned: bool
    has_app: bool
    paid: Entitlement | None


class PeopleForm(forms.Form):
    """Who looks after a site: plain tick boxes of the installer's own people."""

    managers = forms.TypedMultipleChoiceField(label=_("Property managers"), coerce=int, required=False)
    pm_app = forms.TypedMultipleChoiceField(label=_("PM App"), coerce=int, required=False)
    technicians = forms.TypedMultipleChoiceField(label=_("Technicians"), coerce=int, required=False)
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict | None = None, *, actor: Actor, site: Site, now: datetime) -> None:
        assigned = {
            row.membership_id: row
            for row in ManagerAssignment.objects.visible_to(actor).filter(site=site, ended_at=None)
        }
        working = set(
            TechnicianAssignment.objects.visible_to(actor).filter(site=site).values_list("membership_id", flat=True)
        )
        paid = {row.target.assignment.membership_id: row for row in sites.active_pm_apps(site, now)}
        initial = {
            "managers": list(assigned),
            "pm_app": [pk for pk, row in assigned.items() if row.pm_app],
            "technicians": list(working),
            "version": site.version,
        }
        super().__init__(data, initial=initial, label_suffix="")
        self._managers = _shown(actor, people.candidates(site.installer_id, kind=Kind.MANAGER), set(assigned), now)
        self._technicians = _shown(actor, people.candidates(site.installer_id, kind=Kind.INSTALLER), working, now)
        self._paid = paid
        for name, crowd in (
            ("managers", self._managers), ("pm_app", self._managers), ("technicians", self._technicians),
        ):  # fmt: skip
            choices = self.fields[name]
            assert isinstance(choices, forms.TypedMultipleChoiceField)
            choices.choices = [(person.pk, person.known_as) for person in crowd]
            choices.error_messages["invalid_choice"] = _("One of the chosen people is not yours to choose.")

    @property
    def pm_app_by_membership(self) -> dict[int, bool]:
        """Who looks after the site, and whether with the PM App; ticking the App assigns too. Where it was ticked before, its tick says
        nothing about who was unticked now."""
        with_app = set(self.cleaned_data["pm_app"])
        newly = with_app - set(self._paid) - set(self.initial["pm_app"])
        assigned = {*self.cleaned_data["managers"], *newly}
        return {pk: pk in with_app for pk in sorted(assigned)}

    def manager_rows(self) -> list[Candidate]:
        """The installer's property managers with their ticks as they are now."""
        chosen, apps = self._ticked("managers"), self._ticked("pm_app")
        return [
            Candidate(
                person, person.pk in chosen, person.pk in apps or person.pk in self._paid, self._paid.get(person.pk)
            )
            for person in self._managers
        ]

    def technician_rows(self) -> list[Candidate]:
        """The installer's technicians with their ticks as they are now."""
        chosen = self._ticked("technicians")
        return [Candidate(person, person.pk in chosen, False, None) for person in self._technicians]

    def _ticked(self, name: str) -> set[int]:
        return {int(value) for value in self[name].value() or [] if str(value).isdecimal()}


def _shown(actor: Actor, choosable: QuerySet[Membership], assigned: set[int], now: datetime) -> list[Membership]:
    """Who may be ticked, and who is: somebody deactivated keeps the site unless the tick is taken away here."""
    rows = list(user_lists.with_invitation(choosable, now))
    if others := assigned - {
        person.pk for person in rows
    }:  # a statement of its own: an OR of both reads what strangers hold
        rows += user_lists.with_invitation(Membership.objects.visible_to(actor).filter(pk__in=others), now)
    return sorted(user_lists.finished(rows, now), key=lambda person: (natural_key(person.known_as), person.pk))
