"""Settings of a process that a test starts on the very database of its run."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["SMARTPLUS_TEST_DATABASE"]
