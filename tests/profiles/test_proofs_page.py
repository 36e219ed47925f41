"""A page that carries a code: what counts as carrying it, and where the door that fetches it leads."""

import gzip
import socket
import threading
import time

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from papers import fetching, limits
from profiles.models import Account, Author, Claim, Proof
from profiles.proofs import page
from profiles.proofs.page import KIND, carries, code_of, link_of

from ..conftest import fact
from ..papers.http_server import Answer, scripted, serving

NOW = timezone.now()
CODE = "bzpeer-abcdefghij2345672345"
HTML = {"Content-Type": "text/html; charset=utf-8"}


@pytest.fixture(autouse=True)
def unlimited(monkeypatch):
    """Of the limit there is a test of its own."""
    monkeypatch.setattr(limits, "take", lambda name, key: None)


@pytest.fixture
def serve(bring, settings):
    """serve(answer, …) → (claim, server): Ada's paper links to her page on this machine, which answers so."""
    settings.HARVEST_LOOPBACK = True
    opened = []

    def serve(*answers, path="/~lovelace/"):
        context = serving(scripted(*answers))
        server = context.__enter__()
        opened.append(context)
        bring(fact("2001.00001", ["Ada Lovelace", "Wei Li"], abstract=f"See http://127.0.0.1:{server.port}{path}."))
        return _claim("ada", "Ada Lovelace"), server

    yield serve
    for context in opened:
        context.__exit__(None, None, None)


def _claim(username, name):
    account = Account.objects.create_user(username, f"{username}@x.org")
    return Claim.objects.create(author=Author.objects.get(name=name), account=account, state=Claim.State.HELD)


def begun(claim):
    return KIND.begin(claim, KIND.offers(claim)[0].subject, NOW)


def looked(proof):
    return KIND.complete(proof, {}, NOW)


# --- what counts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{CODE}</p>",
        f"<p>My code is {CODE.upper()}.",
        f"<ul><li>a<li>b</ul>{CODE}",
        CODE,
        f"<script>1</script> {CODE}",
        f"<!-- a -->{CODE}",
        f"<div hidden>a</div>{CODE}",
        f'<div class="preview card"><p>{CODE}</p></div>',
        f'<body class="has-comments"><main>{CODE}</main>',
        f'<a rel="me" href="https://s.org/people/1/?proof={CODE}">me</a>',
        f'<a rel="nofollow me" href="https://s.org/people/1/?proof={CODE}"></a>',
        f'<head><link rel="me" href="https://s.org/people/1/?proof={CODE}"></head><p>x',
    ],
)
def test_a_code_counts_where_a_reader_sees_it(body):
    assert carries(body.encode(), CODE)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\0",
        "<",
        "<p>nothing</p>",
        f"<!-- {CODE} -->",
        f"<script>var a = '{CODE}'</script>",
        f"<style>{CODE}</style><title>{CODE}</title>",
        f"<template><p>{CODE}</p></template><noscript>{CODE}</noscript><textarea>{CODE}</textarea>",
        f"<div hidden><p>{CODE}</p></div>",
        f'<p style="color: red; DISPLAY : none">{CODE}</p>',
        f'<input value="{CODE}"><img alt="{CODE}"><p title="{CODE}">x</p>',
        f'<a href="https://s.org/people/1/?proof={CODE}">me</a>',
        f'<a rel="ugc me" href="https://s.org/?proof={CODE}">me</a>',
        f'<a rel="home" href="/?proof={CODE}">me</a>',
        f'<ol class="comment-list"><li>{CODE}</li></ol>',
        f'<div class="customer-reviews">{CODE}</div>',
        f'<div id="guestbook"><a rel="me" href="/?proof={CODE}">x</a></div>',
        f"<p>x{CODE}</p><p>{CODE}x</p>",
        f"<p>{CODE[:-1]}</p>",
        f"<?php {CODE} ?>",
    ],
)
def test_a_code_that_no_reader_sees_or_a_visitor_wrote_does_not_count(body):
    assert not carries(body.encode(), CODE)


@pytest.mark.parametrize("body", ["<div>" * 100_000, "<a " * 100_000, "&" * 500_000, "<!--" * 100_000, "\xff\xfe" * 9])
def test_a_hostile_page_is_read_and_carries_nothing(body):
    assert not carries(body.encode("latin-1"), CODE)


# --- the proof -------------------------------------------------------------------------------------------------------


def test_only_homes_that_are_ones_own_are_offered(bring):
    bring(
        fact("2001.00001", ["Ada Lovelace", "Wei Li"], abstract="https://x.edu/~lovelace/a https://github.com/lab/code")
    )
    ada, wei = _claim("ada", "Ada Lovelace"), _claim("wei", "Wei Li")
    assert [offer.subject for offer in KIND.offers(ada)] == ["https://x.edu/~lovelace/"]
    assert KIND.offers(wei) == []
    for subject in ("https://x.edu/~lovelace/", "https://github.com/lab/code", "http://169.254.169.254/"):
        with pytest.raises(ValidationError):
            KIND.begin(wei, subject, NOW)


