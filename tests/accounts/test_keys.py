"""Keys of typed text: what is the same, what comes first, what is found; and the columns that keep them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import Organization, User
from accounts.typed import columns, finding
from accounts.typed.keys import compact_key, floor_key, identity_key, natural_key, search_key
from communities.models import Building, Site, keys_of
from tests.people import People

IN_ORDER = [
    ["A1", "A2", "A10", "B1", "B2", "B10"],
    ["Building 1", "Building 2", "Building 10"],
    ["-10", "-2", "-1", "0", "1", "12", "0012", "12A", "77", "100", "A"],
    ["1.01", "1.02", "1.10", "2.01", "10.01"],
    ["Ahorn", "Ährenweg 2", "ährenweg 10", "Birke", "Öhringen", "Oslo", "Zeder"],
    ["９", "10", "１１", "٣٤"],
]
FLOORS = [
    ["-10", "−2", "-1", "UG", "EG", "1", "2", "10"],
    ["-2", "-1", "UG", "G", "1"],
    ["B2", "B1", "Ground Floor", "1st", "2nd floor", "3/F", "12", "12A", "13", "Penthouse"],
    ["2. UG", "1. UG", "Erdgeschoß", "Hochparterre", "Zwischengeschoss", "1. OG", "2.OG", "OG 10", "Garden", "DG"],
    ["Floor -2", "Parking -1", "Level 1", "floor 2"],
    ["Level −2", "B1 Floor", "G", "Level 1"],
    ["Tiefgarage", "Keller", "Rez-de-chaussée", "Mezzanine", "Level 1", "L2", "Roof"],
]


@pytest.mark.parametrize("wanted", IN_ORDER, ids=lambda texts: texts[0])
def test_names_and_numbers_sort_as_people_count(wanted: list[str]) -> None:
    mixed = random.Random(7).sample(wanted, len(wanted))
    assert sorted(mixed, key=natural_key) == wanted
    assert len({natural_key(text) for text in wanted}) == len(wanted)


@pytest.mark.parametrize("wanted", FLOORS, ids=lambda texts: texts[0])
def test_floors_sort_from_the_cellar_to_the_roof(wanted: list[str]) -> None:
    assert sorted(random.Random(7).sample(wanted, len(wanted)), key=floor_key) == wanted


@pytest.mark.parametrize("names", [["G", "EG", "0", "GF", "Ground Floor", "ground"], ["-1", "B1", "UG", "1. UG", "KG"]])
def test_names_of_one_floor_stand_together(names: list[str]) -> None:
    assert len({floor_key(name).partition("\t")[0] for name in names}) == 1


@pytest.mark.django_db
def test_both_databases_sort_by_the_plain_signs(people: People, make_site: Callable[..., Site]) -> None:
    wanted = [text for texts in IN_ORDER for text in texts] + ["a_b", "a b", "a.b", "Straße", "日本", "עברית", "Ωmega"]
    site = make_site()
    first = site.__dict__
    Building.objects.bulk_create(
        Building(name=text, **{key: first[key] for key in ("distributor_id", "installer_id")}, site=site)
        for text in random.Random(7).sample(wanted, len(wanted))
    )
    found = list(Building.objects.order_by("name_order", "pk").values_list("name_order", flat=True))
    assert found == sorted(map(natural_key, wanted))
    after = found[len(found) // 2]
    assert list(Building.objects.filter(name_order__gt=after).order_by("name_order").values_list("name_order", flat=True)) == [
        key for key in found if key > after
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("özgür", "ÖZGÜR ÇELİK"), ("OZGUR celik", "Özgür Çelik"), ("siobhan o'neill", "Siobhán O’Neill-Smith"),
        ("oneill smith", "Siobhán O’Neill-Smith"), ("O`Neill", "OʼNeill"), ("strasse", "Große Straße"), ("STRASSE", "große straße"),
        ("straße", "STRASSE"), ("istanbul", "İSTANBUL"), ("ISTANBUL", "ıstanbul"), ("İstanbul", "Istanbul"), ("lodz", "ŁÓDŹ"),
        ("soren", "Søren"), ("aero", "Ærø"), ("file", "ﬁle"), ("abc12", "ＡＢＣ１２"), ("neill smith", "Neill–Smith"), ("a b", "a\u00a0\u2003b"),
        ("ab", "a\u200bb"), ("דוד", "דָּוִד"), ("محمد", "مُحَمَّد"), ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"), ("12", "१२"), ("Σίσυφος", "ΣΙΣΥΦΟΣ"),
    ],
)  # fmt: skip
@pytest.mark.django_db
def test_what_people_type_is_found(people: People, typed: str, stored: str) -> None:
    Organization.objects.filter(pk=people.ivan.firm.pk).update(search_key=search_key(stored))
    assert list(Organization.objects.filter(finding.matching(typed, "search_key"))) == [people.ivan.firm]


@pytest.mark.parametrize(("one", "other"), [("कि", "की"), ("が", "か"), ("ที่", "ที"), ("サ", "ザ")])
def test_signs_that_are_letters_stay(one: str, other: str) -> None:
    assert search_key(one) != search_key(other)


@pytest.mark.parametrize("text", ["50%", "a_b", "a\\b"])
@pytest.mark.django_db
def test_wildcards_are_signs_like_others(people: People, text: str) -> None:
    firm = people.ivan.firm
    Organization.objects.filter(pk=firm.pk).update(search_key=search_key(f"x{text}y"))
    other = Organization.objects.exclude(pk=firm.pk)[0]
    Organization.objects.filter(pk=other.pk).update(search_key="x50yaxby")
    assert list(Organization.objects.filter(finding.matching(text, "search_key"))) == [firm]


@pytest.mark.parametrize("text", ["", "  ", "’", "- –", "\u200b"])
@pytest.mark.django_db
def test_nothing_finds_nothing(people: People, text: str) -> None:
    assert not Organization.objects.filter(finding.matching(text, "search_key")).exists()


def test_folding_what_is_folded_changes_nothing() -> None:
    everything = [chr(code) for code in range(0x10000) if not 0xD800 <= code < 0xE000]
    for fold in (search_key, compact_key, identity_key):
        assert [sign for sign in everything if fold(fold(sign)) != fold(sign)] == [], fold
    assert [sign for sign in everything if "\0" in natural_key(sign) + floor_key(sign) + search_key(sign)] == []


@pytest.mark.django_db
def test_a_key_is_saved_with_its_source(people: People) -> None:
    user = User.objects.get(pk=people.ivan.membership.user_id)
    user.name = "Şule 10"
    user.save(update_fields=["name"])
    assert User.objects.values_list("search_key", "name_order").get(pk=user.pk) == ("sule 10", "sule 0210")


@pytest.mark.django_db
def test_keys_of_rows_from_before_are_worked_out(people: People) -> None:
    Organization.objects.update(name_order="", search_key="")
    columns.fill(Organization.objects.all(), batch=3)
    assert all(
        column.of(row) == getattr(row, column.name) != ""
        for row in Organization.objects.all()
        for column in columns.keys_of_model(Organization)
    )


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has neither trigrams nor collations")
def test_keys_have_their_indexes_and_collation_on_postgresql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%%gin_trgm_ops%%'")
        indexes = " ".join(row for (row,) in cursor.fetchall())
        cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'")
        plain = set(cursor.fetchall())
    for model in apps.get_models():
        table = model._meta.db_table
        for column in columns.keys_of_model(model):
            if isinstance(column, columns.SortKey):
                assert (table, column.column) in plain
            elif isinstance(column, columns.SearchKey | columns.CompactKey):
                assert f"{table}_{column.column}_trgm" in indexes


def test_rows_that_became_the_same_keep_keys_of_their_own(people: People, make_site: Callable[..., Site]) -> None:
    site = make_site()
    for number in range(3):
        Building.objects.create(
            site=site, name=f"Quay {number}", **{k: v for k, v in keys_of(site).items() if k != "site_id"}
        )
    for number, name in enumerate(["O'Neill House", "Oʼneill House", "O’NEILL HOUSE"]):
        Building.objects.filter(name=f"Quay {number}").update(name=name)
    columns.fill(Building.objects.all())
    first, *others = Building.objects.order_by("pk").values_list("pk", "name_key")
    assert first[1] == identity_key("O'Neill House")
    assert [key for _pk, key in others] == [f"{first[1]}\t{pk}" for pk, _key in others]
