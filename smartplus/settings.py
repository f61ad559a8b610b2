"""Settings: everything that differs between installations comes from the environment (see `.env.example`)."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from smartplus import environment

django_stubs_ext.monkeypatch()  # lets forms and admin classes name what they are generic over

BASE_DIR = Path(__file__).resolve().parent.parent
# The demo is an installation of its own: own folder, own database, own secrets. It reads neither `.env` nor the environment.
DEMO = environment.is_demo()
if DEMO:
    VAR_DIR = Path(os.environ.get("SMARTPLUS_VAR") or BASE_DIR / "var").absolute() / "demo"
    env = environment.of_demo(
        VAR_DIR, sandbox="STRIPE_API_BASE", sandbox_secrets=("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
    )
else:
    _file = os.environ.get("SMARTPLUS_ENV_FILE", BASE_DIR / ".env")
    env = environment.of_installation(Path(_file) if _file else None)
    VAR_DIR = Path(env.str("SMARTPLUS_VAR", default=str(BASE_DIR / "var"))).absolute()

if not env.str("SECRET_KEY", default=""):
    raise ImproperlyConfigured(
        "SECRET_KEY is not set. `make install` makes a .env with one; `make run` is the demo, and `manage.py … --demo` works on it."
    )

SECRET_KEY = env.str("SECRET_KEY")
DEBUG = env.bool("DEBUG", default=False)
# Where people and gateways reach us; mails and return addresses use it.
SITE_URL = env.str("SITE_URL", default="").rstrip("/")
TESTING = False
if not SITE_URL and not DEBUG:
    raise ImproperlyConfigured(
        "SITE_URL is not set: mails and payment pages must lead back, e.g. https://portal.example.com"
    )
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[host] if (host := urlsplit(SITE_URL).hostname) else [])
INSTALLATION_NAME = environment.installation_name(env, SITE_URL, is_demo=DEMO)
BROKER_DIR = VAR_DIR / "broker"
environment.make_folders(
    VAR_DIR, BROKER_DIR / "queue", BROKER_DIR / "control"
)  # `migrate` may be the first command ever

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_countries",
    "django_htmx",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "accounts",
    "communities",
    "devices",
    "payments",
    "subscriptions",
    "smartplus",
]

MIDDLEWARE = [
    "smartplus.middleware.RequestMiddleware",  # first: whatever happens, it happens under an id
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",  # its files are compressed already
    "django.middleware.gzip.GZipMiddleware",  # pads each answer by a random length, see docs/security.md
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "smartplus.bidi.BidiMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "smartplus.session_store.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "smartplus.access_middleware.AccessMiddleware",
    "axes.middleware.AxesMiddleware",  # last: its page is shown like any other
]

ROOT_URLCONF = "smartplus.urls"
WSGI_APPLICATION = "smartplus.wsgi.application"
CSRF_FAILURE_VIEW = "smartplus.portal.sign_in.old_forms.csrf_failure"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": False,
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "smartplus.template_loaders.FilesystemLoader",
                        "smartplus.template_loaders.AppDirectoriesLoader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.template.context_processors.tz",
                "django.contrib.messages.context_processors.messages",
                "smartplus.portal.context.portal",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "smartplus.portal.kit.contact_tags",
                "smartplus.portal.kit.day_tags",
                "smartplus.portal.kit.form_tags",
                "smartplus.portal.kit.link_tags",
                "smartplus.portal.kit.list_tags",
                "smartplus.portal.kit.money_tags",
                "smartplus.portal.kit.page_tags",
                "smartplus.portal.kit.status_tags",
                "smartplus.portal.kit.translate_tags",
            ],
            "libraries": {
                "price_preview": "smartplus.portal.price_preview.tags",
                "notices": "smartplus.portal.kit.mail_tags",
                "rows": "smartplus.portal.kit.row_tags",
                "sites": "smartplus.portal.sites.tags",
            },
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------------
DATABASES = {"default": env.db_url_config(environment.database_url(env, VAR_DIR / "smartplus.sqlite3"))}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = 60
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"] == "django.db.backends.sqlite3":
    # IMMEDIATE: a transaction that reads before it writes must not lose the race for the write lock half-way.
    # FULL: money survives a power cut. recursive_triggers: REPLACE must not slip past the append-only triggers.
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;",
    }
elif _database["ENGINE"].startswith("django.db.backends.postgresql"):
    _options = _database.setdefault("OPTIONS", {})
    _options.setdefault("connect_timeout", 5)  # whoever waits for a page won't wait longer
    # No page is so long that compiling its plan pays; sorting and hashing what one reader owns fits into 16 MB.
    _options.setdefault("options", "-c jit=off -c work_mem=16MB")
SILENCED_SYSTEM_CHECKS = ["auth.W004"]  # the address is unique by its casefolded key
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people and sessions --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {
            "user_attributes": ("email", "name")
        },  # what our people have; Django's own names are those of its user
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_ENGINE = "smartplus.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"  # a person comes back from the gateway's page by a link and must still be signed in
PASSWORD_RESET_TIMEOUT = 3600
OTP_TOTP_ISSUER = "SmartPlus"  # what an authenticator app writes above the code

# Five wrong passwords for one person from one address: a quarter of an hour's rest, which trying on does not prolong.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "smartplus.throttle.username"
AXES_CLIENT_IP_CALLABLE = "smartplus.throttle.client_address"
AXES_LOCKOUT_CALLABLE = "smartplus.throttle.locked"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "password", "csrfmiddlewaretoken", "next", "code", "key"]
AXES_DISABLE_ACCESS_LOG = True  # we keep no list of sign-ins; sessions are enough
AXES_VERBOSE = False

# --- transport security: on everywhere but on this machine's own address, where nothing travels over a network ---------
_https = SITE_URL.startswith("https://") or not (DEBUG or environment.is_loopback(SITE_URL))
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
# One proxy of ours in front: only then are X-Forwarded-Proto, X-Forwarded-For and X-Request-ID believed.
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = False
if environment.is_loopback(SITE_URL) and not _https:  # nothing travels, so nothing can be read on its way
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]
CSRF_TRUSTED_ORIGINS = [SITE_URL] if SITE_URL else []
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# A form may send people on to the gateway's hosted page, so those origins are form targets too.
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="")
_pay_pages = ["https://checkout.stripe.com", *([STRIPE_API_BASE] if STRIPE_API_BASE else [])]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF, *_pay_pages],
    }
}

# --- language and time ------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
COUNTRIES_OVERRIDE = {
    "XK": {"name": "Kosovo", "alpha3": "XKX"}
}  # not in ISO 3166: these two letters are set aside for users

# --- files ------------------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_NUMBER_FIELDS = 25_000  # a page of ticked rows is larger than Django's 1,000

# --- mail -------------------------------------------------------------------------------------------------------------
vars().update(env.email("EMAIL_URL", default="consolemail://" if DEBUG else "smtp://localhost:25"))
MAIL_IS_SET_UP = DEMO or bool(env.str("EMAIL_URL", default=""))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="SmartPlus <no-reply@localhost>")

# --- background work: the database is the queue, Celery only wakes it -------------------------------------------------
REDIS_URL = env.str("REDIS_URL", default="")
CELERY_BROKER_URL = REDIS_URL or "filesystem://localhost"
if not REDIS_URL:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "polling_interval": 0.05,
    }
else:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "visibility_timeout": 3600,
        "global_keyprefix": f"{INSTALLATION_NAME}:",  # several installations may share one Redis
    }
CELERY_TASK_DEFAULT_QUEUE = INSTALLATION_NAME
CELERY_BEAT_SCHEDULER = "smartplus.beat:Scheduler"
# Two queues, so that a gateway that hangs keeps no mail and no seal waiting: one worker takes the first (`-X gateways`), another the
# second (`-Q gateways`). A worker that is told nothing takes both.
CELERY_TASK_QUEUES = {name: {"exchange": name, "routing_key": name} for name in (CELERY_TASK_DEFAULT_QUEUE, "gateways")}
CELERY_TIMEZONE = "UTC"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_PUBLISH_RETRY = False  # publishing may fail without harm: beat looks for the same rows again
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_REDIRECT_STDOUTS = (
    False  # mail that is printed is to be read: as lines of the log its links would be hidden
)
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BEAT_SCHEDULE = {"tick": {"task": "smartplus.tick", "schedule": 20.0, "options": {"expires": 20}}}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

# --- long jobs: what people start and what takes longer than a click --------------------------------------------------
EXPORT_ROWS_AT_ONCE = env.int("EXPORT_ROWS_AT_ONCE", default=1_000)  # a longer list is made into a file by a job
BULK_APARTMENTS_AT_ONCE = env.int("BULK_APARTMENTS_AT_ONCE", default=1_000)
IMPORT_ROWS_AT_ONCE = env.int("IMPORT_ROWS_AT_ONCE", default=100)
IMPORT_ROWS = env.int("IMPORT_ROWS", default=5_000)  # the most of one file
IMPORT_MB = env.int("IMPORT_MB", default=5)
IMPORT_UNPACKED_MB = env.int("IMPORT_UNPACKED_MB", default=50)  # of an Excel file, which is an archive
LONG_JOBS_OPEN = env.int("LONG_JOBS_OPEN", default=10)  # of one person
LONG_JOBS_KEPT_DAYS = env.int("LONG_JOBS_KEPT_DAYS", default=14)  # with their files
LONG_JOB_FILE_MB = env.int("LONG_JOB_FILE_MB", default=200)

# --- gateways ---------------------------------------------------------------------------------------------------------
PAYMENT_GATEWAYS = {"stripe": "payments.gateways.stripe.StripeGateway"}  # by name; the first one is proposed
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env.str("STRIPE_WEBHOOK_SECRET", default="")
STRIPE_TIMEOUT_S = 20
WEBHOOK_MAX_BYTES = 256 * 1024

# --- the trade's own settings -----------------------------------------------------------------------------------------
MAC_LIBRARY_REQUIRED = env.bool("MAC_LIBRARY_REQUIRED", default=True)  # DOMAIN: on by default
MAC_FOREIGN_OUI = env.str("MAC_FOREIGN_OUI", default="warn")  # warn | enforce | off
DEVICES_PER_APARTMENT = env.int("DEVICES_PER_APARTMENT", default=10)
APARTMENTS_AT_ONCE = env.int("APARTMENTS_AT_ONCE", default=10_000)  # of a new site or building
# Commercial sites created since then are paid with credits, older ones with money (S2); the beginning of the day in UTC
CREDITS_SINCE = datetime.fromisoformat(env.str("CREDITS_SINCE", default="2025-06-01")).replace(tzinfo=UTC)
LEASE_NOTICE_DAYS = env.int("LEASE_NOTICE_DAYS", default=14)  # how long before its end a lease is told of
RESIDENTS_KEPT_DAYS = env.int("RESIDENTS_KEPT_DAYS", default=30)  # after that the data of who moved out are erased

# Where the heads of the audit's chains are kept, day by day; best on a volume that database administrators can't write to
AUDIT_HEADS = Path(env.str("AUDIT_HEADS", default="") or VAR_DIR / "audit-heads.jsonl")

# --- logs: JSON for machines, text for a terminal; the formatters hide secrets and addresses of people -------------------
LOG_FORMAT = env.str("LOG_FORMAT", default="plain" if DEMO or DEBUG else "json")  # json | plain
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {"()": "smartplus.logs.PlainFormatter"},
        "json": {"()": "smartplus.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {
        "smartplus": {"level": env.str("LOG_LEVEL", default="INFO")},
        # The demo's terminal shows mails and what went wrong, not every click.
        "smartplus.requests": {"level": env.str("LOG_LEVEL", default="WARNING" if DEMO else "INFO")},
        # Django's own handlers would write the address with its query, or mail the form and the cookies.
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
    },
}
