"""Keeps what the SDKs would read from the environment out of our requests."""

from collections.abc import Mapping


def unwanted_headers(environment: Mapping[str, str], variable: str) -> set[str]:
    """Names of the headers that an SDK takes from this variable (a line each, `Name: value`)."""
    lines = environment.get(variable, "").split("\n")
    return {line.partition(":")[0].strip() for line in lines if ":" in line}
