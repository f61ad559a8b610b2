"""The rows of a list: the template writes their markup once for a page, and Python puts the values of each row into
it."""

from __future__ import annotations

import re
from operator import attrgetter
from typing import Any

from django import template
from django.template import Context, TemplateSyntaxError
from django.template.base import FilterExpression, Node, NodeList, Parser, Token, VariableNode
from django.utils.safestring import SafeString

from smartplus.portal.kit.markup import repeated

register = template.Library()
PLACE = re.compile("\ufdd0([a-z_]+)\ufdd1")  # signs that no text has: `accounts.typed.text` refuses them

BREAKS = re.compile(r"(?:^|(?<=>))\s*\n\s*(?=<|$)")  # between tags, for whoever reads the template


class Place(SafeString):
    """Where a cell's value goes. It has none yet, so nothing can depend on it."""

    def __bool__(self) -> bool:
        raise TypeError("The markup of rows is written once: what only some of them have is a cell, not a condition.")


class Cells:
    """Stands for a row while the markup is written."""

    def __getitem__(self, name: str) -> Place:
        return Place(f"\ufdd0{name}\ufdd1")


class RowsNode(Node):
    """`{% rows … as … %}` up to `{% endrows %}`."""

    def __init__(self, rows: FilterExpression, name: str, nodelist: NodeList) -> None:
        self.rows, self.name, self.nodelist = rows, name, nodelist

    def render(self, context: Context) -> SafeString:
        """The markup with the cells of each row."""
        rows: list[Any] = self.rows.resolve(context)
        if not rows:
            return repeated([], [])
        with context.push(**{self.name: Cells()}):
            parts = PLACE.split(BREAKS.sub("", self.nodelist.render(context)))
        fetch = [attrgetter(name) for name in parts[1::2]]  # every second part is the name of a cell
        return repeated(parts[::2], ([get(row) for get in fetch] for row in rows))


@register.tag("rows")
def rows_tag(parser: Parser, token: Token) -> RowsNode:
    """`{% rows <list> as <name> %}…{{ <name>.<cell> }}…{% endrows %}`: a row is anything with these attributes, each a text or a piece of
    HTML. Tags inside are worked out once for all rows: labels, columns that a reader has or has not."""
    try:
        _tag, rows, word, name = token.split_contents()
    except ValueError:
        raise TemplateSyntaxError("as in {% rows page.rows as row %}") from None
    if word != "as":
        raise TemplateSyntaxError("as in {% rows page.rows as row %}")
    nodelist = parser.parse(("endrows",))
    parser.delete_first_token()
    for node in nodelist.get_nodes_by_type(VariableNode):
        expression: Any = node.filter_expression  # type: ignore[attr-defined]
        if expression.filters and str(expression.var).startswith(f"{name}."):
            raise TemplateSyntaxError(f"{expression}: a filter would change the place, not what is put there.")
    return RowsNode(parser.compile_filter(rows), name, nodelist)
