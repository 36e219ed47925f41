"""Settings, every knob from the environment (README, "In production"): nothing else differs on a cluster."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from . import environment as env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(env.text("BZPEER_HOME", str(BASE_DIR / ".bzpeer")))

DEBUG = env.flag("DEBUG")
# manage.py keeps a key in the state folder; a process started in another way must bring one, or lose its sessions.
SECRET_KEY = env.text("SECRET_KEY") or secrets.token_urlsafe(50)
SECRET_KEY_FALLBACKS = env.items("SECRET_KEY_FALLBACKS")  # earlier ones: sessions, and the seal of the ledger
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
HTTPS = env.flag("HTTPS")
if DEBUG and HTTPS:
    raise ImproperlyConfigured("DEBUG shows code and settings to whoever meets a fault: never together with HTTPS.")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "django_htmx",
    "ninja",  # for the Swagger UI that it carries
    "d3_bridge",  # for the d3.js that it carries
    "csp",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.orcid",
    "bzpeer",
    "trust",
    "graph",
    "profiles",
    "papers",
]
MIDDLEWARE = [
    "bzpeer.caching.KeepPages",
    "bzpeer.middleware.Headers",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "bzpeer.api.doors.Interface",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "bzpeer.middleware.VaryOnHtmx",
    "bzpeer.throttling.RateLimits",
    "bzpeer.middleware.SecondFactor",
    "profiles.hidden.Notices",
    "bzpeer.exporting.Formats",
]
ROOT_URLCONF = "bzpeer.urls"
WSGI_APPLICATION = "bzpeer.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "bzpeer.context.version",
            ]
        },
    }
]


def database(url: str) -> dict[str, Any]:
    """Django's connection settings for any libpq URL: postgresql://user:password@host:5432/name?sslmode=require."""
    try:
        info: dict[str, Any] = dict(conninfo_to_dict(url))
    except ProgrammingError as error:
        raise ImproperlyConfigured(f"DATABASE_URL is not a PostgreSQL address: {error}") from None
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": info.pop("dbname", "bzpeer"),
        "USER": info.pop("user", ""),
        "PASSWORD": info.pop("password", ""),
        "HOST": info.pop("host", ""),
        "PORT": info.pop("port", ""),
        # Without reuse a page of eight queries costs four to nine times as much.
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": info,
    }


def redis_databases(url: str) -> tuple[str, str]:
    """(address for Celery, address for Django's cache): numbers 0 and 1 of a server named without a number.

    Kombu writes a Unix socket as redis+socket://path?virtual_host=N, redis-py as unix://path?db=N.
    """
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ImproperlyConfigured(f"REDIS_URL must begin with redis://, rediss:// or unix://; it is {url!r}")
    if url.startswith("unix://"):
        path = url.removeprefix("unix://").split("?")[0]
        return f"redis+socket://{path}?virtual_host=0", f"unix://{path}?db=1"
    return url, url


