"""The source of settings: a real installation uses the environment and `.env`, the demo its own file; never both."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import environ

PORT_DEFAULT, PORT_MAX = 8000, 65534  # the payment sandbox uses the next port
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

# Variables that a demo reads from outside: none that leads to real data. The last two are for tests.
TOLD_TO_THE_DEMO = {
    "PORT": "PORT",
    "LOG_LEVEL": "LOG_LEVEL",
    "LOG_FORMAT": "LOG_FORMAT",
    "SMARTPLUS_DEMO_DATABASE_URL": "DATABASE_URL",
    "SMARTPLUS_DEMO_REDIS_URL": "REDIS_URL",
}


class Given(environ.Env):  # type: ignore[misc]  # django-environ is not typed
    """The variables of one installation, separate from those of the process. An empty value counts as not given."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__()
        self.ENVIRON = {name: value for name, value in variables.items() if value.strip()}


def is_demo() -> bool:
    """Whether this process is the demo, by the option in `manage.py … --demo`. `.env` can't say it, and no file is examined."""
    return os.environ.get("SMARTPLUS_DEMO", "").strip().casefold() in {"1", "true", "yes", "on"}


def of_installation(env_file: Path | None) -> Given:
    """A real installation: the process's environment, and `.env` for variables that are not set there."""
    variables = dict(os.environ)
    if env_file is not None:

        class File(environ.Env):  # type: ignore[misc]
            ENVIRON = variables

        File.read_env(env_file)
    return Given(variables)


def of_demo(var: Path, *, sandbox: str, sandbox_secrets: Sequence[str]) -> Given:
    """The demo: its own secrets and addresses, independent of the process's environment and of `.env`.

    `var` is the demo's folder; its secrets are created at the first start and stored in `demo.env` there. `sandbox` is the variable with
    the address of the payment sandbox, `sandbox_secrets` are the secrets that both share.
    """
    for name in [name for name in os.environ if name.startswith("CELERY_")]:
        del os.environ[name]  # Celery would use a broker from this variable, whatever the settings say
    port = port_of(os.environ.get("PORT", ""))
    os.environ["PORT"] = str(port)
    variables = {
        ours: os.environ[theirs] for theirs, ours in TOLD_TO_THE_DEMO.items() if os.environ.get(theirs, "").strip()
    }
    return Given(
        variables
        | _secrets(var, sandbox_secrets)
        | {
            "SITE_URL": f"http://127.0.0.1:{port}",
            sandbox: f"http://127.0.0.1:{port + 1}",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "EMAIL_URL": "consolemail://",
        }
    )


def _secrets(var: Path, of_sandbox: Sequence[str]) -> dict[str, str]:
    """The contents of `demo.env`, created at the first start."""
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = var / "demo.env"
    if not path.exists():
        made = {
            "SECRET_KEY": secrets.token_urlsafe(50),
            **{name: f"sandbox_{secrets.token_hex(24)}" for name in of_sandbox},
        }
        scratch = path.with_suffix(".new")
        scratch.touch(mode=0o600)
        scratch.write_text("".join(f"{name}={value}\n" for name, value in made.items()))
        scratch.rename(path)
    lines = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, _, value in lines}


def database_url(env: Given, otherwise: Path) -> str:
    """`DATABASE_URL`; or an address from `POSTGRES_HOST` and `POSTGRES_PASSWORD`; or SQLite's file."""
    if url := env.str("DATABASE_URL", default=""):
        return str(url)
    if host := env.str("POSTGRES_HOST", default=""):
        user, name = env.str("POSTGRES_USER", default="smartplus"), env.str("POSTGRES_DB", default="smartplus")
        password = quote(env.str("POSTGRES_PASSWORD", default=""), safe="")
        return f"postgres://{quote(user, safe='')}:{password}@{host}/{name}"
    return f"sqlite:///{otherwise}"


def installation_name(env: Given, site_url: str, *, is_demo: bool) -> str:
    """The prefix of keys and queues in a shared Redis: `INSTALLATION_NAME`, or host and port of `SITE_URL`."""
    if is_demo:
        return "smartplus-demo"
    given = env.str("INSTALLATION_NAME", default="") or urlsplit(site_url).netloc.rpartition("@")[2]
    return re.sub(r"[^a-z0-9]+", "-", given.casefold()).strip("-") or "smartplus"


def make_folders(*folders: Path) -> None:
    """Create the data folders, readable for this user only. Where that is not allowed, the code that needs a folder reports it."""
    for folder in folders:
        with suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def is_loopback(url: str) -> bool:
    """Whether an address is this machine's loopback, so that no data travels over a network."""
    return urlsplit(url).hostname in LOOPBACK


def port_of(text: str) -> int:
    """The web port in `PORT` or `--port`, the default for an empty text; SystemExit with a message for text that is no port."""
    text = text.strip() or str(PORT_DEFAULT)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= PORT_MAX):
        raise SystemExit(f"PORT has to be a number from 1 to {PORT_MAX}, not “{text}”.")
    return int(text)
