"""Queries whose SQL is built once: what they answer, and that they answer it for the values of the call."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organization, User
from accounts.prepared import PreparedQuery
from smartplus import session_store
from smartplus.session_store import SIGN_IN
from tests.people import NOW

pytestmark = pytest.mark.django_db


def columns(row):
    """Every stored value of a row."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def one(query, *values):
    """The row that a query must find."""
    row = query.first(*values)
    assert row is not None
    return row


def signed_in(sign_in, person):
    """The key of a session that this person just began."""
    return sign_in(person).session.session_key


def test_it_brings_what_the_query_brings(people, sign_in):
    keys = {person: signed_in(sign_in, person) for person in (people.ivan, people.petra)}
    Session.objects.update(expire_date=NOW + timedelta(days=1))
    for person, key in keys.items():
        plain: Any = session_store._sign_in(key, NOW)[0]
        found = one(SIGN_IN, key, NOW)
        assert found.user_id == person.membership.user_id
        assert columns(found) == columns(plain)
        assert columns(found.user) == columns(plain.user)
        assert columns(found.membership) == columns(plain.membership)
        assert columns(found.membership.organization) == columns(plain.membership.organization)
        assert found.data == plain.data is not None
        assert found.terms_in_force == plain.terms_in_force


def test_it_is_one_statement_and_what_it_brought_costs_none(people, sign_in):
    key = signed_in(sign_in, people.ivan)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = one(SIGN_IN, key, NOW)
        assert found.membership.organization.name and found.user.email and found.membership.user.email
    assert len(asked) == 1


def test_each_of_its_values_counts(people, sign_in):
    key = signed_in(sign_in, people.ivan)
    Session.objects.update(expire_date=NOW + timedelta(days=1))
    assert SIGN_IN.first("nobody's", NOW) is None
    assert one(SIGN_IN, key, NOW).data
    assert one(SIGN_IN, key, NOW + timedelta(days=2)).data is None  # over


def test_the_query_is_built_once(people):
    built = []

    def build(email: str):
        built.append(email)
        return User.objects.filter(email=email)

    query = PreparedQuery(build, "stand-in")
    emails = [person.membership.user.email for person in (people.ivan, people.dora)]
    assert [one(query, email).email for email in emails] == emails
    assert built == ["stand-in"]


def test_a_value_that_does_not_reach_the_statement_is_a_mistake(people):
    query = PreparedQuery(lambda name, other: Organization.objects.filter(name=name), "a", "b")
    with pytest.raises(ValueError, match="not among its parameters"):
        query.first("x", "y")


def test_a_row_without_what_is_joined_has_none(people):
    query = PreparedQuery(lambda name: Organization.objects.filter(name=name).select_related("parent"), "stand-in")
    root = Organization.objects.get(parent=None)
    assert one(query, root.name).parent is None
    assert Membership.objects.filter(organization=root).exists()