def test_the_page_proves_the_claim_once_the_code_is_on_it(serve):
    claim, server = serve(Answer(b"<p>nothing yet", headers=HTML))
    proof = begun(claim)
    with pytest.raises(ValidationError, match="the code is not on it"):
        looked(proof)
    server.answer = scripted(Answer(f"<p>{code_of(proof)}".encode(), headers=HTML))
    assert looked(proof)
    assert server.requests == ["/~lovelace/", "/~lovelace/"]
    assert "Cookie" not in server.heads[0]
    assert server.heads[0]["User-Agent"].startswith("BZPEER")


def test_beginning_twice_is_one_proof_with_one_code(serve):
    claim, _server = serve(b"")
    one, other = begun(claim), begun(claim)
    assert one == other
    assert code_of(one) == code_of(other)


def test_a_code_holds_for_one_claim_one_account_and_one_page(serve, settings):
    claim, _server = serve(b"")
    proof = begun(claim)
    eve = Account.objects.create_user("eve", "eve@x.org")
    codes = {
        code_of(proof),
        code_of(Proof(claim=claim, subject=proof.subject + "x")),
        code_of(Proof(claim=Claim(pk=claim.pk, author=claim.author, account=eve), subject=proof.subject)),
        code_of(Proof(claim=Claim(pk=claim.pk + 1, author=claim.author, account=claim.account), subject=proof.subject)),
    }
    settings.SECRET_KEY = "another"
    assert len(codes | {code_of(proof)}) == 5


def test_the_code_of_somebody_elses_claim_proves_nothing(serve):
    claim, server = serve(b"")
    proof = begun(claim)
    eve = Account.objects.create_user("eve", "eve@x.org")
    other = KIND.begin(
        Claim.objects.create(author=claim.author, account=eve, state=Claim.State.DISPUTED), proof.subject, NOW
    )
    server.answer = scripted(Answer(code_of(proof).encode(), headers=HTML))
    assert looked(proof)
    with pytest.raises(ValidationError):
        looked(other)


def test_the_link_leads_to_the_profile(serve, settings):
    settings.SITE_URL = "https://s.org"
    claim, _server = serve(b"")
    proof = begun(claim)
    assert link_of(proof) == f"https://s.org/people/{claim.author_id}/?proof={code_of(proof)}"


def test_a_page_that_no_record_gives_to_the_claimant_any_more_is_not_looked_at(serve):
    claim, server = serve(b"")
    proof = begun(claim)
    claim.author.assignments.update(state="rejected")
    with pytest.raises(ValidationError, match="any more"):
        looked(proof)
    assert server.requests == []


def test_an_account_looks_ten_times_an_hour(serve, monkeypatch):
    claim, server = serve(Answer(b"<p>", headers=HTML))
    proof, asked = begun(claim), []

    def take(name, key):
        asked.append((name, key))
        return 60.0

    monkeypatch.setattr(limits, "take", take)
    with pytest.raises(ValidationError, match="Try again in"):
        looked(proof)
    assert asked == [("page_proof", f"account {claim.account_id}")]
    assert server.requests == []


# --- the door --------------------------------------------------------------------------------------------------------


def refused(proof, sentence):
    with pytest.raises(ValidationError, match=sentence):
        looked(proof)


def test_this_machine_is_not_asked_unless_it_is_configured(serve, settings):
    claim, server = serve(b"")
    proof, settings.HARVEST_LOOPBACK = begun(claim), False
    refused(proof, "not a public address")
    assert server.requests == []


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(b"x", headers={"Content-Type": "application/pdf"}), "sends “application/pdf”"),
        (Answer(b"x"), "sends “”"),
        (Answer(b"x", status=404, headers=HTML), "status 404"),
        (Answer(b"x", status=503, headers=HTML), "busy"),
        (Answer(b"x" * (1024 * 1024 + 1), headers=HTML), "more than 1 MiB"),
        (Answer(b"x" * (2 * 1024 * 1024), headers=HTML, no_length=True), "more than 1 MiB"),
        (
            Answer(gzip.compress(b"\0" * (64 * 1024 * 1024)), headers={"Content-Encoding": "gzip", **HTML}),
            "more than 1 MiB",
        ),
        (Answer(b"x", headers={"Content-Encoding": "br", **HTML}), "packs its answer"),
        (Answer(status=302, headers={"Location": "http://169.254.169.254/latest/"}), "not among the hosts"),
        (Answer(status=302, headers={"Location": "http://localhost/"}), "not among the hosts"),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:6379/"}), "redirects to port"),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "begins with"),
        (Answer(status=302, headers={"Location": "/~lovelace/"}), "redirects more than 3 times"),
    ],
)
def test_what_is_no_page_is_refused_after_one_try(serve, answer, sentence):
    claim, server = serve(answer)
    proof = begun(claim)
    refused(proof, sentence)
    assert len(server.requests) <= 4
    proof.refresh_from_db()
    assert proof.state == Proof.State.BEGUN


