"""docker-compose.yml is read by Compose itself, which needs no engine for that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.prefix) / "bin" / "docker-compose"
SECRETS = {"SECRET_KEY": "k" * 50, "POSTGRES_PASSWORD": "p" * 20}

pytestmark = pytest.mark.skipif(not COMPOSE.exists(), reason="docker-compose is not among the installed packages")


def test_the_file_is_valid_with_the_two_secrets_set() -> None:
    assert _config("--quiet", secrets=SECRETS).returncode == 0


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_it_is_refused_without_a_secret(missing: str) -> None:
    refused = _config("--quiet", secrets={name: value for name, value in SECRETS.items() if name != missing})
    assert refused.returncode != 0
    assert missing in refused.stderr


def test_all_processes_of_bzpeer_wait_for_the_migration_and_run_without_root_rights() -> None:
    services = json.loads(_config("--format", "json", secrets=SECRETS).stdout)["services"]
    assert set(services) == {"migrate", "web", "worker", "beat", "db", "redis"}
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]


def test_the_port_is_open_to_this_machine_only() -> None:
    services = json.loads(_config("--format", "json", secrets=SECRETS).stdout)["services"]
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert [port["host_ip"] for port in published] == ["127.0.0.1"]


def _config(*options: str, secrets: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS} | secrets
    # An empty file, so that a developer's own .env decides nothing here.
    command = [str(COMPOSE), "--env-file", os.devnull, "-f", str(CHECKOUT / "docker-compose.yml"), "config", *options]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=CHECKOUT)
