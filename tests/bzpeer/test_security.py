"""What no page may do: show the inside of a fault, lead away, trust a name not ours, be made with sharp tools."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from allauth.account.models import EmailAddress
from django.conf import settings as live
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.cache import cache
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from papers.models import Batch, BatchRecord, JournalEntry
from profiles.models import Account, Author
from tests.bzpeer.test_matrix import check_headers
from tests.conftest import REPO_ROOT, fact, with_role

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
PRODUCTION = {
    "HTTPS": "1",
    "BEHIND_PROXY": "1",
    "SECRET_KEY": "k3-" + "Zq9_fT2" * 8,
    "ALLOWED_HOSTS": "bzpeer.example.org",
    "SITE_URL": "https://bzpeer.example.org",
    "MAIL_KEPT": "",
    "DATABASE_URL": "postgresql:///none",
    "REDIS_URL": "redis://none",
    "DJANGO_SETTINGS_MODULE": "bzpeer.settings",
}


def in_production(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`python …` with the settings of production."""
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPO_ROOT,
        env=environment | PRODUCTION | more,
        capture_output=True,
        text=True,
        timeout=120,
    )


CHECK = ("-c", "from django.core.management import execute_from_command_line as run; run(['x', *'%s'.split()])")


def test_djangos_own_check_of_production_settings_finds_nothing():
    done = in_production(CHECK[0], CHECK[1] % "check --deploy --fail-level WARNING")
    assert done.returncode == 0, done.stderr


def test_production_cookies_belong_to_this_host_alone_and_browsers_are_held_to_https_for_a_year():
    names = "SESSION_COOKIE_NAME CSRF_COOKIE_NAME SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SECURE_HSTS_SECONDS"
    code = f"import bzpeer.settings as s; print(*(getattr(s, n) for n in {names.split()!r}))"
    told = in_production("-c", code).stdout.split()
    assert told[:4] == ["__Host-sessionid", "__Host-csrftoken", "True", "True"]
    assert int(told[4]) >= 365 * 24 * 3_600


def test_debug_does_not_start_together_with_https():
    done = in_production("-c", "import bzpeer.settings", DEBUG="1")
    assert done.returncode != 0
    assert "never together with HTTPS" in done.stderr


@pytest.fixture
def https(settings) -> Client:
    """A client over TLS, with the settings that HTTPS=1 gives."""
    settings.SECURE_SSL_REDIRECT = settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    return Client()


def test_with_https_a_browser_gets_hsts_and_cookies_that_take_the_prefix(https: Client):
    ada = Account.objects.create_user("ada", "ada@example.org", PASSWORD)
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    answer = https.post("/accounts/login/", {"login": "ada", "password": PASSWORD}, secure=True)
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert {"__Host-sessionid", "__Host-csrftoken"} <= set(answer.cookies)
    assert set(answer.cookies) <= {"__Host-sessionid", "__Host-csrftoken", CookieStorage.cookie_name}
    for cookie in answer.cookies.values():
        assert (cookie["secure"], cookie["path"], cookie["domain"] or "") == (True, "/", ""), cookie.key
        assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax"), cookie.key
    assert https.get("/").status_code == 301  # without TLS


def test_a_session_gets_a_new_key_when_somebody_signs_in_and_is_nothing_after(client: Client):
    ada = Account.objects.create_user("ada", "ada@example.org", PASSWORD)
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    client.cookies[live.SESSION_COOKIE_NAME] = "a" * 32  # planted by somebody
    client.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    key = client.cookies[live.SESSION_COOKIE_NAME].value
    assert key != "a" * 32
    assert client.get("/account/").status_code == 200
    client.post("/accounts/logout/")
    client.cookies[live.SESSION_COOKIE_NAME] = key
    assert client.get("/account/").status_code == 302


