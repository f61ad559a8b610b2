"""Templates without the indentation they are written with: in a list it would be sent once for each row."""

from __future__ import annotations

import re

from django.template import Origin
from django.template.loaders import app_directories, filesystem

INDENTATION = re.compile(r"\n[ \t]+")


def unindented(text: str) -> str:
    """Each line from its first mark on. Lines stay lines, so that an error names the right one."""
    return INDENTATION.sub("\n", text)


def _of_page(origin: Origin) -> bool:
    return str(origin.template_name).endswith(".html")  # in a text of mail every blank is seen


class FilesystemLoader(filesystem.Loader):
    """Django's, of pages without their indentation."""

    def get_contents(self, origin: Origin) -> str:
        """What the file says."""
        text = super().get_contents(origin)
        return unindented(text) if _of_page(origin) else text


class AppDirectoriesLoader(app_directories.Loader):
    """Django's, of pages without their indentation."""

    def get_contents(self, origin: Origin) -> str:
        """What the file says."""
        text = super().get_contents(origin)
        return unindented(text) if _of_page(origin) else text
