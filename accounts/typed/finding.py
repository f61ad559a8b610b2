"""Search by typed text, always on columns with a search key, never on the text itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db.models import F, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from accounts.typed import mail
from accounts.typed.keys import search_key

WORDS = 8  # words of a search that are used

TRIGRAM = re.compile(r"[^\W_]{3}")
NOTHING = Q(pk__in=())


def words(text: str) -> list[str]:
    """The words to search for, folded as the columns are; domains in Unicode."""
    if "xn--" in text.casefold():
        text = mail.key(text)
    return list(dict.fromkeys(search_key(text).split()))[:WORDS]


def holds(word: str, *columns: str) -> Q:
    """Condition: one of the columns contains this word of `words`.

    A word without three letters or digits in a row has no trigram, so PostgreSQL would read the whole index; then the index is not
    used.
    """
    found = Q()
    for column in columns:
        if TRIGRAM.search(word):
            found |= Q(**{f"{column}__contains": word})
        else:
            found |= Q(GreaterThan(StrIndex(F(column), Value(word)), 0))
    return found


def every_word(text: str, found: Callable[[str], Q]) -> Q:
    """Condition: each word is found; a text without words finds nothing."""
    wanted = Q()
    for word in words(text):
        wanted &= found(word)
    return wanted or NOTHING


def matching(text: str, *columns: str) -> Q:
    """Condition: each word of the text is in one of the columns, which hold search keys."""
    return every_word(text, lambda word: holds(word, *columns))
