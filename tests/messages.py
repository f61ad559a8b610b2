"""Tidies the German catalogue after `makemessages`: sorted, without guesses, so that a diff shows only real changes."""

from __future__ import annotations

from pathlib import Path

from babel.messages.pofile import read_po, write_po

CATALOGUE = Path(__file__).resolve().parent.parent / "locale" / "de" / "LC_MESSAGES" / "django.po"
WIDTH = 0  # a text is on one line, so that a changed word does not rewrap it


def main() -> None:
    """Rewrite the file. A translation that gettext guessed becomes empty, which a test finds."""
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="de")
    for message in catalogue:
        message.user_comments = [
            text for text in message.user_comments if not text.lstrip().startswith("|")
        ]  # the previous source text
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
