#!/usr/bin/env python
"""The command line: `manage.py up --demo` starts everything on one machine."""

import os
import sys


def main() -> None:
    """Run one management command; `--demo` turns this process and its children into the demo installation."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartplus.settings")
    if "--demo" in sys.argv:
        os.environ["SMARTPLUS_DEMO"] = "1"
        if "up" not in sys.argv:  # every other command works in the demo without knowing of it
            sys.argv.remove("--demo")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
