"""What tests of pages need besides the cast."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

# WhiteNoise warns when nothing has been collected yet, and warnings are errors here.
Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)


@pytest.fixture(autouse=True)
def plain_http(settings: Any) -> None:
    """Test clients speak http; that everything else is sent on to https is tested with the settings."""
    settings.SECURE_SSL_REDIRECT = False