# What a browser may take for another site, or for a script, in as many disguises as are known.
HOSTS = ("evil.example", "evil.example/", "evil.example:80/x", "evil.example%2f", "evil.example?x=/", "evil.example#/")
ELSEWHERE = [
    *(
        f"{start}{host}"
        for host in HOSTS
        for start in ("//", "///", "http://", "https://", "\\\\", "/\\", "\\/", "/\t/")
    ),
    *(
        f"{start}evil.example"
        for start in ("////", "http:", "https:", "http:/", "http:///", "HTTPS://", "ftp://", "//\t")
    ),
    *(
        f"{start}evil.example"
        for start in ("http://testserver@", "//testserver@", "https://testserver:80@", "//@", "//:@")
    ),
    *(
        f"{start}//evil.example"
        for start in (" ", "\t", "\n", "\r\n", "\0", "\x0b", "\x1f", "\u00a0", "\u200b", "\ufeff")
    ),
    *(f"{letter}//evil.example" for letter in ("\uff0f", "\u2215", "\u2044", "http:\\", "http:\\\\", "/%09", "/%5c")),
    "http://testserver.evil.example/",
    "http://evil.example/testserver",
    "//evil.example/..;/accounts/",
    "//evil\u3002example/",
    "//evil\uff0eexample/",
    "http://[::2]/",
    "http://[evil",
    "http://127.0.0.1:8080/",
    "//127.1/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    " javascript:alert(1)",
    "java\tscript:alert(1)",
    "java\nscript:alert(1)",
    "javascript://testserver/%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "mailto:evil@example.org",
    "blob:http://testserver/1",
    "/\r\nSet-Cookie: a=b",
    "//evil.example\r\nX: y",
    "%0d%0aLocation://evil.example",
    "x" * 3_000 + "//evil.example",
]


def leads_away(location: str) -> bool:
    """Whether a browser would leave: it drops tabs and line ends, and reads a backslash as a slash."""
    seen = re.sub(r"[\t\r\n]", "", location).strip("\0\x0b\x1f \u00a0").replace("\\", "/")
    if seen.startswith("//"):
        return True
    parts = urlsplit(seen)
    return bool(parts.scheme or parts.netloc) and (parts.scheme, parts.netloc) != ("http", "testserver")


def test_there_are_a_hundred_ways_to_lead_away():
    assert len(set(ELSEWHERE)) >= 100


def test_no_form_leads_away_from_the_site(settings, bring):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    bring(fact("2001.00001", ["Ada Lovelace"], "Engines"))
    author = Author.objects.get()
    ada = Account.objects.create_user("ada", "ada@example.org", PASSWORD)
    EmailAddress.objects.create(user=ada, email=ada.email, verified=True, primary=True)
    signed_in = Client()
    signed_in.force_login(ada)
    follow = reverse("person_follow", args=[author.pk])
    for number, payload in enumerate(ELSEWHERE):
        cache.clear()
        answers = [
            signed_in.get("/accounts/login/", {"next": payload}),
            signed_in.post(follow, {"next": payload, "follow": "1"}),
        ]
        if number % 4 == 0:  # the same choice is made behind forms that cost more
            answers.append(Client().post("/accounts/login/", {"login": "ada", "password": PASSWORD, "next": payload}))
            form = {"email": f"new{number}@example.org", "password1": PASSWORD, "next": payload}
            answers.append(Client().post("/accounts/signup/", form))
            leaving = Client()
            leaving.force_login(ada)
            answers.append(leaving.post("/accounts/logout/", {"next": payload}))
        for answer in answers:
            assert answer.status_code == 302, payload
            assert not leads_away(answer["Location"]), payload


def test_a_fault_shows_nothing_of_its_inside(monkeypatch: pytest.MonkeyPatch):
    def broken(*arguments: object) -> None:
        raise RuntimeError("the secret inside")

    monkeypatch.setattr("bzpeer.searching.find_people", broken)
    client = Client(raise_request_exception=False)
    for headers in ({}, {"HX-Request": "true"}):
        answer = client.get("/search/?q=x", headers=headers)
        html = answer.content.decode()
        assert answer.status_code == 500
        assert "Something broke on our side" in html
        assert not any(word in html for word in ("secret", "RuntimeError", "Traceback", "views.py", live.SECRET_KEY))
        check_headers(answer.headers, "500")


