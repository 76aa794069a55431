"""The live views in a real terminal: they draw, move, fit, end on Ctrl-C and leave the terminal as it was."""

import os
import signal
from pathlib import Path

import pytest

from tests.terminal.commands import FIRST_PAGE, OTHER_PAGE, Terminal, terminal
from tests.terminal.conftest import KEY


def widest(frame: str) -> int:
    return max(len(line) for line in frame.replace("\r", "").split("\n"))


def assert_restored(seen: Terminal) -> None:
    assert seen.output.count(OTHER_PAGE) == seen.output.count(FIRST_PAGE) == 1
    assert seen.output.rindex(b"\x1b[?25h") > seen.output.rindex(b"\x1b[?25l"), "the cursor is back"


def test_a_watched_stream_is_drawn_while_it_comes(config: Path) -> None:
    with terminal("writer", "--watch", "--config", str(config)) as seen:
        early = seen.wait_for("writing", "says: one two three")
        seen.wait_for("writing", "says: one two three four five six")
        assert "nothing is stored" in early
        assert "n = 0" in early
        assert "█" in early
        assert all(stage in early for stage in ("dns", "connect", "tls", "sent", "first byte", "first token"))
        late = seen.wait_for("n = 1", "ok; next in")
        assert "1 ok" in late
        seen.type(b"\x03")
        assert seen.finish() == 0
    assert_restored(seen)
    assert "acme/main/writer  1/1" in seen.after_view


def test_ctrl_c_before_the_first_result_ends_at_once_as_interrupted(config: Path) -> None:
    with terminal("writer", "--watch", "--config", str(config)) as seen:
        modes = seen.modes()
        seen.wait_for("writing")
        seen.type(b"\x03")
        assert seen.finish() == 130
        assert seen.modes() == modes
    assert_restored(seen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_restore_the_terminal_too(config: Path, number: signal.Signals) -> None:
    with terminal("fast", "--watch", "--config", str(config)) as seen:
        seen.wait_for("n = 1")
        os.kill(seen.process.pid, number)
        assert seen.finish() == 0
    assert_restored(seen)


def test_the_frame_follows_the_terminals_size(config: Path) -> None:
    with terminal("fast", "--watch", "--every", "200ms", "--config", str(config)) as seen:
        assert widest(seen.wait_for("n = 1", "first byte")) == 120
        seen.resize(60, 12)
        seen.forget_frames()
        small = seen.wait_for_frame("a narrow frame", lambda frame: widest(frame) == 60)
        assert small.count("\n") == 11
        assert "first byte " not in small, "no room for a waterfall"
        seen.type(b"\x03")
        assert seen.finish() == 0


def test_many_targets_in_a_small_window_take_a_line_each(config: Path) -> None:
    with terminal("acme/main", "--watch", "--config", str(config), size=(100, 14)) as seen:
        names = ("early", "late", "twin", "fast", "echoes-key")
        frame = seen.wait_for("1 server_error", *names)
        for name in names:
            assert sum(f"/{name} " in f"{line} " for line in frame.splitlines()) == 1
        seen.type(b"\x03")
        seen.finish()


def test_a_failure_is_shown_with_its_cure(config: Path) -> None:
    with terminal("error-500", "--watch", "--config", str(config)) as seen:
        seen.wait_for("its status page may know more")
        seen.type(b"\x03")
        assert seen.finish() == 1


def test_hostile_text_cannot_reach_the_terminal(config: Path) -> None:
    with terminal("ansi", "--watch", "--count", "1", "--config", str(config)) as seen:
        seen.finish()
    assert "says: [2J [31mred" in seen.plain, "without the escape before it"
    assert b"\x1b[2J" not in seen.output
    assert b"\x1b]" not in seen.output
    assert b"\x07" not in seen.output
    assert_restored(seen)


def test_no_key_is_drawn(config: Path) -> None:
    with terminal("echoes-key", "--watch", "--count", "1", "--config", str(config)) as seen:
        seen.finish()
    assert b"redacted" in seen.output
    assert KEY.encode() not in seen.output


def test_colour_is_left_out_where_it_is_not_wanted(config: Path) -> None:
    for environ, is_coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        with terminal("fast", "--watch", "--config", str(config), environ=environ) as seen:
            seen.wait_for("n = 1", "█")
            seen.type(b"\x03")
            seen.finish()
        assert seen.has_colour is is_coloured
        assert OTHER_PAGE in seen.output


def test_a_dumb_terminal_gets_plain_lines(config: Path) -> None:
    with terminal(
        "fast", "--watch", "--count", "1", "--config", str(config), environ={"TERM": "dumb"}
    ) as seen:
        assert seen.finish() == 0
    assert b"\x1b" not in seen.output
    assert b"acme/main/fast  ok  ttft=" in seen.output


def test_a_race_is_drawn_round_by_round_and_its_report_stays(config: Path) -> None:
    with terminal(
        "fast", "late", "--compare", "--until-clear", "--every", "0", "--config", str(config)
    ) as seen:
        seen.wait_for("warm-up")
        seen.wait_for("round 3 of 20 done", "acme/main/late", "Too early to tell")
        assert seen.finish() == 0
    assert_restored(seen)
    assert "fast answers first: 0." in seen.after_view
    assert "of 20 rounds. The warm-up is not counted." in seen.after_view


def test_an_interrupted_race_reports_what_it_has(config: Path) -> None:
    with terminal("early", "late", "--compare", "--every", "0", "--config", str(config)) as seen:
        seen.wait_for("round 2 of 20 done")
        seen.type(b"\x03")
        assert seen.finish() == 130
    assert_restored(seen)
    assert "Interrupted after" in seen.after_view
    assert "Too early to tell" in seen.after_view
