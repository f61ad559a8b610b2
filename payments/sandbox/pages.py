"""The sandbox's payment page: outside our portal, and clearly marked as not real."""

from __future__ import annotations

from html import escape

from payments import money
from payments.sandbox.cards import ASKS, CARDS, WORKS
from payments.sandbox.store import Json

STYLE = """
:root { color-scheme: light dark; --ink: #1b2430; --dim: #5a6675; --line: #d5dbe3; --ground: #eef1f5; --card: #fff;
  --go: #1a6b3c; --stop: #a32020; --note: #7a4b00; --note-ground: #fff3d6; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf2; --dim: #a3afbf; --line: #3a4452; --ground: #12171e;
  --card: #1b222c; --go: #2c8a54; --stop: #d05050; --note: #ffd989; --note-ground: #3b2f12; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; padding: 1.75rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; }
.sandbox { margin: 0 0 1.5rem; padding: .5rem .75rem; border-radius: .5rem; background: var(--note-ground);
  color: var(--note); font-weight: 600; }
h1 { margin: 0; font-size: 1rem; font-weight: 500; }
.amount { margin: .25rem 0 1.25rem; font-size: 2.25rem; font-weight: 650; font-variant-numeric: tabular-nums; }
dl { margin: 0 0 1.5rem; display: grid; grid-template-columns: auto 1fr; gap: .25rem 1rem; }
dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
.error { margin: 0 0 1rem; color: var(--stop); font-weight: 600; }
form { display: grid; gap: .6rem; }
.saved { margin: 0; } fieldset { margin: 0 0 .6rem; border: 1px solid var(--line); border-radius: .5rem; }
legend { color: var(--dim); } label { display: block; padding: .35rem 0; } input { accent-color: var(--go); }
button { min-height: 2.75rem; border: 1px solid var(--line); border-radius: .5rem; background: none; color: inherit;
  font: inherit; font-weight: 600; cursor: pointer; }
button:is([value=approve], [value=confirm]) { background: var(--go); border-color: var(--go); color: #fff; }
button:is([value=decline], [value=refuse]) { color: var(--stop); border-color: var(--stop); }
:is(button, a, input):focus-visible { outline: 3px solid #3b82f6; outline-offset: 2px; }
"""
FRAME = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{style}</style></head>
<body><main><p class="sandbox">Sandbox – no real money</p>{inside}</main></body></html>
"""


def pay(session: Json, name: str, error: str = "", *, saves_card: bool = False) -> str:
    """The page of an open session, with the answer to the last card. If the card is saved, the page says so and offers several cards."""
    is_setup = session["mode"] == "setup"
    amount = "" if is_setup else escape(money.show(session["amount_total"], session["currency"].upper()))
    email = session["customer_email"]
    rows = [("Reference", session["client_reference_id"] or "–"), *([("Email", email)] if email else [])]
    details = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in rows)
    return _frame(
        f"Pay {amount}" if amount else "Save a card",
        f"<h1>{escape(name)}</h1>"
        + (f"<p class=amount>{amount}</p>" if amount else "<p>Nothing is charged on this page.</p>")
        + f"<dl>{details}</dl>"
        + (f"<p class=error role=alert>{escape(error)} Try again, or go back.</p>" if error else "")
        + "<form method=post>"
        + _cards(saves_card=saves_card, is_setup=is_setup)
        + "<button name=action value=approve>Approve</button>"
        "<button name=action value=decline>Decline</button>"
        "<button name=action value=cancel>Cancel and go back</button>"
        "</form>",
    )


def ended(session: Json, back_url: str) -> str:
    """The page of a session that takes no money any more."""
    what = (
        ("The card is saved already." if session["mode"] == "setup" else "This is paid already.")
        if session["status"] == "complete"
        else "This page has expired. Nothing was charged."
    )
    return _frame("Closed", f'<h1>{what}</h1><p><a href="{escape(back_url)}">Go back</a></p>')


def missing() -> str:
    """The page for a session that does not exist."""
    return _frame("Not found", "<h1>There is no such page.</h1>")


def bank(session: Json) -> str:
    """The page of the bank, which asks the card's holder to confirm (3-D Secure)."""
    amount = escape(money.show(session["amount_total"], session["currency"].upper()))
    return _frame(
        "Confirm the payment",
        f"<h1>Your bank asks: is this payment yours?</h1><p class=amount>{amount}</p>"
        "<form method=post>"
        "<button name=action value=confirm>Yes, confirm</button>"
        "<button name=action value=refuse>No, refuse</button>"
        "<button name=action value=cancel>Cancel and go back</button>"
        "</form>",
    )


def _cards(*, saves_card: bool, is_setup: bool) -> str:
    shown = {key: card for key, card in CARDS.items() if saves_card or card.failure is None}
    if is_setup:
        shown.pop(ASKS)
    options = "".join(
        f'<label><input type=radio name=card value="{key}"{" checked" if key == WORKS else ""}> '
        f"{escape(card.brand.capitalize())} {card.last4}: {escape(card.name)}</label>"
        for key, card in shown.items()
    )
    saved = "<p class=saved>The card will be saved and charged later, while you are away.</p>" if saves_card else ""
    return f"{saved}<fieldset><legend>Test card</legend>{options}</fieldset>"


def _frame(title: str, inside: str) -> str:
    return FRAME.format(title=title, style=STYLE, inside=inside)
