"""Sentences in templates: Django's translation tags, with names isolated and words looked up once."""

from __future__ import annotations

from typing import Any

from django import template
from django.db.models import Model
from django.template import Context
from django.template.base import FilterExpression, Node, Parser, Token
from django.templatetags.i18n import TranslateNode, do_block_translate, do_translate
from django.utils.safestring import SafeData
from django.utils.translation import get_language

from accounts.typed.text import isolated

register = template.Library()


class _Name:
    """A value of a sentence: where it is text of a right-to-left script, it is isolated."""

    def __init__(self, expression: FilterExpression) -> None:
        self.expression = expression

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        """The value, isolated."""
        value = self.expression.resolve(context, ignore_failures)
        return isolated(str(value)) if isinstance(value, (str, Model)) and not isinstance(value, SafeData) else value


@register.tag
def blocktranslate(parser: Parser, token: Token) -> Any:
    """Django's, with names of right-to-left scripts isolated from the sentence around them."""
    node: Any = do_block_translate(parser, token)
    node.extra_context = {name: _Name(expression) for name, expression in node.extra_context.items()}
    return node


class _Word(TranslateNode):
    """Django's for a word that stands in the template: looked up once in each language."""

    words: dict[tuple[str | None, bool], str]

    def render(self, context: Context) -> str:
        """The word, escaped where the rest is."""
        key = get_language(), context.autoescape
        if (word := self.words.get(key)) is None:
            word = self.words[key] = super().render(context)
        return word


@register.tag
def translate(parser: Parser, token: Token) -> Any:
    """Django's tag."""
    node: Any = do_translate(parser, token)
    word = node.filter_expression
    if node.message_context or word.filters or node.noop or word.var.lookups is not None:
        return node
    plain = _Word(word, noop=False)
    plain.words = {}
    return _Kept(plain, node.asvar) if node.asvar else plain


class _Kept(Node):
    """`{% translate "…" as name %}`."""

    def __init__(self, word: _Word, name: str) -> None:
        self.word, self.name = word, name

    def render(self, context: Context) -> str:
        """Nothing; the word is in the context."""
        context[self.name] = self.word.render(context)
        return ""


@register.filter
def one_line(text: str) -> str:
    """What somebody typed as one line, so that in a mail it can't pass for a paragraph of ours."""
    return " ".join(text.split())