def test_a_redirect_on_the_host_is_followed(serve):
    claim, server = serve(Answer(status=301, headers={"Location": "/home/"}))
    proof = begun(claim)
    server.answer = scripted(
        Answer(status=301, headers={"Location": "/home/"}), Answer(code_of(proof).encode(), headers=HTML)
    )
    assert looked(proof)
    assert server.requests == ["/~lovelace/", "/home/"]


@pytest.mark.parametrize("start", ["https://x.edu/~a/", "https://www.x.edu/~a/"])
@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://x.edu/", "from https to plain http"),
        ("https://evil.x.edu/", "not among the hosts"),
        ("https://x.edu.evil.org/", "not among the hosts"),
        ("https://x.edu:8443/", "redirects to port 8443"),
        ("https://user@x.edu/", "not an address"),
    ],
)
def test_a_redirect_leads_no_lower_and_nowhere_else(start, location, sentence, monkeypatch):
    asked = []

    def one(self, target, also, ends):
        asked.append(target.host)
        if target.host not in self.hosts:
            raise fetching.Unfetched(f"{target.host} is not among the hosts that may be asked.")
        return location

    monkeypatch.setattr(fetching.Fetcher, "_one", one)
    with pytest.raises(fetching.Unfetched, match=sentence):
        page.fetcher(start).get(start, bytes)
    assert asked[0] == fetching.parse(start).host


def test_a_name_that_leads_into_the_network_is_not_asked():
    fetch = page.fetcher("http://rebound.example/~a/")
    for inner in (["127.0.0.1"], ["93.184.215.14", "10.0.0.1"], ["::ffff:169.254.169.254"], ["fd00:ec2::254"]):
        inside = fetching.Fetcher(**{**vars(fetch), "find": lambda host, port, inner=inner: inner})
        with pytest.raises(fetching.Unfetched, match="not a public address"):
            inside.get("http://rebound.example/~a/", bytes)


def test_a_name_that_changes_after_the_check_is_asked_where_it_was_checked(serve):
    claim, server = serve(Answer(b"x", headers=HTML))
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    fetch = page.fetcher(KIND.offers(claim)[0].subject)
    rebound = fetching.Fetcher(
        **{**vars(fetch), "hosts": {"rebound.example"}, "find": lambda host, port: answers.pop(0)}
    )
    assert rebound.get(f"http://rebound.example:{server.port}/", bytes) == b"x"
    assert len(answers) == 1


def test_a_name_that_changes_between_redirects_is_checked_again(serve):
    claim, server = serve(Answer(status=302, headers={"Location": "/again"}))
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    fetch = page.fetcher(KIND.offers(claim)[0].subject)
    rebound = fetching.Fetcher(
        **{**vars(fetch), "hosts": {"rebound.example"}, "find": lambda host, port: answers.pop(0)}
    )
    with pytest.raises(fetching.Unfetched, match=r"169\.254\.169\.254, which is not a public address"):
        rebound.get(f"http://rebound.example:{server.port}/", bytes)
    assert server.requests == ["/"]


def hasty(url, whole=1.0):
    return fetching.Fetcher(**{**vars(page.fetcher(url)), "limits": fetching.Limits(5, 5, whole, 1024, whole)})


def test_a_page_that_drips_is_cut(serve):
    claim, _server = serve(Answer(b"x" * 500, headers=HTML, slow=0.05))
    url = KIND.offers(claim)[0].subject
    with pytest.raises(fetching.Unfetched, match="took more than 1 seconds"):
        hasty(url).get(url, bytes)


def test_a_handshake_that_drips_is_cut(settings):
    """A line of TLS that never ends: each byte comes soon enough, all of them never do."""
    settings.HARVEST_LOOPBACK = True
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def drip():
            line, _address = listening.accept()
            with line:
                line.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB begins
                while not over.wait(0.05):
                    try:
                        line.sendall(b"\x02")
                    except OSError:
                        return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        fetch = fetching.Fetcher(
            **{**vars(hasty(url)), "hosts": {"127.0.0.1"}, "find": lambda host, port: ["127.0.0.1"]}
        )
        try:
            with pytest.raises(fetching.Unfetched, match="took more than 1 seconds"):
                fetch.get(url, bytes)
        finally:
            over.set()
            thread.join(5)


def test_all_redirects_together_have_one_time(serve):
    claim, server = serve(Answer(b"x" * 8, status=302, headers={"Location": "/x"}))

    def late(path):
        time.sleep(0.4)
        return Answer(status=302, headers={"Location": "/x"})

    server.answer = late
    url = KIND.offers(claim)[0].subject
    with pytest.raises(fetching.Unfetched, match="took more than 1 seconds"):
        hasty(url).get(url, bytes)
