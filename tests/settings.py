"""Settings of the tests: the real ones with throw-away secrets; SQLite in a file, since threads need one."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
if "SMARTPLUS_TEST_VAR" in os.environ:  # in a process that a test started
    _var = Path(os.environ["SMARTPLUS_TEST_VAR"])
else:  # a folder for each run, so that two runs at once do not share files
    _var = Path(tempfile.mkdtemp(prefix=f"smartplus-{_worker}-"))
    _owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(_var, ignore_errors=True) if os.getpid() == _owner else None)
os.environ["SMARTPLUS_VAR"] = str(_var)
os.environ["SMARTPLUS_DEMO"] = "0"
os.environ["SMARTPLUS_ENV_FILE"] = ""  # tests ignore a real installation in the same folder
os.environ["SECRET_KEY"] = "tests-only-" + "x" * 50
os.environ["SITE_URL"] = "http://testserver"
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
os.environ.setdefault("LOG_FORMAT", "plain")
os.environ["EMAIL_URL"] = "memorymail://"
os.environ["STRIPE_SECRET_KEY"] = "sandbox_key_of_the_tests"
os.environ["STRIPE_WEBHOOK_SECRET"] = "sandbox_webhook_secret_of_the_tests"
os.environ.setdefault("STRIPE_API_BASE", "http://127.0.0.1:1")
if os.environ.get("REDIS_URL", "").startswith("redis://") and _worker != "main":
    # one Redis database for each parallel worker, so that no worker takes another's messages
    os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rstrip("/").rsplit("/", 1)[0] + f"/{int(_worker[2:]) + 1}"

from smartplus.settings import *  # noqa: E402, F403  (the environment has to be set before)
from smartplus.settings import DATABASES  # noqa: E402

TESTING = True
DATABASES["default"]["CONN_MAX_AGE"] = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(_var / "test.sqlite3")}
    # tests need not survive a power cut
    DATABASES["default"]["OPTIONS"]["init_command"] = DATABASES["default"]["OPTIONS"]["init_command"].replace(
        "FULL", "OFF"
    )
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
SECURE_SSL_REDIRECT = False  # the test client uses http
STATIC_ROOT = _var / "static"
STATIC_ROOT.mkdir(exist_ok=True)
