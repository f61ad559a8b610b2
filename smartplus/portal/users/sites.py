"""Which sites a manager or technician looks after: plain tick boxes. Of many sites those that are chosen, a page at a time, and those that
are searched for."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.typed import postal
from accounts.typed.text import sought
from communities.models import Site
from devices.reports import searched_sites
from smartplus.portal.kit import conflicts, keyset
from smartplus.portal.kit.fields import LineField
from smartplus.portal.kit.numbers import typed_id

FEW = 50  # up to so many sites all stand in the list
PAGE = 50  # of those that are chosen
FOUND = 25  # shown of a search
FIND = forms.TextInput(attrs={"type": "search", "autocomplete": "off", "placeholder": _("Name or address")})


class SitesForm(forms.Form):
    """The tick boxes. A site whose box is not on the page stays as it is.

    `seen` are the sites that may be chosen, `home` is the page's address and `query` what it asks for; `sent_before` is a form sent earlier whose
    ticks have to find their boxes here too.
    """

    sites = forms.TypedMultipleChoiceField(
        label=_("Sites"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    find_site = LineField(label=_("Add a site"), max_length=120, required=False, widget=FIND)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        seen: QuerySet[Site],
        assigned: set[int],
        home: str,
        query: QueryDict,
        sent_before: QueryDict | None = None,
    ) -> None:
        super().__init__(data, label_suffix="")
        sent = data or sent_before or QueryDict()
        self.assigned, self.home, self._query = assigned, home, query
        self._page: keyset.Page[Site] = keyset.Page(list(seen[: FEW + 1]), "", "")
        self.is_many, self.text, self.hits, self.has_more = len(self._page.rows) > FEW, "", 0, False
        rows = self._page.rows
        if self.is_many:
            self.text = sought(sent.get("find_site", ""))
            rows = self._of_many(seen, _ids(sent.getlist("sites")))
        self.initial = {"sites": sorted({site.pk for site in rows} & assigned)}
        field = self.fields["sites"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [(site.pk, f"{site.name}, {postal.place(site)}") for site in rows]
        field.error_messages["invalid_choice"] = _("One of the chosen sites is not yours to choose.")

    @property
    def is_searching(self) -> bool:
        """Whether it was sent to find a site, and not to be saved."""
        return self.is_bound and self.is_many and "find" in self.data

    @property
    def site_ids(self) -> set[int]:
        """All sites that are chosen when the form is saved."""
        began = self._began()
        ticked: set[int] = set(self.cleaned_data["sites"])
        return ticked if began is None or not self.is_many else ticked | (self.assigned - began)

    @property
    def seen_ids(self) -> set[int] | None:
        """The sites that have to be still chosen when the form is saved; None if the form did not send what it
        started with."""
        began = self._began()
        return began if began is None or not self.is_many else began | self.assigned

    @property
    def previous(self) -> str:
        """The address of the page before, "" where there is none."""
        return self._address("before", self._page.previous)

    @property
    def next(self) -> str:
        """The address of the page after."""
        return self._address("after", self._page.next)

    @property
    def way(self) -> str:
        """The query string with which the form returns to the page that it was sent from."""
        query = QueryDict(mutable=True)
        for name in ("sites_after", "sites_before"):
            if name in self._query:
                query[name] = str(self._query[name])
        return f"?{query.urlencode()}" if query else ""

    def _began(self) -> set[int] | None:
        began = conflicts.began_with(self)
        return _ids(map(str, began["sites"])) if began and "sites" in began else None

    def _of_many(self, seen: QuerySet[Site], ticked: set[int]) -> list[Site]:
        """What was found first, then a page of what is chosen, with what is ticked."""
        asked = {way: self._query.get(f"sites_{way}", "") for way in ("after", "before")}
        chosen = seen.filter(pk__in=self.assigned)
        self._page = keyset.page(chosen, by=("name_order", "pk"), query=asked, size=PAGE)
        found = list[Site]()
        if self.text:
            others = searched_sites(seen, self.text).exclude(pk__in=self.assigned)
            found = list(others.order_by("name_order", "pk")[: FOUND + 1])
        self.has_more, found = len(found) > FOUND, found[:FOUND]
        self.hits = len(found)
        missing = ticked - {site.pk for site in [*found, *self._page.rows]}
        rows = [*self._page.rows, *(seen.filter(pk__in=missing) if missing else ())]
        return [*found, *sorted(rows, key=lambda site: (site.name_order, site.pk))]

    def _address(self, way: str, key: str) -> str:
        query = QueryDict(mutable=True)
        query[f"sites_{way}"] = key
        return f"{self.home}?{query.urlencode()}" if key else ""


def _ids(values: Iterable[str]) -> set[int]:
    return {typed_id(value) for value in values} - {0}
