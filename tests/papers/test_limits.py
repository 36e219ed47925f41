"""Rate limits: never one grant too many, for whom they count, and what is answered beyond them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django_htmx.middleware import HtmxDetails
from redis import Redis
from redis.exceptions import ConnectionError

from papers import limits
from papers.limits import LIMITS, Limit, client, limited, take
from profiles.models import Account


def pass_time(name: str, seconds: float) -> None:
    """As if what was granted had been granted that much earlier."""
    redis = limits.redis_client()
    for key in redis.keys(f"limit:{name}:*"):
        for place, moment in enumerate(redis.lrange(key, 0, -1)):
            redis.lset(key, place, str(float(moment) - seconds))


def at_once(calls: int, call: Callable[[], object], threads: int = 50) -> list[object]:
    """What `calls` calls answer that all threads begin together."""
    barrier = Barrier(threads)
    share = [calls // threads + (n < calls % threads) for n in range(threads)]

    def run(times: int) -> list[object]:
        barrier.wait()
        return [call() for _ in range(times)]

    with ThreadPoolExecutor(threads) as pool:
        return [answer for answers in pool.map(run, share) for answer in answers]


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_fifty_threads_get_what_is_allowed_and_not_one_more(name: str, beyond: int):
    most = min(limit.most for limit in LIMITS[name])
    # What is granted within a second may be asked for over longer than that.
    granted = at_once(most + beyond, lambda: take(name, "somebody")).count(None)
    assert granted == most + min(beyond, 0) or (name == "search" and granted == most + beyond)


def test_fifty_threads_that_ask_again_and_again_get_ten_of_five_hundred():
    answers = at_once(500, lambda: take("sign_in", "somebody"))
    assert answers.count(None) == 10
    assert all(answer is None or 0 < answer <= 300 for answer in answers)  # type: ignore[operator]


def test_no_period_anywhere_holds_more_than_the_limit():
    """A fixed window would grant ten at its end and ten more at the beginning of the next."""
    for _ in range(5):
        assert take("sign_in", "somebody") is None
    pass_time("sign_in", 200)
    for _ in range(5):
        assert take("sign_in", "somebody") is None
    assert 0 < (take("sign_in", "somebody") or 0) <= 100
    pass_time("sign_in", 101)
    assert [take("sign_in", "somebody") is None for _ in range(6)] == [True] * 5 + [False]


def test_the_hours_limit_counts_what_the_minutes_limit_granted():
    for _ in range(4):
        assert [take("second_factor", "7") is None for _ in range(6)] == [True] * 5 + [False]
        pass_time("second_factor", 301)
    assert 0 < (take("second_factor", "7") or 0) <= 3_600 - 4 * 301
    for _ in range(2):
        pass_time("second_factor", 3_600)
        for _ in range(3):
            assert [take("second_factor", "7") is None for _ in range(5)] == [True] * 5
            pass_time("second_factor", 301)
    assert (take("second_factor", "7") or 0) > 3_600  # fifty of this day


def test_what_is_refused_is_not_counted_and_other_keys_and_names_have_their_own():
    for _ in range(30):
        take("add_email", "account 1")
    assert take("add_email", "account 2") is None
    assert take("claim", "account 1") is None
    pass_time("add_email", 86_401)
    assert take("add_email", "account 1") is None


def test_an_address_in_capitals_is_the_same_key_and_stands_nowhere_in_redis():
    for key in ("ada@example.org", "ADA@example.org ", "Ada@Example.org"):
        assert take("code_sent", key) is None
    assert take("code_sent", "ada@example.org") is not None
    assert not any(b"ada" in key.lower() for key in limits.redis_client().keys("*"))


def test_a_key_goes_from_redis_when_it_matters_no_more():
    take("code_sent", "ada@example.org")
    (key,) = limits.redis_client().keys("limit:*")
    assert 0 < limits.redis_client().ttl(key) <= 6 * 3_600 + 1


def test_without_redis_reading_goes_on_and_nobody_signs_in(monkeypatch: pytest.MonkeyPatch):
    def away(self: Redis, *arguments: object) -> None:
        raise ConnectionError("away")

    monkeypatch.setattr(Redis, "eval", away)
    reading = {"path", "search", "export_works", "oai", "api", "api_key"}
    assert {name for name in LIMITS if take(name, "somebody") is None} == reading
    assert take("sign_in", "somebody") == limits.AWAY


def request(address: str = "192.0.2.7", forwarded: str | None = None) -> HttpRequest:
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    made = RequestFactory().post("/", REMOTE_ADDR=address, **more)  # type: ignore[arg-type]
    made.user = AnonymousUser()
    return made


@pytest.mark.parametrize(
    ("proxies", "address", "forwarded", "expected"),
    [
        (0, "192.0.2.7", None, "192.0.2.7"),
        (0, "192.0.2.7", "10.0.0.1", "192.0.2.7"),
        (0, "192.0.2.7", "10.0.0.1, 10.0.0.2", "192.0.2.7"),
        (1, "10.9.9.9", "192.0.2.7", "192.0.2.7"),
        (1, "10.9.9.9", "203.0.113.1, 203.0.113.2,192.0.2.7", "192.0.2.7"),
        (2, "10.9.9.9", "203.0.113.1, 192.0.2.7, 10.9.9.8", "192.0.2.7"),
        (2, "10.9.9.9", "203.0.113.1", "unknown"),  # did not come through both
        (1, "10.9.9.9", None, "unknown"),
        (1, "10.9.9.9", "192.0.2.7, <script>", "unknown"),
        (0, "", None, "unknown"),  # a Unix socket
        (0, "2001:db8:1:2:3::4", None, "2001:db8:1:2::/64"),
        (0, "2001:db8:1:2:ffff::5", None, "2001:db8:1:2::/64"),
        (0, "2001:db8:1:3::4", None, "2001:db8:1:3::/64"),
        (0, "::ffff:192.0.2.7", None, "192.0.2.7"),
    ],
)
def test_a_client_cannot_write_where_it_comes_from(settings, proxies, address, forwarded, expected):
    settings.PROXIES = proxies
    assert client(request(address, forwarded)) == expected


@pytest.mark.parametrize("proxies", [0, 1, 2])
def test_a_hundred_invented_addresses_are_one_client(settings, proxies: int):
    settings.PROXIES = proxies
    ours = ", 192.0.2.7, 10.0.0.1"[: None if proxies == 2 else -len(", 10.0.0.1")]
    clients = {client(request("192.0.2.7", f"10.1.{n}.1, 10.2.2.{n}{ours}")) for n in range(100)}
    assert clients == {"192.0.2.7"}


@pytest.mark.django_db
def test_a_limited_view_answers_429_with_when_to_try_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(LIMITS, "claim", (Limit(1, 5_400),))
    view = limited("claim")(lambda request: HttpResponse("done"))

    def ask(htmx: bool = False, method: str = "POST", account: int = 0) -> HttpResponse:
        made = request()
        made.method = method
        made.META |= {"HTTP_HX_REQUEST": "true"} if htmx else {}
        made.htmx = HtmxDetails(made)  # type: ignore[attr-defined]
        made.user = Account(pk=account) if account else AnonymousUser()
        answer = view(made)
        assert isinstance(answer, HttpResponse)
        return answer

    assert [ask(account=n).content for n in (1, 2, 0)] == [b"done"] * 3
    assert ask(method="GET").content == b"done"
    page, fragment = ask(), ask(htmx=True)
    for answer in (page, fragment):
        assert answer.status_code == 429
        assert 5_390 < int(answer["Retry-After"]) <= 5_400
        assert "in 2 hours" in answer.content.decode()
        assert answer["Cache-Control"] == "no-store"
    assert "<html" in page.content.decode()
    assert "<html" not in fragment.content.decode()
