"""Forms of residents: one person, a person that moves, a household that moves out or in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.typed import text
from accounts.typed.keys import identity_key
from communities.actions import residents
from communities.actions.moving import Entry
from communities.models import Apartment, Building, Lease, Resident
from smartplus.portal.kit.fields import LineField, MailField, MailInput, PhoneField, PhoneInput

MAX_ROWS = 64  # a family master and the members of R31
ROWS = 3  # of an empty form


def day_field(label: Any, hint: Any) -> forms.DateField:
    """A day that may be left open."""
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, help_text=hint)


class PersonForm(forms.Form):
    """What is typed of a person; the country decides how a number without a code is read."""

    name = LineField(label=gettext_lazy("Name"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = MailField(label=gettext_lazy("Email"), required=False, widget=MailInput(attrs={"autocomplete": "off"}))
    mobile = PhoneField(label=gettext_lazy("Mobile"), required=False, widget=PhoneInput(attrs={"autocomplete": "off"}))
    language = forms.ChoiceField(
        label=gettext_lazy("Language"), choices=settings.LANGUAGES, help_text=gettext_lazy("Of the app and of mails.")
    )

    def __init__(self, *args: Any, country: str, kept_mobile: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        mobile = self.fields["mobile"]
        assert isinstance(mobile, PhoneField)
        mobile.country, mobile.kept = country, kept_mobile


class ResidentForm(PersonForm):
    """A resident, with an email address or a mobile number, and the days on which access begins and ends."""

    remark = LineField(label=gettext_lazy("Remark"), max_length=200, required=False)
    lease_from = day_field(
        gettext_lazy("First day"), gettext_lazy("Empty: at once. Until then the person counts for nothing.")
    )
    lease_until = day_field(gettext_lazy("Last day"), gettext_lazy("Empty: open. Access ends by itself after it."))
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    DAYS: ClassVar = ("lease_from", "lease_until")

    def __init__(self, data: QueryDict | None = None, *, country: str, resident: Resident | None = None) -> None:
        shown = [*residents.RESIDENT_FIELDS, *self.DAYS, "version"]
        values = {field: getattr(resident, field) for field in shown} if resident else None
        super().__init__(data, initial=values, country=country, kept_mobile=resident.mobile if resident else "")

    @property
    def values(self) -> dict[str, Any]:
        """The values for the actions."""
        lease = Lease(*(self.cleaned_data[field] for field in self.DAYS))
        return {**{field: self.cleaned_data[field] for field in residents.RESIDENT_FIELDS}, "lease": lease}


class MoveForm(forms.Form):
    """Another apartment of the site, by building and number; and who follows a family master."""

    building = forms.TypedChoiceField(label=gettext_lazy("Building"), coerce=int)
    apartment = LineField(
        label=gettext_lazy("Apartment"), max_length=16, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Its number, such as 1.03."),
    )  # fmt: skip
    heir = forms.TypedChoiceField(
        label=gettext_lazy("Next family master"), coerce=int, required=False, empty_value=None
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        resident: Resident,
        buildings: Iterable[Building],
        homes: Any,
        members: Iterable[Resident],
    ) -> None:
        self.homes = homes
        start = {"building": resident.apartment.building_id, "version": resident.version}
        super().__init__(data, initial=start, label_suffix="")
        places, heirs = self.fields["building"], self.fields["heir"]
        assert isinstance(places, forms.TypedChoiceField)
        assert isinstance(heirs, forms.TypedChoiceField)
        places.choices = [(row.pk, row.name) for row in buildings]
        others = [(one.pk, one.name) for one in members if one.pk != resident.pk] if resident.is_master else []
        heirs.choices = [("", _("Who came first")), *others]
        if not others:
            del self.fields["heir"]

    def clean(self) -> None:
        """Find the apartment of this number."""
        building, number = self.cleaned_data.get("building"), self.cleaned_data.get("apartment")
        if not building or not number:
            return
        found = self.homes.filter(building=building, number_key=identity_key(text.line(number))).first()
        if found is None:
            self.add_error("apartment", _("There is no apartment %(number)s in this building.") % {"number": number})
        self.cleaned_data["found"] = found

    @property
    def found(self) -> Apartment:
        """The apartment, once the form is valid."""
        home: Apartment = self.cleaned_data["found"]
        return home

    @property
    def values(self) -> dict[str, Any]:
        """The values for the action."""
        return {"apartment_id": self.found.pk, "heir_id": self.cleaned_data.get("heir")}


class LeaveForm(forms.Form):
    """The last day of a household."""

    on = day_field(gettext_lazy("Last day"), gettext_lazy("Empty: they move out now, and their access ends at once."))


class EntryForm(PersonForm):
    """A row of a household that moves in; an empty one is ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["language"].help_text = ""

    @property
    def is_blank(self) -> bool:
        """Whether nobody is entered in it."""
        return not any(self.cleaned_data.get(name) for name in ("name", "email", "mobile")) and not self.errors

    def clean(self) -> None:
        """A person has a name, and an email or a mobile number."""
        typed = {name: self.cleaned_data.get(name) for name in ("name", "email", "mobile")}
        if not any(typed.values()) or self.errors:
            return
        if not typed["name"]:
            self.add_error("name", _("The resident needs a name."))
        if not typed["email"] and not typed["mobile"]:
            self.add_error("email", _("A resident needs an email or a mobile number."))

    @property
    def entry(self) -> Entry:
        """The person for the action."""
        return Entry(**{name: self.cleaned_data[name] for name in ("name", "email", "mobile", "language")})


