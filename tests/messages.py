"""Bring the German catalogue into order after `makemessages`: sorted, no guesses, so that a change shows as what it is."""

from __future__ import annotations

from pathlib import Path

from babel.messages.pofile import read_po, write_po

CATALOGUE = Path(__file__).resolve().parent.parent / "locale" / "de" / "LC_MESSAGES" / "django.po"
WIDTH = 0  # a text is one line: no text is broken anew because a word of it changed


def main() -> None:
    """Rewrite the file; a translation that gettext only guessed becomes an empty one, which a test finds."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="de")
    for message in catalogue:
        message.user_comments = [
            text for text in message.user_comments if not text.lstrip().startswith("|")
        ]  # what it was
        if message.id and message.fuzzy:
            message.flags.discard("fuzzy")
            message.string = ("", "") if message.pluralizable else ""
    catalogue.fuzzy = False
    with CATALOGUE.open("wb") as file:
        write_po(
            file,
            catalogue,
            width=WIDTH,
            sort_output=True,
            no_location=True,
            ignore_obsolete=True,
            include_previous=False,
        )


if __name__ == "__main__":
    main()
