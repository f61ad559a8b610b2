"""The environment of the demo installation: secrets made on this machine, kept in `var/demo.env`, good for loopback only."""

import os
import secrets
from pathlib import Path

PORT_DEFAULT, PORT_MAX = 8000, 65534  # the payment sandbox takes the next one


def port_of(text: str) -> int:
    """The web port that `PORT` or `--port` says, the default for an empty text; SystemExit with a sentence for what is no port."""
    text = text.strip() or str(PORT_DEFAULT)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= PORT_MAX):
        raise SystemExit(f"PORT has to be a number from 1 to {PORT_MAX}, not “{text}”.")
    return int(text)


def load(var: Path) -> None:
    """Create `var/demo.env` at the first start and put what it says into the environment, where nothing is set yet."""
    var.mkdir(mode=0o700, exist_ok=True)
    path = var / "demo.env"
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            "STRIPE_SECRET_KEY": f"sandbox_{secrets.token_hex(12)}",
            "STRIPE_WEBHOOK_SECRET": f"sandbox_{secrets.token_hex(24)}",
        }
        scratch = path.with_suffix(".new")
        scratch.touch(mode=0o600)
        scratch.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        scratch.rename(path)
    for line in path.read_text().splitlines():
        name, _, value = line.partition("=")
        os.environ.setdefault(name, value)
    port = port_of(os.environ.get("PORT", ""))
    os.environ["PORT"] = str(port)
    os.environ.setdefault("SITE_URL", f"http://127.0.0.1:{port}")
    os.environ.setdefault("STRIPE_API_BASE", f"http://127.0.0.1:{port + 1}")
    os.environ.setdefault("ALLOWED_HOSTS", "127.0.0.1,localhost")
    os.environ.setdefault("EMAIL_URL", "consolemail://")
