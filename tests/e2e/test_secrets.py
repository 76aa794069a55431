"""No key ever leaves: not on a page, in an answer, in an export, in the log or in a file."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.e2e.crawl import Answer, crawl
from tests.e2e.shop import HOSTILE_SHOP, SECRETS, Shop, filled
from tests.service_process import ROOT

pytestmark = pytest.mark.browser


def forms(secret: str) -> Iterator[bytes]:
    """As it is, in an address, in HTML, in JSON."""
    yield secret.encode()
    yield quote(secret, safe="").encode()
    yield secret.replace("&", "&amp;").replace("'", "&#39;").encode()
    yield secret.replace("/", "\\/").encode()


def leaks(content: bytes) -> list[str]:
    return [name for name, secret in SECRETS.items() if any(form in content for form in forms(secret))]


def test_the_provider_did_echo_the_key(hostile_shop: Shop) -> None:
    records = hostile_shop.service.json("/api/v1/results?outcome=auth")["results"]
    assert records
    assert all("[redacted]" in record["error"] for record in records)


@pytest.fixture(scope="module")
def answers(hostile_shop: Shop) -> dict[str, Answer]:
    """What all pages, the API and the exports say, after everything was probed twice."""
    hostile_shop.refresh()
    apis = ("targets", "statistics", "results?limit=200", "results.csv", "results.ndjson", "config", "health")
    found = crawl(hostile_shop.url, tuple(f"/api/v1/{name}" for name in apis))
    assert len(found) > 60
    return found


def test_no_page_answer_or_export_has_a_key(answers: dict[str, Answer]) -> None:
    told = {address: leaks(answer.headers.encode() + answer.body) for address, answer in answers.items()}
    assert not {address: names for address, names in told.items() if names}


def test_no_link_of_the_site_is_dead(answers: dict[str, Answer]) -> None:
    assert not [address for address, answer in answers.items() if answer.status != 200]


def test_no_file_of_the_service_has_a_key(hostile_shop: Shop) -> None:
    files = [path for path in hostile_shop.data.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite3" for path in files)
    assert not {path.name: leaks(path.read_bytes()) for path in files if leaks(path.read_bytes())}


def test_no_line_of_the_log_has_a_key(hostile_shop: Shop) -> None:
    assert "refresh" in hostile_shop.service.output or "agent" in hostile_shop.service.output
    assert not leaks(hostile_shop.service.output.encode())


@pytest.mark.parametrize(
    "command",
    [["check"], ["check", "--json"], ["probe", "Second/environment/echoes-key", "--json"], ["export"]],
    ids=" ".join,
)
def test_no_command_prints_a_key(hostile_shop: Shop, command: list[str]) -> None:
    place = ["--config", str(hostile_shop.config), "--data", str(hostile_shop.data)]
    ran = subprocess.run(
        [sys.executable, "app.py", *command, *place], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert ran.stdout
    assert not leaks(ran.stdout + ran.stderr)


def test_a_broken_file_is_reported_without_the_key_that_stands_on_the_bad_line(hostile_shop: Shop) -> None:
    secret = SECRETS["typed into the file"]
    broken = HOSTILE_SHOP.replace(f"api_key: '{secret}'", f"api_kye: '{secret}'")
    assert broken != HOSTILE_SHOP
    bad = Path(hostile_shop.config).with_name("broken.yaml")
    bad.write_text(filled(broken, hostile_shop.simulator))
    ran = subprocess.run(
        [sys.executable, "app.py", "check", "--config", str(bad)],
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode != 0
    assert b"api_kye" in ran.stdout + ran.stderr
    assert not leaks(ran.stdout + ran.stderr)
