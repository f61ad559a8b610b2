"""The day at the site in a query: each row by the time zone of its own site."""

from __future__ import annotations

from typing import Any

from django.db.models import DateField, Func


class SiteDay(Func):
    """`SiteDay("expires_at", "site__time_zone")`: the date at the site at an instant."""

    output_field = DateField()
    arity = 2

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """Computed with PostgreSQL's time zones."""
        return self.as_sql(
            compiler, connection, template="(%(expressions)s)::date", arg_joiner=" AT TIME ZONE ", **extra
        )

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """Computed by Django's function for truncating to a day, which can take its zone from a column."""
        return self.as_sql(compiler, connection, template="django_datetime_cast_date(%(expressions)s, 'UTC')", **extra)
