"""Vendored files are the published ones: hash, version and licence."""

import hashlib
from pathlib import Path

import pytest

VENDOR = Path(__file__).resolve().parents[2] / "static" / "vendor"
LISTED = {
    name: digest
    for digest, name in (
        line.split("  ", 1)
        for line in (VENDOR / "uplot" / "SHA256SUMS").read_text(encoding="ascii").splitlines()
    )
}


@pytest.mark.parametrize("name", LISTED)
def test_the_file_has_its_published_hash(name: str) -> None:
    assert hashlib.sha256((VENDOR / "uplot" / name).read_bytes()).hexdigest() == LISTED[name]


def test_every_vendored_file_is_listed() -> None:
    files = {path.name for path in (VENDOR / "uplot").iterdir()}
    assert files == {*LISTED, "SHA256SUMS", "README.md"}
    assert {path.name for path in VENDOR.iterdir()} == {"uplot"}


def test_the_version_is_told_and_true() -> None:
    head = (VENDOR / "uplot" / "uPlot.iife.min.js").read_text(encoding="utf-8").splitlines()[0]
    assert "(v1.6.32)" in head
    assert "# uPlot 1.6.32" in (VENDOR / "uplot" / "README.md").read_text(encoding="utf-8")


def test_the_licence_stands_beside_it() -> None:
    assert "MIT License" in (VENDOR / "uplot" / "LICENSE").read_text(encoding="utf-8")
