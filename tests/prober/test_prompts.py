"""The prompt is the same for all and never the same twice; its answer can be checked."""

import random
import re

import pytest

from probes.prober.prompts import PROMPT_VERSION, is_count, make_prompt


def test_a_nonce_comes_first_so_that_no_prefix_cache_answers() -> None:
    first, second = (make_prompt(None, random.Random(seed)).text for seed in (1, 2))
    assert re.match(r"[0-9a-f]{8} [a-z]+ [a-z]+ [a-z]+ [a-z]+\n\nThe line above", first)
    assert first.partition("\n\n")[0] != second.partition("\n\n")[0]
    assert first.partition("\n\n")[2] == second.partition("\n\n")[2]


def test_the_same_chance_makes_the_same_prompt() -> None:
    assert make_prompt(None, random.Random(7)) == make_prompt(None, random.Random(7))


def test_the_default_prompt_is_checked_and_versioned() -> None:
    prompt = make_prompt(None, random.Random(1))
    assert (prompt.version, prompt.is_checked) == (PROMPT_VERSION, True)


def test_a_custom_prompt_is_not_checked_and_has_a_version_of_its_own() -> None:
    prompt, other = (make_prompt(text, random.Random(1)) for text in ("Say hello.", "Say bye."))
    assert prompt.text.endswith("\n\nSay hello.")
    assert not prompt.is_checked
    assert prompt.version.startswith("custom-")
    assert prompt.version != other.version


@pytest.mark.parametrize(
    "answer",
    [
        "one two three four",
        "One, two, three, four",
        "ONE\nTWO\nTHREE",
        "1 2 3 4",
        "1. one\n2. two\n3. three",
        "**one** two three",
        "Sure! Here is the count you asked for:\n\none two three",
        "<think>They want me to count.</think>\none two three",
        "one one two three",
        "one two three",
    ],
)
def test_a_count_is_a_count(answer: str) -> None:
    assert is_count(answer) is True


@pytest.mark.parametrize("answer", ["", "one", "one two", "One, tw", "one two thr", "<think>I have to"])
def test_a_text_too_short_to_tell_is_not_judged(answer: str) -> None:
    assert is_count(answer) is None


@pytest.mark.parametrize(
    "answer",
    [
        "I cannot help with that.",
        "three two one",
        "two three four",
        "lorem ipsum dolor sit amet",
        "一 二 三 hello",
    ],
)
def test_anything_else_is_no_count(answer: str) -> None:
    assert is_count(answer) is False


def test_a_count_far_behind_chatter_does_not_count() -> None:
    assert is_count("word other " * 40 + "one two three") is False
