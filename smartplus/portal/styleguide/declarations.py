"""The parameters of a component, read from the comment at the beginning of its file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

COMMENT = re.compile(r"(?:{% load [^%]*%})?{% comment %}\n(.*?)\n?{% endcomment %}", re.DOTALL)
SECTION = re.compile(r"^(Parameters|Classes|Context|Examples): *(.*)$")
ENTRY = re.compile(r"  (?P<name>[^:(]+?)(?P<needed> \(needed\))?:(?: (?P<rest>.*))?")


class Malformed(ValueError):
    """A component whose comment does not declare its parameters."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name that an include or a tag gives."""

    name: str
    is_needed: bool
    shape: str


@dataclass(frozen=True, slots=True)
class Declaration:
    """The head of a component's file. An example is a name and template code that uses the component. What pages write themselves has
    `classes`: the one by which it is known, then those that may stand beside it."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    examples: tuple[tuple[str, str], ...]
    classes: tuple[Parameter, ...] = ()

    @property
    def needed(self) -> set[str]:
        """The names that may not be left out."""
        return {parameter.name for parameter in self.parameters if parameter.is_needed}

    @property
    def names(self) -> set[str]:
        """All names that may be given."""
        return {parameter.name for parameter in self.parameters}


def of_folder(folder: Path) -> list[Declaration]:
    """The components of a folder, by name."""
    return [declared(file.stem, file.read_text()) for file in sorted(folder.glob("*.html"))]


def declared(name: str, source: str) -> Declaration:
    """What the file of a component says. Refuses one that says nothing, and lines that can't be read."""
    found = COMMENT.match(source)
    if found is None:
        raise Malformed(f"{name}: begins with no comment")
    summary, sections = list[str](), dict[str, list[str]]()
    lines = summary
    for line in found[1].splitlines():
        if head := SECTION.match(line):
            lines = sections.setdefault(head[1], [head[2]])
        else:
            lines.append(line)
    if "Parameters" not in sections or not "".join(summary).strip():
        raise Malformed(f"{name}: says not what it is, or not what it takes")
    return Declaration(
        name=name,
        summary=" ".join(" ".join(summary).split()),
        parameters=tuple(
            Parameter(entry, is_needed, shape) for entry, is_needed, shape in _entries(name, sections["Parameters"])
        ),
        examples=tuple((entry, code) for entry, _needed, code in _entries(name, sections.get("Examples", []))),
        classes=tuple(
            Parameter(entry, is_needed, shape)
            for entry, is_needed, shape in _entries(name, sections.get("Classes", []))
        ),
    )


def _entries(component: str, lines: Iterable[str]) -> Iterator[tuple[str, bool, str]]:
    """`  name (needed): words`, where a line further in belongs to the one before. "none" is no entry."""
    entries = list[tuple[str, bool, str]]()
    for line in lines:
        if not line.strip() or line == "none":
            continue
        if line.startswith("    ") and entries:
            name, is_needed, words = entries[-1]
            entries[-1] = (name, is_needed, f"{words} {line.strip()}".strip())
        elif entry := ENTRY.fullmatch(line):
            entries.append((entry["name"], bool(entry["needed"]), entry["rest"] or ""))
        else:
            raise Malformed(f"{component}: {line!r} is no parameter and no example")
    yield from entries
