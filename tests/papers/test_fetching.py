"""Fetching: what cannot be reached by any trick, and what is done about a network that fails."""

from __future__ import annotations

import gzip
import ipaddress
import socket
import ssl
import subprocess
import threading
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from papers.fetching import (
    LARGEST_BODY,
    LONGEST_PAUSE,
    TRIES,
    Fetcher,
    Limits,
    Unfetched,
    is_loopback_host,
    is_public,
    parse,
)
from papers.streams import Refused, UnreadableFile
from tests.papers.http_server import Answer, local, scripted, serving

BODY = b"<records/>"


def fetched(*answers: Answer | bytes, pauses: list[float] | None = None, **more) -> bytes:
    with serving(scripted(*answers)) as server:
        return local(pauses, **more).get(server.url, bytes)


# --- where it goes ---------------------------------------------------------------------------------------------------

# Each of these names this machine, its network, a cloud's metadata or nobody; none may be asked.
PRIVATE = [
    "127.0.0.1", "127.0.0.2", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1",
    "0177.0.0.1", "017700000001", "0177.1", "127.0.0.1.", "localhost", "localhost.", "LOCALHOST", "0", "0.0.0.0", "0x0",
    "00.0.0.0", "10.0.0.1", "10.255.255.255", "167772161", "0x0a000001", "012.0.0.1", "172.16.0.1", "172.31.255.254",
    "192.168.0.1", "192.168.1.1.", "3232235521", "0xc0a80001", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376", "169.254.43518", "100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.2.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "127.0.0.1%00",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]",
    "[2002:7f00:1::]", "[2002:a00:1::1]", "[2001:0:7f00:1::]", "[fe80::1]", "[fe80::1%eth0]", "[fc00::1]",
    "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[100::1]", "[::ffff:0:127.0.0.1]", "[::ffff:0x7f.1]",
    "metadata.google.internal", "rebound.example", "both.example", "mapped.example",
    "user@127.0.0.1", "arxiv.org@127.0.0.1", "127.0.0.1#arxiv.org", "127.0.0.1\\@arxiv.org", "arxiv.org:80@127.0.0.1",
    "①②⑦.0.0.1", "127。0。0。1", "ⓛocalhost", "127.0.0.1\t", " 127.0.0.1", "127.0.0.1\r\nHost: x", "1.1.1.1 @127.0.0.1",
]  # fmt: skip
NAMES = {
    "metadata.google.internal": ["169.254.169.254"],
    "rebound.example": ["127.0.0.1"],
    "both.example": ["93.184.215.14", "10.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
}


def test_there_are_sixty_forms_and_more():
    assert len(set(PRIVATE)) >= 80


@pytest.mark.parametrize("host", PRIVATE)
def test_no_form_of_a_private_address_is_asked(host: str):
    def find(name: str, port: int) -> list[str]:
        if name in NAMES:
            return NAMES[name]
        try:
            return [str(entry[4][0]) for entry in socket.getaddrinfo(name.strip("[]"), port, type=socket.SOCK_STREAM)]
        except OSError:
            return ["127.0.0.1"]  # whatever a system's resolver may make of it

    with serving(scripted(BODY)) as canary:
        url = f"http://{host}:{canary.port}/oai"
        anybody = type("Anybody", (list,), {"__contains__": lambda self, host: True})()  # addresses alone must protect
        with pytest.raises(Unfetched) as refused:
            Fetcher(hosts=anybody, find=find, sleep=lambda seconds: None).get(url, bytes)
        assert canary.requests == []
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://arxiv.org/x", "gopher://arxiv.org/", "data:text/xml,<a/>", "dict://arxiv.org:11211/",
        "jar:http://arxiv.org!/", "//arxiv.org/x", "arxiv.org", "", "http://", "http:///x", "http://.", "http://a..b/",
        "http://-a.org/", "http://arxiv.org:0/", "http://arxiv.org:99999/", "http://arxiv.org:x/", "http://[::1/",
        "http://arxiv.org/ x", "http://arxiv.org/\n", "http://arxiv.org/#part", "http://" + "a" * 300 + ".org/",
        "http://arxiv.org/" + "x" * 9_000, "HTTP://[::1]::80/", "http://ärxiv.org/",
    ],
)  # fmt: skip
def test_only_plain_web_addresses_are_read(url: str):
    with pytest.raises(Unfetched):
        parse(url)


