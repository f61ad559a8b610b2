"""Options of long lists for forms: the browser loads and caches them once, so that pages need not contain them."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from accounts.typed import postal
from accounts.typed.zones import canonical, every, in_words
from smartplus import access
from smartplus.access import Stage
from smartplus.portal.kit import countries, zones
from smartplus.portal.kit.postal import AddressPartsForm

KEPT_FOR_S = 30 * 24 * 3600  # the lists change once in years


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def country_names(request: HttpRequest, language: str) -> HttpResponse:
    """Every country by its name in a language, as options of a datalist."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return _kept(_values(name for _code, name in countries.names(language)))


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def time_zones(request: HttpRequest) -> HttpResponse:
    """Every time zone, as options of a datalist."""
    return _kept(_values(map(in_words, every())))


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def zones_of_country(request: HttpRequest) -> HttpResponse:
    """The zones of `country` as options. `time_zone` stays selected if it is one of them, otherwise the proposed zone, if there is one."""
    country = countries.code_of(request.GET.get("country", ""))
    chosen = canonical(request.GET.get("time_zone", ""))
    if chosen not in zones.zones_of(country):
        chosen = zones.proposed_zone(country)
    return HttpResponse(
        format_html_join(
            "",
            '<option value="{}"{}>{}</option>',
            ((zone, " selected" if zone == chosen else "", words) for zone, words in zones.choices_of(country)),
        )
    )


@access.roles(also_at={Stage.SET_UP, Stage.TERMS})
@require_safe
def address_parts(request: HttpRequest, kind: str) -> HttpResponse:
    """The parts of an address in `country`, with the typed values. `kind` is `PostalForm.address_kind`."""
    needs, _dash, whose = kind.partition("-")
    if needs not in {"needed", "free"} or whose not in {"own", "other"}:
        raise Http404
    form = AddressPartsForm(needs_address=needs == "needed", fills_in_own=whose == "own", initial=_sent(request))
    return render(request, "components/address_parts.html", {"form": form})


def _sent(request: HttpRequest) -> dict[str, str]:
    """The values in the form, without parts that the new country does not use."""
    country = countries.code_of(request.GET.get("country", ""))
    kept = {"country", *(part.name for part in postal.parts(country))}
    return {name: request.GET[name] for name in postal.FIELDS if name in kept and name in request.GET}


def _values(words: Iterable[str]) -> SafeString:
    return format_html_join("", '<option value="{}"></option>', ((word,) for word in words))


def _kept(options: SafeString) -> HttpResponse:
    response = HttpResponse(options)
    response["Cache-Control"] = f"private, max-age={KEPT_FOR_S}"
    return response