@pytest.mark.parametrize(
    ("address", "more", "status"),
    [
        ("/", {"HTTP_HOST": "evil.example"}, 400),
        ("/changes/?before=x", {}, 302),
        ("/nowhere/", {}, 404),
        ("/following/questions/1/", {}, 405),
        ("/static/css/bzpeer.css", {}, 200),
        ("/static/nothing.css", {}, 404),
        ("/accounts/", {}, 302),
    ],
)
def test_refusals_have_the_headers_too(client: Client, address: str, more: dict[str, str], status: int):
    answer = client.get(address, **more)  # type: ignore[arg-type]
    assert answer.status_code == status
    check_headers(answer.headers, address)


def test_so_have_a_refused_form_a_gone_person_and_too_many_requests(client: Client):
    forged = Client(enforce_csrf_checks=True).post("/accounts/login/")
    gone = client.get(Author.objects.create(name="Nobody").get_absolute_url())
    for _ in range(11):
        many = client.post("/accounts/login/", {"login": "x", "password": "y"})
    assert [answer.status_code for answer in (forged, gone, many)] == [403, 410, 429]
    for answer in (forged, gone, many):
        check_headers(answer.headers, str(answer.status_code))


def test_a_holes_finder_is_told_whom_to_write_to(client: Client, settings):
    assert client.get("/.well-known/security.txt").status_code == 404
    settings.SECURITY_CONTACT, settings.SITE_URL = "security@example.org", "https://bzpeer.example.org"
    answer = client.get("/.well-known/security.txt")
    fields = dict(line.split(": ", 1) for line in answer.content.decode().splitlines())
    assert answer["Content-Type"].startswith("text/plain")
    assert fields["Contact"] == "mailto:security@example.org"
    assert fields["Canonical"] == "https://bzpeer.example.org/.well-known/security.txt"
    left = datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC)
    assert timedelta(days=30) < left < timedelta(days=365)


def test_the_journal_is_read_by_curators_and_written_by_nobodys_form(client: Client):
    client.force_login(with_role("root", "Administrators"))
    for page in ("add", "changelist"):
        client.post(reverse(f"admin:papers_journalentry_{page}"), {"verb": "forged"})
    assert client.get(reverse("admin:papers_journalentry_add")).status_code == 403
    assert not JournalEntry.objects.filter(verb="forged").exists()


PRODUCT = [
    path
    for app in ("bzpeer", "trust", "graph", "profiles", "papers", "templates")
    for path in sorted((REPO_ROOT / app).rglob("*"))
    if path.suffix in {".py", ".html", ".txt"} and "migrations" not in path.parts
]
SHARP = re.compile(
    r"""\|\s*safe\b|\bmark_safe\b|autoescape\s+off|\.raw\(|\.extra\(|\bRawSQL\b|\bpickle\b|\bmarshal\b
    |yaml\.load|(?<![\w.])eval\(|(?<![\w.])exec\(|\bos\.system\b|shell\s*=\s*True|csrf_exempt|verify\s*=\s*False""",
    re.VERBOSE,
)
# Where a sharp tool is right: file, tool, why.
ALLOWED = {
    (
        "papers/templatetags/printed.py",
        "mark_safe",
    ): "what `papers.text.markup` made, which escapes all that was printed",
    ("bzpeer/templatetags/formats.py", "mark_safe"): "JSON in which nothing can end a script element",
    ("papers/reading.py", "pickle"): "a pipe between a process and the parsers that it started",
    ("papers/institutions.py", "RawSQL"): "a constant with a parameter",
    ("papers/providing/views.py", "csrf_exempt"): "reads only; harvesters may ask by POST",
    ("profiles/arrays.py", "RawSQL"): "constants with parameters",
    ("profiles/following.py", "RawSQL"): "a constant with a parameter",
    ("profiles/subscription_views.py", "csrf_exempt"): "mail programs end a subscription without a cookie (RFC 8058)",
    ("profiles/models/authors.py", "RawSQL"): "a constant with a parameter",
}


