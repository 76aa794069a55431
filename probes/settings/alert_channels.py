"""The validated `alerts:` section -> channels. Names that exist nowhere and addresses that nobody reads are faults."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import time
from fnmatch import fnmatchcase
from typing import Final
from urllib.parse import unquote, urlsplit

from probes.domain.incident import Severity
from probes.domain.target import Secret, Target
from probes.settings.alert_format import AlertChannelOptions, AlertOptions, QuietHoursOptions
from probes.settings.alerts import AlertSettings, Channel, ChannelType, Language, QuietHours
from probes.settings.document import Node, find
from probes.settings.faults import Faults, Path, did_you_mean, shown

# The one library that knows its addresses lives higher up: whoever loads the file hands its judgement in.
# Addresses -> for each why it cannot be used, None for a good one. Never holds the address itself.
JudgeAddresses = Callable[[Sequence[str]], Sequence[str | None]]

_SEPARATORS: Final = re.compile(r"[/:@?&=#]+")
_SECRET_LENGTH: Final = 8
_WHERE: Final = ("alerts", "channels")


@dataclass(frozen=True, slots=True)
class AlertReader:
    """What the section is checked against."""

    root: Node
    faults: Faults
    targets: tuple[Target, ...]
    judge: JudgeAddresses | None = None  # None: addresses of Apprise are taken on trust

    def read(self, options: AlertOptions) -> AlertSettings:
        """Faults are collected; the settings are of use only without any."""
        are_targets_known = not self.faults.problems  # else some may be missing that are only mistyped
        self._check_names(options.channels)
        for index, channel in enumerate(options.channels):
            self._check_routing(channel, (*_WHERE, index))
            if are_targets_known:
                self._check_targets(channel, (*_WHERE, index))
            self._check_address(channel, (*_WHERE, index))
        self._check_apprise(options.channels)
        if options.heartbeat_url is not None:
            self._check_http(options.heartbeat_url, ("alerts", "heartbeat_url"))
        if self.faults.problems:
            return AlertSettings()
        return AlertSettings(
            channels=tuple(_channel(channel) for channel in options.channels),
            language=Language(options.language),
            heartbeat_url=Secret(options.heartbeat_url.strip()) if options.heartbeat_url else None,
            heartbeat_seconds=options.heartbeat_every,
        )

    def _add(self, message: str, cure: str, path: Path) -> None:
        self.faults.add(message, cure, path, find(self.root, path).mark)

    def _check_names(self, channels: Sequence[AlertChannelOptions]) -> None:
        first: dict[str, int] = {}
        for index, channel in enumerate(channels):
            path = (*_WHERE, index, "name")
            if channel.name in first:
                line = find(self.root, (*_WHERE, first[channel.name], "name")).mark.line
                self._add(f"{shown(channel.name)} is given twice, first in line {line}", "Rename one", path)
            first.setdefault(channel.name, index)

    def _check_routing(self, channel: AlertChannelOptions, path: Path) -> None:
        if (channel.providers, channel.targets) != (None, None) and not (
            channel.providers or channel.targets
        ):
            key = "providers" if channel.providers is not None else "targets"
            self._add(
                "the channel would hear of nothing",
                "Name a provider or a target; without both it hears of all",
                (*path, key),
            )

    def _check_targets(self, channel: AlertChannelOptions, path: Path) -> None:
        providers = {target.provider for target in self.targets}
        for n, name in enumerate(channel.providers or ()):
            if name.casefold() not in {provider.casefold() for provider in providers}:
                self._unknown(name, "provider", providers, (*path, "providers", n))
        ids = {target.id for target in self.targets}
        for n, pattern in enumerate(channel.targets or ()):
            if not any(fnmatchcase(target_id.casefold(), pattern.casefold()) for target_id in ids):
                self._unknown(pattern, "target", ids, (*path, "targets", n))

    def _unknown(self, name: str, what: str, known: set[str], path: Path) -> None:
        near = did_you_mean(name, known)
        some = ", ".join(sorted(known)[:5])
        cure = f"Did you mean {near}?" if near else f"Known here: {some or 'none'}"
        self._add(f"{shown(name)} is no {what} of this file", cure, path)

    def _check_address(self, channel: AlertChannelOptions, path: Path) -> None:
        if channel.type == "apprise":
            if channel.secret is not None:
                self._add("a channel of type apprise has no secret", "Put it into the url", (*path, "secret"))
            return
        self._check_http(channel.url, (*path, "url"))

    def _check_http(self, url: str, path: Path) -> None:
        if not _is_http(url):
            self._add("the value is not an http or https address", "Write https://host/path", path)

    def _check_apprise(self, channels: Sequence[AlertChannelOptions]) -> None:
        asked = [(i, one.url) for i, one in enumerate(channels) if one.type == "apprise"]
        if self.judge is None or not asked or self.faults.problems:
            return
        for (index, _), fault in zip(asked, self.judge([url.strip() for _, url in asked]), strict=True):
            if fault is not None:
                self._add(
                    fault, "Compare with the list of services at appriseit.com", (*_WHERE, index, "url")
                )


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url.strip())
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _channel(options: AlertChannelOptions) -> Channel:
    return Channel(
        name=str(options.name),
        type=ChannelType(options.type),
        url=Secret(options.url.strip()),
        secret=Secret(str(options.secret)) if options.secret else None,
        providers=tuple(map(str, options.providers or ())),
        targets=tuple(map(str, options.targets or ())),
        min_severity=Severity(options.min_severity),
        with_recovery=options.with_recovery,
        remind_after_seconds=options.remind_after,
        quiet_hours=_quiet(options.quiet_hours) if options.quiet_hours else None,
        group_for_seconds=options.group_for,
        cooldown_seconds=options.cooldown,
    )


def _quiet(options: QuietHoursOptions) -> QuietHours:
    unless = Severity(options.unless) if options.unless else None
    return QuietHours(_time(options.start), _time(options.end), options.timezone, unless)


def _time(text: str) -> time:
    hours, _, minutes = text.partition(":")
    return time(int(hours), int(minutes))


def secrets_of(alerts: AlertSettings) -> Iterator[Secret]:
    """Whole addresses, and of each what looks like a token: services put theirs into path, host or query."""
    for channel in alerts.channels:
        yield from _secrets_of_address(channel.url)
        if channel.secret is not None:
            yield channel.secret
    if alerts.heartbeat_url is not None:
        yield from _secrets_of_address(alerts.heartbeat_url)


def _secrets_of_address(address: Secret) -> Iterator[Secret]:
    yield address
    scheme, _, rest = address.reveal().partition("://")
    host = _hostname(address.reveal()) if scheme in ("http", "https", "json", "jsons") else ""
    for part in _SEPARATORS.split(rest):
        is_token = len(part) >= _SECRET_LENGTH and any(c.isdigit() for c in part) and part != host
        if is_token and not re.fullmatch(r"\d[\d.]*\.\d+", part):
            yield Secret(part)
    for password in re.findall(r"^[^/@]*?:([^@/]+)@", rest):
        yield Secret(password)
        yield Secret(unquote(password))


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
