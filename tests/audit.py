"""Checks the locked packages for known vulnerabilities, and says how many could be checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"


def main() -> None:
    """Print a summary, and a line for each vulnerability; exit 1 where there is one, or where the tool failed."""
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "--disable-pip",
        "--no-deps",
        "-r",
        str(LOCK),
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages: list[dict[str, Any]] = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        sys.exit(f"pip-audit answered nothing that can be read:\n{asked.stderr[-2000:]}")
    known = [(row, found) for row in packages for found in row.get("vulns", ())]
    answered = [row for row in packages if "skip_reason" not in row]
    print(
        f"pip-audit: {len(known)} known vulnerabilities; {len(answered)} of {len(packages)} locked packages could be asked about"
    )
    if len(answered) < len(packages):
        print("pip-audit: WARNING, the index did not answer about the others: nothing is known about them")
    for row, found in known:
        print(
            f"  {row['name']} {row['version']}: {found['id']}, mended in {', '.join(found.get('fix_versions', [])) or 'no version yet'}"
        )
    sys.exit(bool(known))


if __name__ == "__main__":
    main()