def test_an_address_is_taken_apart_as_it_is_sent():
    found = parse("HTTPS://OAIPMH.arxiv.org/oai?verb=ListRecords&resumptionToken=a%2526b")
    assert (found.scheme, found.host, found.port) == ("https", "oaipmh.arxiv.org", 443)
    assert found.target == "/oai?verb=ListRecords&resumptionToken=a%2526b"
    assert (parse("http://[2606:4700::1]:8080").origin, parse("http://a.org:80").origin) == (
        "[2606:4700::1]:8080",
        "a.org",
    )


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::1.1.1.1"])
def test_public_addresses_are_public(address: str):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("[::1]", True), ("localhost", True), ("rebound.example", False), ("10.0.0.1", False)],
)
def test_this_machine_must_be_named_outright(host: str, expected: bool):
    assert is_loopback_host(host) is expected


def test_a_host_that_is_not_on_the_list_is_not_even_looked_up():
    looked_up: list[str] = []

    def find(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return []

    fetch = Fetcher(hosts={"arxiv.org"}, find=find)
    with pytest.raises(Unfetched, match=r"elsewhere\.org is not among the hosts"):
        fetch.get("http://elsewhere.org/", bytes)
    assert looked_up == []


def test_the_connection_goes_to_the_address_that_was_checked():
    """A name that leads elsewhere the second time it is asked for."""
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with serving(scripted(BODY)) as server:
        fetch = local(find=lambda host, port: answers.pop(0))
        fetch = Fetcher(**{**vars(fetch), "hosts": {"repository.example"}})
        assert fetch.get(f"http://repository.example:{server.port}/", bytes) == BODY
        assert server.heads[0]["Host"] == f"repository.example:{server.port}"
    assert len(answers) == 1


def test_the_next_address_is_tried_where_one_does_not_answer():
    with serving(scripted(BODY)) as server:
        fetch = local(find=lambda host, port: ["127.0.0.77", "127.0.0.1"])
        assert fetch.get(server.url, bytes) == BODY


def test_tls_asks_for_the_name_and_not_for_the_address(tmp_path: Path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=repository.example",
         "-addext", "subjectAltName=DNS:repository.example", "-keyout", key, "-out", certificate],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl is not installed")
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.sni_callback = lambda sock, name, context: asked.append(name)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with serving(scripted(BODY)) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        for host, tls in (("repository.example", trusting), ("other.example", trusting), ("repository.example", None)):
            fetch = Fetcher(**{**vars(local(find=lambda host, port: ["127.0.0.1"], tls=tls)), "hosts": {host}})
            if (host, tls) == ("repository.example", trusting):
                assert fetch.get(f"https://{host}:{server.port}/", bytes) == BODY
            else:
                with pytest.raises(Unfetched, match=f"{host} could not show that it is {host}"):
                    fetch.get(f"https://{host}:{server.port}/", bytes)
    assert asked[:2] == ["repository.example", "other.example"]


# --- redirects -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is not among the hosts"),
        ("http://10.0.0.1/", "10.0.0.1 is not among the hosts"),
        ("file:///etc/passwd", "begins with “file:”"),
        ("http://localhost/", "localhost is not among the hosts"),
        ("http://[::1]/", "is not among the hosts"),
        ("https://arxiv.org/oai", "arxiv.org is not among the hosts"),
        ("//elsewhere.org/", "elsewhere.org is not among the hosts"),
        ("http://user@127.0.0.1/", "not an address that can be fetched"),
        ("http://127.0.0.1:22/", "redirects to port 22"),
        ("", "redirects to nowhere"),
    ],
)
def test_a_redirect_leads_nowhere_else(location: str, sentence: str):
    with pytest.raises(Unfetched, match=sentence):
        fetched(Answer(status=302, headers={"Location": location}))


