"""Checks that the lock files agree with pyproject.toml. With --write it updates them.

requirements.txt and requirements-dev.txt contain exact versions with hashes. uv creates them from the ranges in pyproject.toml. A locked
version stays as long as it fits, so a check does not depend on later releases.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS: dict[str, list[str]] = {
    "requirements.txt": [],
    "requirements-dev.txt": ["--extra", "dev", "--constraint", "requirements.txt"],
}
OPTIONS = [
    "--quiet",
    "--universal",
    "--python-version",
    "3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-header",
    "--no-annotate",
]


def compile_lock(name: str, target: Path) -> None:
    """Resolve one lock file into `target`, preferring the versions that it has."""
    command = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        *OPTIONS,
        *LOCKS[name],
        "pyproject.toml",
        "--output-file",
        str(target),
    ]
    subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.PIPE)


def main() -> int:
    """Exit 1 and name the outdated file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    stale = []
    for name in LOCKS:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / name
            shutil.copy(ROOT / name, made)
            compile_lock(name, made)
            if made.read_text() != (ROOT / name).read_text():
                stale.append(name)
                if write:
                    shutil.copy(made, ROOT / name)
    if stale and not write:
        print(f"out of date: {', '.join(stale)}; run: make lock")
        return 1
    print(f"{'written' if stale else 'up to date'}: {', '.join(stale or LOCKS)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
