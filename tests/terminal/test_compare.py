"""`probe --compare` as a command: the sentence that it says, and the document that it writes."""

import itertools
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.terminal.commands import COMMAND, ROOT, environment, probe

AT_ONCE = ("--every", "0")


def compared(config: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = probe(*arguments, "--compare", "--json", *AT_ONCE, "--config", str(config))
    return ran.returncode, json.loads(ran.stdout)


def test_twice_as_fast_is_said_to_answer_first(config: Path) -> None:
    ran = probe("late", "early", "--compare", "--count", "10", *AT_ONCE, "--config", str(config))
    assert ran.returncode == 0, ran.stderr
    table, _, sentence = ran.stdout.rstrip().rpartition("\n\n")
    assert re.match(r"early answers first: 0\.\d+ s \[0\.\d+-0\.\d+\] against late's 0\.\d+ s", sentence)
    assert re.search(r"early was ahead of late in (9|10) of 10 rounds, in the median one by 0\.", sentence)
    rows = table.splitlines()
    assert rows[1].split()[:2] == ["acme/main/early", "10/10"], "the best first"
    assert "p95 of fewer than 20 probes is their slowest." in rows


def test_a_winner_is_named_only_where_the_rounds_carry_it(config: Path) -> None:
    _, found = compared(config, "early", "twin", "--count", "8")
    (pair,) = found["pairs"]
    is_sweep = 8 in (pair["first_ahead"], pair["second_ahead"])
    assert (pair["winner"] is not None) == is_sweep == found["is_decided"]
    assert ("cannot be told apart: 0." in found["verdict"]) != is_sweep


def test_too_few_rounds_claim_nothing(config: Path) -> None:
    code, found = compared(config, "early", "late", "--count", "3")
    assert code == 0
    assert found["verdict"].startswith("Too early to tell early and late apart")
    assert "8 rounds are the fewest" in found["verdict"]
    assert not found["is_decided"]
    assert found["pairs"][0]["winner"] is None
    assert found["targets"][0]["ttft_seconds"]["low"] is None


def test_the_document_holds_the_rounds_and_the_warm_up_apart(config: Path) -> None:
    _, found = compared(config, "early", "late", "--count", "8")
    assert (found["rounds"], found["asked_rounds"], found["by"]) == (8, 8, "ttft")
    assert [len(found["warm_up"]), len(found["records"])] == [2, 16]
    for target in found["targets"]:
        own = sorted(r["ttft_seconds"] for r in found["records"] if r["target"] == target["target"])
        spread = target["ttft_seconds"]
        assert (spread["n"], spread["p50"], spread["p95"]) == (8, own[3], own[7])
        assert (spread["low"], spread["high"]) == (own[0], own[7])
        assert target["output_tokens"] == 9 * 4, "the warm-up is paid for too"
    (pair,) = found["pairs"]
    assert pair["first_ahead"] + pair["second_ahead"] == pair["n"] == 8
    assert pair["lead_low"] <= pair["lead"] <= pair["lead_high"]
    assert not found["is_interrupted"]


def test_each_round_probes_each_target_once_and_one_at_a_time(config: Path) -> None:
    _, found = compared(config, "early", "twin", "fast", "--count", "6")
    records = found["records"]
    rounds = [records[start : start + 3] for start in range(0, len(records), 3)]
    assert all(len({record["target"] for record in round_}) == 3 for round_ in rounds)
    assert {record["in_flight"] for record in records} == {1}
    assert all(a["started_at"] <= b["started_at"] for a, b in itertools.pairwise(records))


def test_it_stops_early_only_when_asked_and_then_says_how_many_rounds_it_took(config: Path) -> None:
    _, found = compared(config, "fast", "late", "--until-clear")
    assert found["is_decided"]
    assert 8 <= found["rounds"] < found["asked_rounds"] == 20


def test_another_metric_may_decide(config: Path) -> None:
    _, found = compared(config, "chatty", "early", "--by", "response", "--until-clear")
    assert found["by"] == "response"
    assert found["verdict"].startswith("early is done first"), "although chatty answers first"


def test_a_target_without_an_ok_probe_fails_the_command_and_is_named(config: Path) -> None:
    ran = probe("fast", "error-500", "--compare", "--count", "2", *AT_ONCE, "--config", str(config))
    assert ran.returncode == 1
    assert "Only fast answered" in ran.stdout
    assert "error-500 gave no usable answer" in ran.stdout
    assert "its status page may know more" in ran.stdout


def test_an_interrupted_comparison_still_writes_its_document(config: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "fast", "early", "--compare", "--json", *AT_ONCE, "--config", str(config)],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert "nothing is stored" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(said)["is_interrupted"]
