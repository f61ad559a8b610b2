"""Template loaders that remove indentation: in a list it would be sent once for each row."""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders import app_directories, filesystem

INDENTATION = re.compile(r"\n[ \t]+")


def unindented(text: str) -> str:
    """The text without indentation. Lines stay lines, so that an error names the right one."""
    return INDENTATION.sub("\n", text)


def _of_page(origin: Origin) -> bool:
    return str(origin.template_name).endswith(".html")  # in the text of a mail every space is visible


class FilesystemLoader(filesystem.Loader):
    """Django's loader, without the indentation of pages."""

    def get_contents(self, origin: Origin) -> str:
        """The contents of the file."""
        text = super().get_contents(origin)
        return unindented(text) if _of_page(origin) else text


class AppDirectoriesLoader(app_directories.Loader):
    """Django's loader, without the indentation of pages."""

    def get_contents(self, origin: Origin) -> str:
        """The contents of the file."""
        text = super().get_contents(origin)
        return unindented(text) if _of_page(origin) else text
