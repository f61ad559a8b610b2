"""What a person reads goes through gettext: no English stands bare in a template or in the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "communities", "devices", "payments", "subscriptions", "smartplus")
WORD = re.compile(r"[^\W\d_]{2,}")
TRANSLATED = re.compile(
    r"{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}|{%\s*comment\s*%}.*?{%\s*endcomment\s*%}|{#.*?#}", re.S
)
TAG = re.compile(r"{%.*?%}|{{.*?}}", re.S)
READ = {
    "title",
    "aria-label",
    "placeholder",
    "alt",
    "aria-description",
    "data-confirm",
    "data-title",
    "summary",
    "label",
}
TAGS = re.compile(r"{%\s*(\w+)(.*?)%}|{{(.*?)}}", re.S)
QUOTED = re.compile(r"""(_\(\s*)?(?:"([^"]*)"|'([^']*)')""")
NAMES = {
    "block",
    "endblock",
    "extends",
    "load",
    "include",
    "url",
    "static",
    "translate",
    "icon",
    "querystring",
    "elif",
    "if",
    "comment",
}
FORMAT = re.compile(r"[A-Za-z](?:[ :.,\\-]+[A-Za-z]{1,2})*")  # of a date
SAID = re.compile(r"[A-Z][a-z]")  # a capital: no key, class or name of an icon

# Words that are the same in every language: what a product or a standard is called, an example, what a program reads.
SAME = {
    "SmartPlus", "MAC", "CSV", "Excel", "API", "PM", "App", "QR", "ID", "UTC", "PIN", "SIM", "OpenAPI", "JSON", "Markdown", "Stripe", "PDF",
    "PNG", "JPEG", "VAT", "SP", "IP", "TOTP", "URL", "https", "http",
}  # fmt: skip
# Files that are not read in the reader's language, and why.
APART = {
    "templates/library/add.html": "shows how a row of a library is written",
    "templates/api/docs.html": "is written for programmers, like the API itself",
    "templates/styleguide/page.html": "is read by who writes pages, in DEBUG only",
    "templates/styleguide/markup/button.html": "is read by who writes pages, in DEBUG only",
}


def bare(html: str) -> Iterator[str]:
    """The words of a template that a person reads and that no tag translates."""
    source = TRANSLATED.sub(" ", html)
    reader = _Words()
    reader.feed(TAG.sub(lambda tag: "" if tag[0].startswith("{{") else " ", source))
    reader.close()
    yield from reader.found
    yield from _handed_over(source)


def _handed_over(source: str) -> Iterator[str]:
    """Words that a tag or a filter is given: `{% status "active" "Paid" %}`, `{{ name|default:"Nobody" }}`."""
    for tag, arguments, variable in TAGS.findall(source):
        if tag in NAMES - {"include"}:
            continue
        for wrapped, *texts in QUOTED.findall(arguments or variable):
            text = "".join(texts)
            if text in SAME:
                continue
            if (
                not wrapped
                and SAID.search(text)
                and not text.endswith((".html", ".txt"))
                and not FORMAT.fullmatch(text)
            ):
                yield text


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in {"script", "style", "code"}
        for name, value in attrs:
            if name in READ or (tag == "input" and name == "value" and ("type", "submit") in attrs):
                self._note(value or "")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in {"script", "style", "code"}

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self._note(data)

    def _note(self, text: str) -> None:
        if [word for word in WORD.findall(text) if word not in SAME]:
            self.found.append(" ".join(text.split()))


def plain(text: str) -> Iterator[str]:
    """The words of a mail as text that no tag translates."""
    source = TRANSLATED.sub(" ", text)
    for line in TAG.sub(" ", source).splitlines():
        if [word for word in WORD.findall(line) if word not in SAME]:
            yield line.strip()
    yield from _handed_over(source)