DATABASES = {"default": database(env.text("DATABASE_URL", "postgresql:///bzpeer"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL, _cache = redis_databases(env.text("REDIS_URL", "redis://127.0.0.1:6379"))
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": _cache}}
PAGES_KEPT = env.whole("PAGES_KEPT", 10_000)  # pages for visitors in that cache, some 10 kB each; 0: none
# The broker is a hint and Postgres the truth: results live in `papers.Batch`, and a lost message is sent again.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = 6 * 3600
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 7 * 3600}  # longer than any task, or it would be run twice
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
BEAT_SECONDS = env.whole("BEAT_SECONDS", 60, least=1)
CELERY_BEAT_SCHEDULE = {
    "resume-batches": {"task": "bzpeer.resume_batches", "schedule": float(BEAT_SECONDS)},
    "harvest": {"task": "bzpeer.harvest", "schedule": float(BEAT_SECONDS)},  # only what somebody put on a schedule
    "expire-proofs": {"task": "bzpeer.expire_proofs", "schedule": 3600.0},
    "tidy-subscriptions": {"task": "bzpeer.tidy_subscriptions", "schedule": 3600.0},
    "weigh-doubts": {"task": "bzpeer.weigh_doubts", "schedule": 3600.0},
    # Clicks are counted at once; this is for what else moves a sum: people merged, records claimed.
    "settle-trends": {"task": "bzpeer.settle_trends", "schedule": 3600.0, "options": {"priority": 9}},
    # The first snapshot at once, later ones within the hour: each batch asks for one by itself.
    "build-graph": {"task": "bzpeer.build_graph", "schedule": float(BEAT_SECONDS), "kwargs": {"older_than": 3600}},
    # What no batch asked for: after a stop in the middle, or with embeddings switched on later.
    "embed-papers": {"task": "bzpeer.embed_papers", "schedule": 10.0 * BEAT_SECONDS, "options": {"priority": 9}},
    "send-digests": {"task": "bzpeer.send_digests", "schedule": 5.0 * BEAT_SECONDS},  # only what is due
    "deliver-letters": {"task": "bzpeer.deliver_letters", "schedule": float(BEAT_SECONDS)},
}

# Papers are embedded in the background and searched by meaning; off, by words alone and no model is loaded.
EMBEDDINGS = env.flag("EMBEDDINGS", True)

HARVEST_ATOM = env.text("HARVEST_ATOM", "https://export.arxiv.org/api/query")
HARVEST_OPENALEX = env.text("HARVEST_OPENALEX", "https://api.openalex.org/works")
# arXiv's terms of use: one request in three seconds; other repositories are hardly more patient.
HARVEST_PACE = env.whole("HARVEST_PACE", 3)
# Tests run their repository on this machine. An endpoint that names this machine outright may then be asked.
HARVEST_LOOPBACK = env.flag("HARVEST_LOOPBACK")

AUTH_USER_MODEL = "profiles.Account"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["username", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},  # the 20,000 most common
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
]
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
AUTHENTICATION_BACKENDS = ["profiles.accounts.backends.OnceEach"]  # allauth's, with addresses
ACCOUNT_ADAPTER = "profiles.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"login": "profiles.accounts.forms.LoginForm"}
ACCOUNT_USER_DISPLAY = "profiles.accounts.adapter.display"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SESSION_REMEMBER = True  # sessions are listed, and can be ended from any other
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
# allauth's limits read, decide and write in three steps under a lock that can be lost, and answer as if the password
# were wrong. Ours stand before its pages (`bzpeer.throttling`); of its own the one is kept for letters that it sends
# unasked, at each sign-in with an address that is not confirmed.
ACCOUNT_RATE_LIMITS: dict[str, str | None] = {
    "change_password": None,
    "manage_email": None,
    "reset_password": None,
    "reauthenticate": None,
    "reset_password_from_key": None,
    "signup": None,
    "login": None,
    "request_login_code": None,
    "login_failed": None,
    "confirm_email": "3/6h/key",
}
ACCOUNT_EMAIL_CONFIRMATION_EXPIRE_DAYS = 1
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_MAX_EMAIL_ADDRESSES = 10
ACCOUNT_REAUTHENTICATION_REQUIRED = True
USERSESSIONS_TRACK_ACTIVITY = True
MFA_ADAPTER = "profiles.accounts.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_FORMS = {"add_webauthn": "profiles.accounts.forms.PasskeyForm"}
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an address is confirmed before one logs in by it, with two factors or one
MFA_TOTP_ISSUER = "BZPEER"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones are off by some seconds
# Who may do more than readers needs a second factor (`bzpeer.middleware`), but for the accounts that are named here.
STAFF_SECOND_FACTOR = env.flag("STAFF_SECOND_FACTOR", True)
SECOND_FACTOR_EXEMPT = env.items("SECOND_FACTOR_EXEMPT")

# Sign-in with ORCID, where an API client is given (https://orcid.org/developer-tools).
ORCID_CLIENT_ID = env.text("ORCID_CLIENT_ID")
ORCID_SITE = "sandbox.orcid.org" if env.flag("ORCID_SANDBOX") else "orcid.org"
SOCIALACCOUNT_ADAPTER = "profiles.accounts.adapter.ConnectionAdapter"
SOCIALACCOUNT_AUTO_SIGNUP = False
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    "orcid": {
        "BASE_DOMAIN": ORCID_SITE,
        "MEMBER_API": False,
        "SCOPE": ["/authenticate"],
        "APPS": [{"client_id": ORCID_CLIENT_ID, "secret": env.text("ORCID_SECRET")}] if ORCID_CLIENT_ID else [],
    }
}

