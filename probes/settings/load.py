"""config/local.yaml -> Settings, or every fault of it at once.

text -> nodes with places -> plain data with variables put in -> validated file -> targets. Each stage collects its
faults; what is known to be wrong is cut out before the next, so that one mistake is told once.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final
from urllib.parse import unquote

from pydantic import ValidationError

from probes.domain.plan import Problem
from probes.domain.target import Secret
from probes.settings import telemetry
from probes.settings.alert_channels import AlertReader, JudgeAddresses, secrets_of
from probes.settings.document import Node, read_document
from probes.settings.expand import Values, expand
from probes.settings.explain import Explainer, is_secret_path
from probes.settings.faults import Faults, Path, presentable
from probes.settings.fingerprint import settings_version
from probes.settings.format import File, SimulatorOptions, StoreOptions, WebOptions
from probes.settings.maintenance import MaintenanceResolver
from probes.settings.model import (
    AgentSettings,
    RetentionSettings,
    Settings,
    SettingsError,
    SimulatorSettings,
    StoreSettings,
    WebSettings,
)
from probes.settings.readiness import is_secret
from probes.settings.resolve import Resolver
from probes.settings.source import read_text

MONGODB_URI: Final = "MONGODB_URI"

# Valid, and never looked at: its path is spoilt.
_GAP: Final = {"model": "gap"}
_GAPS: Final = {"maintenance": {"title": "gap", "starts": "2000-01-01 00:00", "duration": 60}}
_URI_PASSWORD: Final = re.compile(r"://[^:/@]*:([^@]+)@")


def load_settings(
    path: FilePath, environ: Mapping[str, str], judge: JudgeAddresses | None = None
) -> Settings:
    """The settings of the file. Raises SettingsError with all problems, by place, without any secret."""
    return parse_settings(read_text(path), path, environ, judge)


def parse_settings(
    text: str, path: FilePath, environ: Mapping[str, str], judge: JudgeAddresses | None = None
) -> Settings:
    """As load_settings, of a text that stands for the content of `path`."""
    faults = Faults(str(path))
    try:
        root = read_document(text, faults)
    except SettingsError as error:
        raise SettingsError(presentable((*faults.problems, *error.problems), ())) from None
    values = expand(root, environ, faults)
    secrets = list(_secret_texts(values.data, ()))
    file = _validated(root, values, faults)
    resolver = Resolver(file, root, values, faults, path.parent)
    targets, store = resolver.targets(), _store(file.store, environ, faults)
    maintenance = MaintenanceResolver(file.maintenance, root, faults).rules(targets, tuple(file.apis))
    secrets += [secret.reveal() for secret in resolver.secrets]
    alerts = AlertReader(root, faults, targets, judge).read(file.alerts)
    if faults.problems:
        raise SettingsError(presentable(faults.problems, secrets))
    settings = _with_sections(
        Settings(source=str(path), version="", targets=targets, store=store, alerts=alerts), file, path
    )
    settings = replace(
        settings,
        maintenance=maintenance,
        secrets=tuple(dict.fromkeys((*resolver.secrets, *_section_secrets(settings)))),
        warnings=presentable(faults.warnings, secrets),
        key_files=tuple(dict.fromkeys(resolver.key_files)),
    )
    return replace(settings, version=settings_version(settings))


def _with_sections(settings: Settings, file: File, path: FilePath) -> Settings:
    return replace(
        settings,
        web=_web(file.web),
        retention=RetentionSettings(
            results_days=file.retention.results_days,
            hourly_days=file.retention.hourly_days,
            daily_days=file.retention.daily_days,
        ),
        agent=AgentSettings(
            location=file.agent.location,
            concurrency=file.agent.concurrency,
            provider_concurrency=file.agent.provider_concurrency,
            workers=file.agent.workers,
            self_check_seconds=file.agent.self_check,
            confirm_after_seconds=file.agent.confirm_after,
            control_check=file.agent.control_check,
        ),
        telemetry=telemetry.telemetry_of(file.telemetry),
        simulator=_simulator(file.simulator, path.parent),
    )


def _validated(root: Node, values: Values, faults: Faults) -> File:
    """The file by its model, without the parts that are wrong: those are faults by now."""
    for place in values.missing:
        values.data = _cut_out(values.data, place)
    explainer = Explainer(root, frozenset(values.expanded), faults)
    while True:
        for part in {_part_of(spoilt) for spoilt in faults.spoilt}:
            values.data = _cut_out(values.data, part)
        try:
            return File.model_validate(values.data)
        except ValidationError as error:
            known = len(faults.spoilt)
            explainer.add_all(error)
            if len(faults.spoilt) == known:  # cutting out did not help: nothing more can be told
                return File()


def _part_of(path: Path) -> Path:
    """How much is cut out with a fault at `path`: one model, one setting of a client, one setting of a section."""
    if path[:1] != ("apis",):
        return path[:2]
    return path[:5] if path[3:4] == ("models",) else path[:4]


def _cut_out(data: object, path: Path) -> object:
    """The data without what stands at `path`; a list item leaves a gap, so that the others keep their places."""
    if not path:
        return {}
    parent = data
    for part in path[:-1]:
        if isinstance(parent, dict):
            parent = parent.get(part)
        elif isinstance(parent, list) and isinstance(part, int) and part < len(parent):
            parent = parent[part]
    last = path[-1]
    if isinstance(parent, dict):
        parent.pop(last, None)
    elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        parent[last] = _GAPS.get(str(path[0]), _GAP)
    return data


def _secret_texts(data: object, path: Path) -> Iterator[str]:
    """All text at places that may hold a secret, usable or not: it must not appear in a message."""
    match data:
        case dict():
            for key, value in data.items():
                yield from _secret_texts(value, (*path, key))
        case list():
            for index, item in enumerate(data):
                yield from _secret_texts(item, (*path, index))
        case str() if is_secret_path(path) and is_secret(data):
            yield str(data)
            yield from _URI_PASSWORD.findall(data[:4000])
        case _:
            return


def _store(options: StoreOptions, environ: Mapping[str, str], faults: Faults) -> StoreSettings:
    """The file's address wins over the environment's; neither is SQLite."""
    uri = options.uri or options.mongodb_uri
    if uri is None and (given := environ.get(MONGODB_URI, "").strip()):
        if not given.startswith(("mongodb://", "mongodb+srv://")):
            faults.problems.append(
                Problem(
                    f"environment variable {MONGODB_URI} is not a MongoDB address",
                    "Set it to mongodb://host:27017, or unset it for SQLite",
                )
            )
        uri = given
    return StoreSettings(uri=Secret(uri) if uri else None, database=options.database)


def _web(options: WebOptions) -> WebSettings:
    return WebSettings(
        host=options.host,
        port=options.port,
        threads=options.threads,
        title=options.title,
        public_url=options.public_url,
        admin_token=Secret(options.admin_token) if options.admin_token else None,
        trusted_proxies=options.trusted_proxies,
        refresh_cooldown_seconds=options.refresh_cooldown,
    )


def _simulator(options: SimulatorOptions | None, directory: FilePath) -> SimulatorSettings | None:
    if options is None:
        return None
    scenarios = (directory / options.scenarios).resolve()
    return SimulatorSettings(str(scenarios), seed=options.seed, history_days=options.history_days)


def _section_secrets(settings: Settings) -> Iterator[Secret]:
    yield from secrets_of(settings.alerts)
    yield from telemetry.secrets_of(settings.telemetry)
    if settings.web.admin_token is not None:
        yield settings.web.admin_token
    if settings.store.uri is not None:
        yield settings.store.uri
        for password in _URI_PASSWORD.findall(settings.store.uri.reveal()):
            yield Secret(password)
            yield Secret(unquote(password))
