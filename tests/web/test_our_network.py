"""What the board and the methodology say of a lost network of ours, and of the rules."""

import re
from pathlib import Path

import pytest

from probes.domain.outcome import Outcome
from probes.domain.state import Reason, State, Verdict
from probes.settings.model import AgentSettings
from probes.verdicts import confirming, deviation, drift, evidence, network, rules
from probes.verdicts.rules import ReasonKey
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan


@pytest.fixture
def served(tmp_path: Path) -> Board:
    board = a_board(tmp_path)
    board.store.put_plan(a_plan((a_target("quick"), a_target("slow"))))
    held = Verdict(State.UNKNOWN, Reason(ReasonKey.OUR_NETWORK), NOON, NOON)
    for model in ("quick", "slow"):
        board.store.add_results([a_result(Outcome.CONNECT_TIMEOUT, target=f"acme/main/{model}")])
        board.store.set_verdict(f"acme/main/{model}", held)
    board.tick()
    return board


@pytest.mark.parametrize(
    ("language", "sentence", "reason"),
    [
        ("en", "Our own network is lost; nothing is known of 2 of 2 models", "our own network is lost"),
        ("zh", "我们自己的网络中断", "我们自己的网络中断"),
    ],
)
def test_a_lost_network_is_the_first_thing_the_board_says(
    served: Board, language: str, sentence: str, reason: str
) -> None:
    text = served.client.get("/", headers={"Accept-Language": language}).text
    headline = text.split("<h1")[1].split("</h1>")[0]
    assert sentence in headline.replace("\N{NO-BREAK SPACE}", " ")
    assert text.count(reason) >= 2
    assert "status-pill--down" not in text


def test_every_threshold_of_the_rules_is_told(served: Board) -> None:
    text = served.client.get("/methodology").text
    told = text.split('id="rules"')[1].split("</section>")[0].replace("\N{NO-BREAK SPACE}", " ")
    rows = re.findall(r"<li>(.*?)</li>", told, re.DOTALL)
    down, confirm, partial, slow, slower, drifted, _, lost = rows
    assert {str(evidence.DOWN_AFTER), str(evidence.DOWN_AFTER_CONFIRMED)} <= numbers(down)
    assert str(evidence.RECOVERED_AFTER) in numbers(down)
    assert f"{AgentSettings().confirm_after_seconds:g} s" in confirm
    assert str(confirming.CONFIRM_PROBES) in numbers(confirm)
    assert {str(rules.PARTIAL_AT), str(evidence.WINDOW), str(evidence.STEADY_AFTER)} <= numbers(partial)
    assert {str(rules.SLOW_AT), str(rules.SLOW_OF), str(rules.THROTTLED_AT), str(rules.THROTTLED_OF)} <= (
        numbers(slow)
    )
    assert {str(deviation.SLOWER_AFTER), str(deviation.USUAL_AGAIN_AFTER)} <= numbers(slower)
    assert f"{deviation.SLOWER_FACTOR:g} times" in slower
    assert f"{drift.DRIFT_FACTOR:g} times" in drifted
    assert str(network.LOST_AT) in numbers(lost)


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+", text))