# The address of the site, for links in mail.
SITE_URL = env.text("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
# The host in ids that others keep for good (OAI-PMH, feeds): that of SITE_URL, unless the site has moved since.
ID_HOST = env.text("ID_HOST")
# Mail is kept to be read at /outbox/ instead of being sent: on one's own machine.
MAIL_KEPT = env.flag("MAIL_KEPT")
EMAIL_BACKEND = (
    "django.core.mail.backends.dummy.EmailBackend"
    if MAIL_KEPT
    else env.text("MAIL_BACKEND", "profiles.smtp.EmailBackend")
)
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.whole("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_USE_SSL = env.flag("EMAIL_USE_SSL")
EMAIL_TIMEOUT = env.whole("EMAIL_TIMEOUT", 20, least=1)  # seconds that the SMTP server may be silent
# Where a mail server sends what it cannot deliver, and `manage.py bounces` reads it: each letter's own address is this
# one with a mark behind a plus. Without it the sender hears of it.
BOUNCES_TO = env.text("BOUNCES_TO")
# The hour (UTC) from which digests of the day are made: arXiv has announced its papers by then.
DIGEST_HOUR = env.whole("DIGEST_HOUR", 6)
if DIGEST_HOUR > 23:
    raise ImproperlyConfigured(f"DIGEST_HOUR must be an hour of the day, 0 to 23; it is {DIGEST_HOUR}")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.text("MAIL_FROM", "BZPEER <bzpeer@localhost>")
# Of a provider's API (MAIL_BACKEND=anymail.backends.<provider>.EmailBackend): ANYMAIL_… as django-anymail names them.
ANYMAIL = env.starting("ANYMAIL_")
# A passkey needs https, but for http://localhost on one's own machine.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = MAIL_KEPT

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
MEDIA_ROOT = Path(env.text("MEDIA_ROOT", str(STATE_DIR / "media")))  # uploaded imports; never served
GRAPH_DIR = Path(env.text("GRAPH_DIR", str(STATE_DIR / "graph")))  # snapshots of the graph, for all of the machine
FILE_UPLOAD_PERMISSIONS = 0o600

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        # Logging in with ORCID begins with a form of ours whose answer leads there.
        "form-action": [SELF, f"https://{ORCID_SITE}"] if ORCID_CLIENT_ID else [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
if HTTPS:  # by this prefix a browser takes the cookie from this host alone, never from another of the domain
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
CSRF_COOKIE_HTTPONLY = True  # htmx sends the token of the page
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# The browsers' own list binds the whole domain for months, and anybody may enter a site that says it: the operator's.
SECURE_HSTS_PRELOAD = env.flag("HSTS_PRELOAD")
SILENCED_SYSTEM_CHECKS = ["security.W021"]
# Where somebody who found a hole writes to: an address or a page, shown at /.well-known/security.txt.
SECURITY_CONTACT = env.text("SECURITY_CONTACT")
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # asked by the container's own health check, without TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
# Proxies of ours in front: so many entries of X-Forwarded-For, from the right, were not written by the client.
PROXIES = ALLAUTH_TRUSTED_PROXY_COUNT = env.whole("PROXIES", int(env.flag("BEHIND_PROXY")))
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO" if DEBUG else "WARNING")},
}