def test_another_server_on_the_same_machine_is_not_redirected_to():
    with serving(scripted(BODY)) as canary:
        for host in ("127.0.0.1", "localhost", "[::1]", "127.1", "2130706433"):
            with pytest.raises(Unfetched):
                fetched(Answer(status=307, headers={"Location": f"http://{host}:{canary.port}/"}))
        assert canary.requests == []


def test_a_host_on_the_list_that_leads_to_a_private_address_is_not_followed_to():
    with serving(scripted(Answer(status=301, headers={"Location": "http://inner.example/"}))) as server:
        fetch = local(find=lambda host, port: ["10.0.0.1"] if host == "inner.example" else [host])
        fetch = Fetcher(**{**vars(fetch), "hosts": {"127.0.0.1", "inner.example"}})
        with pytest.raises(Unfetched, match=r"inner\.example leads to 10\.0\.0\.1"):
            fetch.get(server.url, bytes)


def test_a_redirect_within_the_host_is_followed_a_few_times():
    assert fetched(Answer(status=302, headers={"Location": "/new?a=b"}), BODY) == BODY
    with pytest.raises(Unfetched, match="redirects more than 3 times"):
        fetched(Answer(status=302, headers={"Location": "/round"}))


# --- faults ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "pause"),
    [
        (Answer(status=503), 5),
        (Answer(status=503, headers={"Retry-After": "17"}), 17),
        (Answer(status=429, headers={"Retry-After": "Wed, 01 Jan 2025 00:00:30 GMT"}), 30),
        (Answer(status=503, headers={"Retry-After": "Tue, 31 Dec 2024 23:00:00 GMT"}), 0),
        (Answer(status=503, headers={"Retry-After": "soon"}), 5),
        (Answer(status=500), 5),
        (Answer(status=502), 5),
        (Answer(BODY, cut=3), 5),
        (Answer(BODY, cut=0), 5),
        (Answer(BODY, length=len(BODY) + 7), 5),
        (Answer(gzip.compress(BODY)[:-9], headers={"Content-Encoding": "gzip"}), 5),
        (Answer(b"no gzip at all", headers={"Content-Encoding": "gzip"}), 5),
        (Answer(b"5\r\nabc", headers={"Transfer-Encoding": "chunked"}, no_length=True), 5),
    ],
)
def test_what_may_pass_is_tried_again(fault: Answer, pause: float):
    pauses: list[float] = []
    assert fetched(fault, BODY, pauses=pauses, now=lambda: datetime(2025, 1, 1, tzinfo=UTC)) == BODY
    assert pauses == [pause]


def test_a_length_that_is_too_short_is_found_by_who_reads_the_body():
    def read(body: bytes) -> bytes:
        if not body.endswith(b"/>"):
            raise UnreadableFile("It is cut short.")
        return body

    with serving(scripted(Answer(BODY, length=4), BODY)) as server:
        assert local().get(server.url, read) == BODY
        assert len(server.requests) == 2


def test_a_refusal_is_not_asked_for_again():
    def read(body: bytes) -> bytes:
        raise Refused("No.")

    with serving(scripted(BODY)) as server:
        with pytest.raises(Refused):
            local().get(server.url, read)
        assert len(server.requests) == 1


def test_pauses_double_and_end():
    pauses: list[float] = []
    with pytest.raises(Unfetched, match="is busy or out of order") as failure:
        fetched(Answer(status=503), pauses=pauses)
    assert (pauses, failure.value.transient, len(pauses)) == ([5, 10, 20], True, TRIES - 1)


