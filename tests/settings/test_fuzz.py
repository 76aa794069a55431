"""Whatever stands in the file: Settings or SettingsError, and never a secret in a message."""

import re
import string
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.settings.load import parse_settings
from probes.settings.model import SettingsError
from probes.settings.reference import settings_list

CONFIG = Path(__file__).parents[2] / "config"
PATH = Path("local.yaml")
SECRET = "k3y-Zx81-never-shown-5d2f9a77c0"
EXAMPLE = re.sub(r'"\$\{\w+_KEY\}"', SECRET, (CONFIG / "local.example.yaml").read_text(encoding="utf-8"))
ENVIRON = {"SECRET": SECRET, "EMPTY": "", "NUMBER": "20", "MONGODB_URI": f"mongodb://me:{SECRET}@db"}

patient = settings(deadline=None)  # a busy machine is no finding
KEYS = sorted({part.strip("[]<>") for setting in settings_list() for part in setting.path.split(".")})


def outcome(text: str) -> str:
    """Everything that a person may read of it. Any other exception than SettingsError fails the test."""
    try:
        loaded = parse_settings(text, PATH, ENVIRON)
    except SettingsError as error:
        return "\n".join(str(problem) for problem in error.problems) or "no word of why"
    reasons = [target.readiness_reason for target in loaded.targets]
    return "\n".join([*reasons, *(str(warning) for warning in loaded.warnings)])


@patient
@given(st.text())
def test_any_text(text: str) -> None:
    outcome(text)


@patient
@given(st.text(alphabet=":-[]{}#&*!|>'\"%@`,? \n\tab10.$~<", max_size=60))
def test_any_text_of_yamls_own_signs(text: str) -> None:
    outcome(text)


@patient
@given(st.binary())
def test_any_bytes_read_as_latin(content: bytes) -> None:
    outcome(content.decode("latin-1"))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.text(max_size=20),
    st.sampled_from(
        [
            "${SECRET}",
            "${NUMBER}",
            "${GONE}",
            "${GONE:-x}",
            "$$",
            "10m",
            "https://a.example.com/v1",
            "openai",
            "o3",
        ]
    ),
)
keys = st.one_of(st.sampled_from(KEYS), st.text(max_size=8), st.integers(), st.none())
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=25,
)


@patient
@given(trees)
def test_any_tree(tree: object) -> None:
    assert SECRET not in outcome(yaml.safe_dump(tree, allow_unicode=True))


clients = st.dictionaries(st.sampled_from(KEYS), trees, max_size=6)


@patient
@given(
    st.dictionaries(st.sampled_from(["openai", "azure", "anthropic", "mine", "ollama"]), clients, max_size=3),
    clients,
)
def test_any_client_of_known_keys(providers: dict[str, object], sections: dict[str, object]) -> None:
    apis = {provider: {"main": client} for provider, client in providers.items()}
    assert SECRET not in outcome(yaml.safe_dump({**sections, "apis": apis}, allow_unicode=True))


@st.composite
def slips(draw: st.DrawFn) -> str:
    """The example with a few slips of the fingers."""
    text = EXAMPLE
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text) - 1))
        cut = draw(st.integers(0, 3))
        typed = draw(st.text(alphabet=string.ascii_letters + ":-[]{}#'\" \n\t$&*!1", max_size=2))
        text = text[:at] + typed + text[at + cut :]
    return text


@settings(patient, max_examples=300)
@given(slips())
def test_slips_of_the_fingers(text: str) -> None:
    assert SECRET not in outcome(text)


@settings(patient, max_examples=300)
@given(st.data())
def test_slips_beside_a_key(data: st.DataObject) -> None:
    text = f"apis:\n  openai:\n    main:\n      api_key: {SECRET}\n      models: [gpt-4o]\n"
    before, after = text.split(SECRET)
    at, cut = data.draw(st.integers(0, len(before))), data.draw(st.integers(0, 8))
    typed = data.draw(st.text(alphabet=":-[]{}#'\" \n\t$&*!a1", max_size=3))
    before = before[:at] + typed + before[at + cut :]
    after = after[data.draw(st.integers(0, 3)) :]
    assert SECRET not in outcome(before + SECRET + after)


@patient
@given(
    st.sampled_from(KEYS),
    st.sampled_from([SECRET, f'"{SECRET}"', "${SECRET}", f"{{a: {SECRET}}}", f"[{SECRET}]"]),
)
def test_a_secret_at_the_wrong_setting_is_not_repeated(key: str, value: str) -> None:
    names = ("model", "name", "id", "display_name")
    said = outcome(
        f"apis:\n  openai:\n    main:\n      api_key: {SECRET}\n      '{key}': {value}\n      models: [m]\n"
    )
    assert SECRET not in said or key in names
