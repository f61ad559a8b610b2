"""`python -m smartplus.first_env`: create `.env` with secrets of this machine, unless it exists."""

from __future__ import annotations

import re
import secrets
import sys
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
MADE = {"SECRET_KEY": 50, "POSTGRES_PASSWORD": 32}  # bytes of randomness


def write(example: Path, target: Path) -> bool:
    """Copy the example with its secrets filled in, readable for this user only. False, without a change, where the file exists."""
    text = example.read_text()
    for name, length in MADE.items():
        text, count = re.subn(rf"(?m)^{name}=$", f"{name}={secrets.token_urlsafe(length)}", text)
        if count != 1:
            raise SystemExit(f"{example} has no empty line {name}=")
    try:
        target.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    target.write_text(text)
    return True


if __name__ == "__main__":
    if write(BASE_DIR / ".env.example", BASE_DIR / ".env"):
        sys.stdout.write("Made .env with secrets of its own.\n")