def test_templates_say_nothing_untranslated() -> None:
    files = [*(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt")]
    found = [
        f"{name}: {text}"
        for name, file in sorted((str(file.relative_to(ROOT)), file) for file in files)
        if name not in APART
        for text in (bare if file.suffix == ".html" else plain)(file.read_text())
    ]
    assert not found, "\n".join(found)
    assert len(files) > 170


@pytest.mark.parametrize(
    "template",
    [
        "<p>Nothing here</p>",
        "<a title='Open it'>{{ name }}</a>",
        '<input aria-label="Search">',
        "<b>{{ n }} items</b>",
        '{% status "active" "Paid" %}',
        '{% include "x.html" with title="No orders yet" %}',
        '{{ name|default:"Nobody" }}',
        '{{ is_on|yesno:"Yes,No" }}',
    ],
)
def test_a_bare_word_in_a_template_is_seen(template: str) -> None:
    assert list(bare(template))


def test_what_is_translated_is_no_fault() -> None:
    assert not list(
        bare("""{% comment %}Words{% endcomment %}<a title="{% translate 'Open' %}">{% blocktranslate %}A b{% endblocktranslate %}</a>
        {% include "x.html" with title=_("Title") %}{{ at|date:"j F Y" }}<code>MAC</code>""")
    )


# ---- Python ------------------------------------------------------------------------------------------------------------

GETTEXT = {
    "_", "gettext", "gettext_lazy", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy", "npgettext", "npgettext_lazy", "gettext_noop",
}  # fmt: skip
SENTENCE = re.compile(r"[A-Z][a-z]*(?: [\w%(){}’'“”,:;-]+)+|[A-Z][a-z]+ .*")
FOR_DEVELOPERS = {"info", "debug", "warning", "exception", "critical", "error", "log", "Error", "Warning", "Info", "RuntimeError", "ValueError",
                  "TypeError", "AssertionError", "ImproperlyConfigured", "CommandError", "KeyError", "LookupError", "NotImplementedError",
                  "add_argument", "OSError"}  # fmt: skip
SHOWN_AS = {
    "label",
    "help_text",
    "empty_label",
    "placeholder",
    "title",
    "verbose_name",
    "heading",
    "word",
    "hint",
    "sentence",
    "message",
}
# Modules whose words are for who runs or programs it.
FOR_OTHERS = (
    "/management/commands/",  # the command line speaks English
    "/migrations/",
    "smartplus/demo.py",  # people and houses that are invented, and what the command line says
    "smartplus/demo_sites.py",  # the same
    "smartplus/scale/",  # the same, for load
    "smartplus/bench/",  # read on the command line
    "payments/sandbox/",  # a stand-in of the gateway
    "smartplus/api/",  # read by programmers
    "smartplus/portal/styleguide/",  # read by who writes pages
)
# What stands bare all the same, and why.
ALLOWED: dict[str, tuple[str, set[str]]] = {
    "accounts/actions/terms.py": (
        "heads the shipped examples, each in the language of its text",
        {"This is an example text, not legal advice.", "Dies ist ein Beispieltext und keine Rechtsberatung."},
    ),
    "accounts/append_only.py": ("is what `migrate` prints", {"Make "}),
    "communities/expiry_triggers.py": ("is what `migrate` prints", {"Count entitlements by day"}),
    "accounts/clients.py": ("are names of products", {"Samsung Internet", "Windows PC", "Linux PC"}),
    "accounts/models/links.py": ("is never shown", {"Purpose.SIGN_IN has no label", "Purpose.ADDRESS has no label"}),
    "accounts/typed/operations.py": (
        "is what `migrate` prints",
        {"Fill the keys of ", "Have the extensions ", "Index parts of words in "},
    ),
    "payments/gateways/stripe/limits.py": ("is raised for the log", {"Stripe says "}),
    "payments/reasons.py": ("are names of brands", {"American Express", "Diners Club"}),
    "smartplus/folder_broker.py": ("is raised for the log", {"Cannot add a message to "}),
    "smartplus/portal/sign_in/old_forms.py": (
        "are words of Django's, by which it says why",
        {"Origin checking failed", "Referer checking failed"},
    ),
}


def unwrapped(source: str) -> Iterator[str]:
    """Sentences of a module, and words it hands to what people read, that do not go through gettext."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            skipped.add(id(node.body[0].value))  # type: ignore[attr-defined]
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            owner = getattr(getattr(node.func, "value", None), "id", "")
            if name in GETTEXT or (name in FOR_DEVELOPERS and owner != "messages"):
                skipped |= {id(part) for arg in [*node.args, *node.keywords] for part in ast.walk(arg)}
            elif owner == "messages" or name in {"ValidationError", "Refused"}:
                yield from _words(node.args[-1:] if owner == "messages" else node.args[:1])
            yield from _words(keyword.value for keyword in node.keywords if keyword.arg in SHOWN_AS)
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from _words(
                v for k, v in pairs if isinstance(k, ast.Constant) and k.value in {"placeholder", "aria-label"}
            )
        if isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            yield from _labels(node)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
        if is_text and SENTENCE.fullmatch(node.value):  # type: ignore[attr-defined]
            yield node.value  # type: ignore[attr-defined]


def _words(nodes: Iterable[ast.expr]) -> Iterator[str]:
    for node in nodes:
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and WORD.search(node.value)
            and node.value not in SAME
        ):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from _words(node.values)


def _labels(choices: ast.ClassDef) -> Iterator[str]:
    """Choices whose label is bare, or made of their name."""
    for node in choices.body:
        if isinstance(node, ast.Assign):
            if isinstance(node.value, ast.Tuple):
                yield from _words(node.value.elts[-1:])
            elif isinstance(node.value, ast.Constant):
                yield f"{choices.name}.{ast.unparse(node.targets[0])} has no label"


def test_python_says_nothing_untranslated() -> None:
    found, needed = list[str](), set[tuple[str, str]]()
    for name, file in sorted((str(f.relative_to(ROOT)), f) for app in APPS for f in (ROOT / app).rglob("*.py")):
        if not any(part in f"/{name}" for part in FOR_OTHERS):
            found += [
                f"{name}: {text}" for text in unwrapped(file.read_text()) if text not in ALLOWED.get(name, ("", ()))[1]
            ]
            needed |= {(name, text) for text in unwrapped(file.read_text())}
    assert not found, "\n".join(found)
    assert {(name, text) for name, (_why, texts) in ALLOWED.items() for text in texts} <= needed


@pytest.mark.parametrize(
    "source",
    [
        'messages.success(request, "Saved")',
        'messages.error(request, f"Saved {name}")',
        'raise ValidationError("Wrong")',
        'raise Refused("Wrong", field="name")',
        'forms.CharField(label="Name")',
        'forms.CharField(help_text="Name")',
        'forms.TextInput(attrs={"placeholder": "Name"})',
        'class State(models.TextChoices):\n    OPEN = "open", "Open"',
        'class State(models.TextChoices):\n    OPEN = "open"',
        'def word() -> str:\n    return "Nothing to pay yet"',
        'title = f"{n} items" if n else "No items"',
    ],
)
def test_a_bare_word_in_python_is_seen(source: str) -> None:
    assert list(unwrapped(source))


def test_what_is_wrapped_or_for_the_log_is_no_fault() -> None:
    for source in (
        'messages.success(r, _("Saved it"))',
        'log.info("Saved it well")',
        'raise ValueError("Not a number")',
        '"""Says nothing."""',
    ):
        assert not list(unwrapped(source)), source


def translated_at_import(source: str) -> Iterator[str]:
    """Texts that gettext turns into a language once, when the module is read: everybody would read that language."""
    tree = ast.parse(source)
    lazy = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name.endswith(("_lazy", "_noop"))
    }
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            waiting += [*node.args.defaults, *getattr(node, "decorator_list", [])]
            continue
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in GETTEXT - lazy:
            yield ast.unparse(node)
        waiting += ast.iter_child_nodes(node)


def test_no_text_is_translated_when_its_module_is_read() -> None:
    files = [file for app in APPS for file in (ROOT / app).rglob("*.py")]
    assert [(file.name, text) for file in files for text in translated_at_import(file.read_text())] == []


def test_a_text_translated_too_early_is_seen() -> None:
    begin = "from django.utils.translation import gettext as _, gettext_lazy as _l\n"
    assert list(translated_at_import(begin + 'WORDS = {"a": _("A")}'))
    assert list(translated_at_import(begin + 'def f(a=_("A")): pass'))
    assert not list(translated_at_import(begin + 'A = _l("A")\ndef f(): return _("A")'))