_EntryFormSet = forms.formset_factory(EntryForm, extra=0, max_num=MAX_ROWS, absolute_max=MAX_ROWS)


class EntryRows(_EntryFormSet):  # type: ignore[misc, valid-type]
    """The people of a household, the family master first."""

    def __init__(self, data: QueryDict | None = None, *, country: str) -> None:
        start: list[dict[str, Any]] | None = None if data is not None else [{} for _row in range(ROWS)]
        super().__init__(data, prefix="people", initial=start, form_kwargs={"country": country})

    @property
    def entries(self) -> list[Entry]:
        """Those who were entered."""
        return [row.entry for row in self.forms if not row.is_blank]


class MoveInForm(forms.Form):
    """A household: its days, its people, and whether those who live there move out before."""

    begins = day_field(gettext_lazy("First day"), gettext_lazy("Empty: they move in now."))
    lease_until = day_field(gettext_lazy("Last day"), gettext_lazy("Empty: open. Access ends by itself after it."))
    replaces = forms.BooleanField(label=gettext_lazy("Who lives there moves out before"), required=False)

    def __init__(self, data: QueryDict | None = None, *, rows: EntryRows, is_occupied: bool) -> None:
        super().__init__(data, label_suffix="")
        self.rows = rows
        self.parts: list[forms.BaseForm] = [self, *rows.forms]
        if not is_occupied:
            del self.fields["replaces"]

    def clean(self) -> None:
        """Refuse missing or forged counters of rows, and a household of nobody."""
        if not self.rows.is_valid() and self.rows.non_form_errors():
            self.add_error(None, _("The rows of people did not arrive whole. Load the page again."))

    @property
    def values(self) -> dict[str, Any]:
        """The values for the action."""
        given = self.cleaned_data
        return {
            "people": self.rows.entries,
            "begins": given["begins"],
            "ends": given["lease_until"],
            "replaces": bool(given.get("replaces")),
        }

    def summary(self) -> dict[str, Any]:
        """The errors for components/errors.html, also those of rows."""
        general = [str(words) for words in self.non_field_errors()]
        named = [(bound, str(bound.label)) for bound in self]
        for number, row in enumerate(self.rows.forms, start=1):
            named += [(bound, _("Person %(n)s") % {"n": number}) for bound in row]
        items = [
            {"id": bound.id_for_label, "label": label, "text": str(words)}
            for bound, label in named
            if self.is_bound
            for words in bound.errors
        ]
        return {"general": general, "items": items, "count": len(general) + len(items)}
