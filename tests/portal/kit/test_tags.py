"""Money, dates, MAC addresses and form fields as pages show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django import forms, template
from django.template import Context, Template
from django.template.base import Token, TokenType
from django.template.defaulttags import url as django_url
from django.test import RequestFactory
from django.urls import NoReverseMatch, resolve
from django.utils import timezone, translation

from smartplus.portal.kit import contact_tags, day_tags, money_tags, status_tags
from tests.people import NOW
from tests.portal.html import assert_clean


def rendered(source: str, **context) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize(
    ("minor", "currency", "language", "text"),
    [
        (28480, "USD", "en", "US$284.80"),
        (28480, "EUR", "en", "€284.80"),
        (28480, "EUR", "de", "284,80\xa0€"),
        (1500, "JPY", "en", "¥1,500"),
        (-1458, "USD", "en", "-US$14.58"),
        (None, "USD", "en", ""),
    ],
)
def test_money_is_written_in_the_readers_language(minor, currency, language, text):
    with translation.override(language):
        assert money_tags.money(minor, currency) == text


def test_a_day_is_the_day_where_the_reader_is():
    late = datetime(2027, 1, 11, 23, 30, tzinfo=UTC)
    with timezone.override("Europe/Berlin"):
        assert day_tags.day(late) == "12 Jan 2027"
        assert day_tags.moment(late) == "12 Jan 2027, 00:30"
        with translation.override("de"):
            assert day_tags.day(late) == "12. Jan. 2027"
    assert day_tags.day(late) == "11 Jan 2027"
    assert day_tags.day(date(2027, 1, 12)) == "12 Jan 2027"
    assert day_tags.day(None) == "–"


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        (timedelta(days=2), "in 2 days"),
        (timedelta(days=-3), "3 days ago"),
        (timedelta(days=38), "in 38 days"),
        (timedelta(days=400), "in 400 days"),
        (timedelta(hours=5), "in 5 hours"),
        (timedelta(minutes=-5), "5 minutes ago"),
        (timedelta(seconds=-50), "1 minute ago"),
        (timedelta(seconds=-29), "just now"),
        (timedelta(), "just now"),
    ],
)
def test_distances_in_time_are_counted_in_days_and_carry_the_exact_moment(delta, text):
    html = day_tags.ago(NOW + delta, NOW)
    assert f">{text}</time>" in html
    assert f'datetime="{(NOW + delta).isoformat()}"' in html


def test_nights_are_counted_not_hours():
    morning_after_next = NOW + timedelta(hours=25 + 15)  # 09:00 on the 22nd to 01:00 on the 24th
    assert ">in 2 days<" in day_tags.ago(morning_after_next, NOW)


@pytest.mark.parametrize("value", [0x0C11052A104E, "0c11052a104e"])
def test_a_mac_is_shown_as_printed_on_the_box(value):
    assert contact_tags.mac(value) == "0C:11:05:2A:10:4E"


def test_small_mac_numbers_keep_their_zeros():
    assert contact_tags.mac(0x1) == "00:00:00:00:00:01"
    assert contact_tags.mac(None) == ""


def test_status_is_a_word_and_a_mark_never_colour_alone():
    assert status_tags.status("active", "Active") == '<span class="st active">Active</span>'
    assert status_tags.status("auto", "Auto-renew", "pill") == '<span class="pill auto">Auto-renew</span>'
    assert "&lt;b&gt;" in status_tags.status("lapsed", "<b>")


class Form(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the door.")
    remark = forms.CharField(label="Remark", required=False, widget=forms.Textarea)
    agree = forms.BooleanField(label="I agree")
    who = forms.ChoiceField(
        label="Who", choices=[("r", "Residents"), ("a", "Administrators")], widget=forms.RadioSelect
    )
    pm_app = forms.BooleanField(label="PM App", required=False, help_text="On the phone.")
    token = forms.CharField(widget=forms.HiddenInput, required=False)


FIELDS = "{% errors form %}{% for f in form %}{% field f width='w6' %}{% endfor %}"


def test_a_field_has_label_hint_and_mark_for_what_is_optional():
    html = " ".join(rendered(FIELDS, form=Form()).split())
    assert_clean(html)
    assert '<label for="id_name"> Name </label>' in html
    assert 'aria-describedby="id_name_hint"' in html
    assert 'Remark <span class="opt-l">optional</span>' in html
    assert "Nothing was saved" not in html
    assert html.count('class="ck"') == 4


def test_a_refused_form_says_why_at_the_field_and_on_top():
    html = rendered(FIELDS, form=Form({"name": "", "who": "x"}))
    assert_clean(html)
    assert 'aria-describedby="id_name_error id_name_hint"' in html
    assert 'aria-invalid="true"' in html
    assert 'href="#id_name"' in html
    assert 'href="#id_who"' in html  # the fieldset
    assert "3 things need correcting" in html


def test_a_locked_switch_says_why_and_cant_be_moved():
    html = rendered("{% switch form.pm_app reason='2 PM Apps are active.' mark='Community' %}", form=Form())
    assert_clean(html)
    assert 'role="switch"' in html
    assert " disabled" in html
    assert "2 PM Apps are active." in html
    assert "disabled" not in rendered("{% switch form.pm_app %}", form=Form())


def test_the_pager_keeps_the_filters_and_goes_by_key():
    request = RequestFactory().get("/sites/?chip=expiring&after=17")
    html = rendered("{% pager previous=18 next=67 text='50 of 1,240' %}", request=request)
    assert_clean(html)
    assert 'href="?chip=expiring&amp;after=67"' in html
    assert 'href="?chip=expiring&amp;before=18"' in html
    assert rendered("{% pager %}", request=request).strip() == ""


@pytest.mark.parametrize(
    ("at", "english", "german"),
    [
        (datetime(2026, 11, 22, 8, 12, tzinfo=UTC), "Today 09:12", "Heute 09:12"),
        (datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Today 00:30", "Heute 00:30"),
        (datetime(2026, 11, 21, 15, 5, tzinfo=UTC), "Yesterday 16:05", "Gestern 16:05"),
        (datetime(2026, 11, 23, 7, 0, tzinfo=UTC), "Tomorrow 08:00", "Morgen 08:00"),
        (datetime(2026, 11, 19, 8, 40, tzinfo=UTC), "Thu 09:40", "Do. 09:40"),
        (datetime(2026, 11, 15, 8, 40, tzinfo=UTC), "15 Nov 2026", "15. Nov. 2026"),
        (datetime(2026, 12, 19, 8, 40, tzinfo=UTC), "in 27 days", "in 27 Tagen"),
    ],
)
def test_lists_say_when_as_people_do_with_the_exact_moment_on_hover(at, english, german):
    with timezone.override("Europe/Berlin"):
        shown = day_tags.when(at, NOW)
        assert shown.startswith(f'<time datetime="{at.isoformat()}" title="{day_tags.moment(at)}">')
        assert shown.endswith(f">{english}</time>")
        with translation.override("de"):
            assert day_tags.when(at, NOW).endswith(f">{german}</time>")
    assert day_tags.when(None, NOW) == "–"


@pytest.mark.parametrize(
    ("tag", "values", "address"),
    [
        ("site-detail' site", {"site": 7}, "/sites/7/"),
        ("site-detail' site", {"site": 918_273_000}, "/sites/918273000/"),
        ("site-detail' site", {"site": "7"}, "/sites/7/"),
        ("site-detail' site_id=site", {"site": 7}, "/sites/7/"),
        ("device-edit' site device", {"site": 7, "device": 12}, ""),
        ("order-detail' number", {"number": "SP-261129-AB12CD34"}, "/orders/SP-261129-AB12CD34/"),
        ("site-list'", {}, "/sites/"),
        ("api:api-docs'", {}, "/api/v1/docs"),
    ],
)
def test_addresses_in_pages_are_those_that_django_finds(tag, values, address):
    source = f"url '{tag}"
    parser = template.base.Parser([], builtins=[])
    node = django_url(parser, Token(TokenType.BLOCK, source))
    try:
        plain = node.render(Context(values))
    except NoReverseMatch:
        with pytest.raises(NoReverseMatch):
            rendered(f"{{% {source} %}}", **values)
        return
    assert address in {plain, ""}
    assert [rendered(f"{{% {source} %}}", **values) for _time in range(2)] == [plain, plain]
    resolve(plain)


@pytest.mark.parametrize("wrong", [-1, True, "x", None])
def test_an_address_of_no_number_is_an_error_as_it_was(wrong):
    with pytest.raises(NoReverseMatch):
        rendered("{% url 'site-detail' site %}", site=wrong)
