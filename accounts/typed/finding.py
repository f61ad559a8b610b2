"""Finding rows by what people type: on the columns that keep a search key, never on the text itself."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.db.models import F, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from accounts.typed import mail
from accounts.typed.keys import search_key

WORDS = 8  # of a text that are looked for one by one

TRIGRAM = re.compile(r"[^\W_]{3}")
NOTHING = Q(pk__in=())


def words(text: str) -> list[str]:
    """What is looked for, word by word, folded as the columns are; domains as people read them."""
    if "xn--" in text.casefold():
        text = mail.key(text)
    return list(dict.fromkeys(search_key(text).split()))[:WORDS]


def holds(word: str, *columns: str) -> Q:
    """One of the columns contains this word of `words`.

    A word without three letters or digits in a row has no trigram: PostgreSQL would read the whole index for it, so it is not offered.
    """
    found = Q()
    for column in columns:
        if TRIGRAM.search(word):
            found |= Q(**{f"{column}__contains": word})
        else:
            found |= Q(GreaterThan(StrIndex(F(column), Value(word)), 0))
    return found


def every_word(text: str, found: Callable[[str], Q]) -> Q:
    """Each word is found; a text without any finds nothing."""
    wanted = Q()
    for word in words(text):
        wanted &= found(word)
    return wanted or NOTHING


def matching(text: str, *columns: str) -> Q:
    """Each word of the text stands in one of the columns, which keep search keys."""
    return every_word(text, lambda word: holds(word, *columns))
