"""pytest plugin: a real PostgreSQL and Valkey for the test run, in a temporary folder of their own.

A plugin and not a conftest.py, because pytest-django reads the settings, and so their addresses, before that is loaded.
With DATABASE_URL and REDIS_URL both set nothing is started. Loaded by `addopts = "-p bzpeer.testing"`.

The whole suite runs on every core (pytest-xdist). Its workers are processes that load this plugin too: they share the
PostgreSQL of the process that started them, where pytest-django gives each a database; a Valkey each has of its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile

import pytest

from .services import ServiceError, Services


def _start() -> Services | None:
    # Tests of a developer's shell and of a server must not differ.
    os.environ["SECRET_KEY"] = "only-for-tests"  # noqa: S105
    os.environ["MAIL_KEPT"] = "1"
    os.environ["EMBEDDINGS"] = "0"  # tests of other things wait for no model
    os.environ["GRAPH_DIR"] = tempfile.mkdtemp(prefix="bzpeer-graph-")
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.pop("REDIS_URL", None)
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        return None
    try:
        services = Services(ephemeral=True)
        services.start("a test run")
    except ServiceError as error:
        raise SystemExit(str(error)) from None
    os.environ.update(services.urls())
    return services


_services = _start()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """None, which means one for each core, for the whole suite; chosen tests are over before workers have started."""
    whole = config.args_source is config.ArgsSource.TESTPATHS and not config.option.keyword
    return None if whole else 0


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers, whatever the outcome."""
    shutil.rmtree(os.environ["GRAPH_DIR"], ignore_errors=True)
    if _services:
        _services.stop()
