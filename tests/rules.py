"""Lists the rules that no test proves. Reads the marks of the tests and the numbers in docs/rules.md."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def proved() -> dict[str, list[str]]:
    """Rule → the tests with its mark."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                for rule in marks(node):
                    found.setdefault(rule, []).append(f"{path.relative_to(ROOT)}::{node.name}")
    return found


def marks(node: ast.FunctionDef) -> list[str]:
    """The rules that a test's decorators name."""
    return [
        str(argument.value)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.rule"
        for argument in decorator.args
        if isinstance(argument, ast.Constant)
    ]


def known() -> dict[str, str]:
    """Rule → its sentence in docs/rules.md."""
    lines = (ROOT / "docs" / "rules.md").read_text().splitlines()
    return {found[1]: found[2] for line in lines if (found := re.match(r"- \*\*(R\d+)\*\* (.*)", line))}


def main() -> None:
    """Print the rules without a proof, then how many have one."""
    rules, tests = known(), proved()
    open_rules = [rule for rule in rules if rule not in tests]
    for rule in open_rules:
        print(f"{rule:<4} {rules[rule]}")
    print(
        f"\n{len(rules) - len(open_rules)} of {len(rules)} rules are proved by {len({t for ts in tests.values() for t in ts})} tests."
    )
    if strangers := sorted(set(tests) - set(rules)):
        raise SystemExit(f"unknown rules are marked: {', '.join(strangers)}")


if __name__ == "__main__":
    main()