def test_no_sharp_tool_is_in_the_product():
    assert len(PRODUCT) > 200
    found = {
        (str(path.relative_to(REPO_ROOT)), match)
        for path in PRODUCT
        for match in SHARP.findall(path.read_text())
        if not (path.suffix == ".txt" and match == "autoescape off")  # mail is plain text
    }
    assert found == set(ALLOWED)


def test_no_page_brings_a_script_or_a_style_of_its_own():
    """The policy would stop it; here it is found before. Letters have no policy, and no stylesheet beside them."""
    inline = re.compile(r"<script(?![^>]*(\bsrc=|[/+]json\b))|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)
    found = [
        f"{path.name}: {match[0]}"
        for path in PRODUCT
        if path.suffix == ".html" and path.parent.name != "mail" and (match := inline.search(path.read_text()))
    ]
    assert found == []


def patterns() -> dict[str, str]:
    """Every regular expression of the product that is written down as one: where → what."""
    found = {}
    for path in PRODUCT:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            of_re = isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            given = node.args[0]
            if of_re and isinstance(given, ast.Constant) and isinstance(given.value, str):
                found[f"{path.relative_to(REPO_ROOT)}:{node.lineno}"] = given.value
    return found


def test_no_regular_expression_takes_long_for_what_a_stranger_writes():
    """Each on texts that make a backtracking matcher try everything; a process is killed that is not done by then."""
    found = patterns()
    assert len(found) > 30
    seeds = ["a", " ", "0", "\\", "{", "$", "-", ".", "/", "<", "a ", "a.", "{a", "\\a", "a-", "(", "&", "\t", "a@"]
    code = (
        "import json, re, sys\n"
        "patterns, seeds = json.load(sys.stdin)\n"
        "for where, pattern in patterns.items():\n"
        "    compiled = re.compile(pattern)\n"
        "    print(where, flush=True)\n"
        "    for seed in seeds:\n"
        "        compiled.search(seed * (2_000 // len(seed)) + '\\x01')\n"
    )
    done = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPO_ROOT
    )
    try:
        told, _errors = done.communicate(json.dumps([found, seeds]), timeout=60)
    except subprocess.TimeoutExpired:
        done.kill()
        told, _errors = done.communicate()
    assert done.returncode == 0, f"too long: {Path(told.split()[-1]) if told else 'the first'}"


def test_tasks_travel_as_json():
    assert (live.CELERY_TASK_SERIALIZER, live.CELERY_ACCEPT_CONTENT) == ("json", ["json"])


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_begins_like_a_formula_is_text(client: Client, start: str):
    client.force_login(with_role("curator"))
    batch = Batch.objects.create(label="x.jsonl")
    raw = f"{start}cmd|'/c calc'!A1"
    BatchRecord.objects.create(batch=batch, number=1, fate=BatchRecord.Fate.REFUSED, reason="No.", raw=raw)
    answer = client.get(reverse("batch_refused", args=[batch.pk]))
    assert isinstance(answer, StreamingHttpResponse)
    _head, row = csv.reader(io.StringIO(b"".join(answer).decode(), newline=""))
    assert row[3] == f"'{raw}"


def test_every_test_that_the_document_names_is_there():
    named = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", (REPO_ROOT / "docs" / "security.md").read_text())
    assert len(named) > 40
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not re.search(rf"^def {name}\(", (REPO_ROOT / "tests" / path).read_text(), re.MULTILINE)
    ]
    assert missing == []