def test_who_asks_for_a_long_rest_is_left_in_peace():
    pauses: list[float] = []
    with pytest.raises(Unfetched) as failure:
        fetched(Answer(status=503, headers={"Retry-After": "86400"}), pauses=pauses)
    assert (pauses, failure.value.pause) == ([], 86_400)
    assert LONGEST_PAUSE < 86_400


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 418])
def test_a_plain_no_is_final(status: int):
    pauses: list[float] = []
    with pytest.raises(Unfetched, match=f"status {status}") as failure:
        fetched(Answer(status=status), pauses=pauses)
    assert (pauses, failure.value.transient) == ([], False)


def test_slow_bytes_are_cut_off_however_steadily_they_come():
    with pytest.raises(Unfetched, match="took more than 1 seconds"):
        fetched(Answer(b"x" * 10_000, slow=0.05), limits=Limits(connect=5, read=5, total=1))
    with pytest.raises(Unfetched, match="took more than 1 seconds"):
        fetched(Answer(b"x" * 10_000, slow=0.05, no_length=True), limits=Limits(connect=5, read=5, total=1))


def test_silence_is_cut_off():
    with pytest.raises(Unfetched, match="sent nothing for"):
        fetched(Answer(b"x", slow=30), limits=Limits(connect=5, read=0.2, total=20))


def test_a_server_that_dribbles_its_headers_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def dribble() -> None:
            while not stop.is_set():
                try:
                    client, _ = listener.accept()
                    with client:
                        client.sendall(b"HTTP/1.1 200 OK\r\n")
                        while not stop.wait(0.05):
                            client.sendall(b"X: y\r\n")
                except OSError:
                    continue

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        with pytest.raises(Unfetched):
            local(limits=Limits(connect=5, read=5, total=1)).get(
                f"http://127.0.0.1:{listener.getsockname()[1]}/", bytes
            )
        stop.set()


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(bytes(80_000_000), 9),
        gzip.compress(bytes(30_000_000), 9) * 5,
        zlib.compress(bytes(10)),
    ],
)
def test_a_body_that_explodes_does_not_go_off(body: bytes):
    with pytest.raises(Unfetched, match=r"times its size|64 MiB|damaged") as failure:
        fetched(Answer(body, headers={"Content-Encoding": "gzip"}))
    assert str(failure.value)


def test_a_body_without_end_is_cut_off():
    with pytest.raises(Unfetched, match="sends more than 1 MiB"):
        fetched(b"x" * 1_100_000, limits=Limits(body=1024 * 1024))
    with pytest.raises(Unfetched, match="sends more than 64 MiB"):
        fetched(Answer(b"x", length=LARGEST_BODY + 1))


def test_gzip_is_unpacked_of_several_members_too():
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    assert fetched(Answer(packed, headers={"Content-Encoding": "gzip"})) == b"one two"


def test_a_packing_that_was_not_asked_for_is_a_sentence():
    with pytest.raises(Unfetched, match="packs its answer as “br”"):
        fetched(Answer(b"x", headers={"Content-Encoding": "br"}))


def test_nobody_there_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unfetched, match=f"refuses connections on port {port}") as failure:
        local().get(f"http://127.0.0.1:{port}/", bytes)
    assert failure.value.transient


def test_a_name_that_is_not_known_is_a_sentence():
    def find(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(Unfetched, match="cannot be resolved: is this machine connected") as failure:
        Fetcher(hosts={"arxiv.org"}, find=find).get("https://arxiv.org/", bytes)
    assert failure.value.transient


def test_every_request_waits_its_turn_and_says_who_asks():
    turns: list[str] = []
    with serving(scripted(Answer(status=503), Answer(status=302, headers={"Location": "/x"}), BODY)) as server:
        local(turn=turns.append).get(server.url, bytes)
        assert turns == ["127.0.0.1"] * 3
        assert all(head["User-Agent"].startswith("BZPEER/") for head in server.heads)
