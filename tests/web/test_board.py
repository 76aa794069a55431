"""The board: what it says first, where models stand, and that no figure claims more than was seen."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from probes.domain.outcome import Outcome
from probes.domain.plan import PlannedTarget, Problem, RefreshRequest
from probes.domain.result import ProbeResult
from probes.domain.state import State
from probes.domain.target import Readiness, Target
from probes.store.base import RefreshUpdate
from probes.verdicts.rules import Subject, judge
from probes.web.context import installed
from probes.web.headline import Headline, headline
from probes.web.memo import Memo
from probes.web.queries.board import Board as BoardView
from probes.web.queries.board import BoardFilter, board
from probes.web.snapshot import Snapshot
from tests.examples import NOON, a_result, a_target
from tests.web.serving import Board, a_board, a_plan, an_empty_board

GOOD, BAD, UGLY = a_target("good"), a_target("bad"), a_target("ugly")
PAUSED = a_target("paused", readiness=Readiness.PAUSED)
UNSET = a_target("unset", readiness=Readiness.NOT_CONFIGURED, readiness_reason="ACME_KEY is not set")
OTHER = a_target("other", id="zenith/main/other", provider="zenith")


def run_of(target: Target, *outcomes: Outcome, newest_at: datetime = NOON) -> list[ProbeResult]:
    """Results a minute apart, newest first."""
    return [
        a_result(outcome, newest_at - timedelta(minutes=n), target.id) for n, outcome in enumerate(outcomes)
    ]


def judged(served: Board, *targets: Target) -> None:
    """What an agent does after each probe."""
    for target in targets:
        subject = Subject(target.readiness, target.readiness_reason, target.interval_seconds)
        recent = served.store.recent([target.id], 10).get(target.id, ())
        served.store.set_verdict(target.id, judge(subject, recent, served.clock.now()))


@pytest.fixture
def served(tmp_path: Path) -> Board:
    """One good, one bad, one that needs the operator, one paused, one without a key, one of another provider."""
    served = a_board(tmp_path)
    targets = (GOOD, BAD, UGLY, PAUSED, UNSET, OTHER)
    served.store.put_plan(a_plan(targets))
    served.store.add_results(run_of(GOOD, *[Outcome.OK] * 5))
    served.store.add_results(run_of(BAD, *[Outcome.STALLED] * 3, Outcome.OK))
    served.store.add_results(run_of(UGLY, Outcome.AUTH))
    served.store.add_results(run_of(OTHER, *[Outcome.OK] * 5))
    judged(served, *targets)
    return served


def view_of(served: Board, **wanted: object) -> BoardView:
    with served.app.test_request_context("/"):
        here = installed()
        return board(here.snapshots.current(), BoardFilter(**wanted), here.memo)  # type: ignore[arg-type]


def headline_of(served: Board) -> Headline:
    view = view_of(served)
    with served.app.test_request_context("/?lang=en"):
        return headline(view)


def names(view: BoardView, provider: str) -> list[str]:
    return [row.target.model for group in view.groups if group.provider == provider for row in group.rows]


def test_problems_stand_first_and_the_worst_of_them_first(served: Board) -> None:
    view = view_of(served)
    assert [(row.target.model, row.state) for row in view.problems] == [
        ("bad", State.DOWN),
        ("ugly", State.ATTENTION),
    ]
    assert names(view, "acme") == ["good", "paused", "unset"]


def test_each_model_stands_exactly_once(served: Board) -> None:
    ids = [row.target.id for row in view_of(served).rows]
    assert sorted(ids) == sorted(target.id for target in (GOOD, BAD, UGLY, PAUSED, UNSET, OTHER))


def test_healthy_models_keep_the_order_of_the_configuration(served: Board) -> None:
    served.store.put_plan(a_plan((OTHER, UNSET, GOOD)))
    served.tick()
    assert [group.provider for group in view_of(served).groups] == ["zenith", "acme"]
    assert names(view_of(served), "acme") == ["unset", "good"]


def test_a_single_failure_is_told_beside_the_state_it_does_not_change(served: Board) -> None:
    served.store.add_results(run_of(GOOD, Outcome.STALLED, newest_at=NOON + timedelta(seconds=30)))
    judged(served, GOOD)
    served.tick()
    row = row_html(served, GOOD)
    assert "Operational</span>" in row
    assert "one probe failed: stalled" in row


def test_a_provider_with_nothing_but_problems_has_no_empty_group(served: Board) -> None:
    served.store.put_plan(a_plan((BAD, OTHER)))
    served.tick()
    assert [group.provider for group in view_of(served).groups] == ["zenith"]


def test_a_provider_of_which_nothing_is_probed_stands_last(served: Board) -> None:
    idle = a_target("idle", id="idle/main/x", provider="idle", readiness=Readiness.PAUSED)
    served.store.put_plan(a_plan((idle, GOOD)))
    served.tick()
    assert [group.provider for group in view_of(served).groups] == ["acme", "idle"]


def test_the_sentence_counts_problems_among_what_is_probed(served: Board) -> None:
    said = headline_of(served)
    assert said == Headline(
        State.DOWN,
        "1 of 4 models has problems",
        "bad is down, ugly needs the operator · 1 paused, 1 not configured",
    )


def test_the_operators_own_faults_are_not_called_problems_of_models(served: Board) -> None:
    served.store.put_plan(a_plan((GOOD, UGLY)))
    served.tick()
    assert headline_of(served).sentence == "1 of 2 models needs the operator"


def test_a_healthy_board_says_so_in_one_sentence(served: Board) -> None:
    served.store.put_plan(a_plan((GOOD, OTHER)))
    served.tick()
    assert headline_of(served) == Headline(State.OPERATIONAL, "All 2 models answer normally", "")


def test_before_the_first_result_nothing_is_called_healthy(tmp_path: Path) -> None:
    said = headline_of(a_board(tmp_path))
    assert said.state is State.UNKNOWN
    assert said.sentence == "The first probes are on their way"


def test_when_results_stop_coming_nothing_is_called_healthy(served: Board) -> None:
    served.store.put_plan(a_plan((GOOD, OTHER)))
    served.clock.advance(3600)
    assert headline_of(served).sentence == "The state of 2 of 2 models is unknown"


def test_an_unknown_model_beside_healthy_ones_is_told(served: Board) -> None:
    served.store.put_plan(a_plan((GOOD, a_target("new"))))
    served.tick()
    assert headline_of(served).sentence == "The state of 1 of 2 models is unknown"


def test_no_configuration_and_nothing_but_idle_models_have_sentences_of_their_own(tmp_path: Path) -> None:
    served = an_empty_board(tmp_path)
    assert headline_of(served).sentence == "No model is configured yet"
    served.store.put_plan(a_plan((PAUSED,)))
    served.tick()
    assert headline_of(served) == Headline(State.UNKNOWN, "No model is probed yet", "1 paused")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"text": "GOOD"}, ["good"]),
        ({"text": "zenith"}, ["other"]),
        ({"providers": ("zenith", "acme"), "states": (State.OPERATIONAL,)}, ["good", "other"]),
        ({"states": (State.PAUSED, State.DOWN)}, ["bad", "paused"]),
        ({"text": "nothing like it"}, []),
    ],
    ids=["name", "provider's name", "both", "two states", "nothing"],
)
def test_a_filter_admits_what_fits_all_of_it(
    served: Board, wanted: dict[str, object], expected: list[str]
) -> None:
    shown = view_of(served, **wanted).shown_ids
    assert sorted(target.rsplit("/")[-1] for target in shown) == sorted(expected)


def test_the_sentence_does_not_change_with_the_filter(served: Board) -> None:
    assert "1 of 4 models has problems" in served.client.get("/?q=zenith").text


def test_what_the_filter_hides_is_there_but_hidden(served: Board) -> None:
    text = served.client.get("/?q=good").text
    assert re.findall(r'<li (hidden )?class="row[^>]*data-row="([^"]+)"', text) == [
        ("hidden ", BAD.id),
        ("hidden ", UGLY.id),
        ("", GOOD.id),
        ("hidden ", PAUSED.id),
        ("hidden ", UNSET.id),
        ("hidden ", OTHER.id),
    ]
    assert re.search(r"<span data-shown>1</span> / 6", text)


def test_a_group_is_hidden_with_its_last_row(served: Board) -> None:
    text = served.client.get("/?q=good").text
    assert '<details class="group" open data-group="acme">' in text
    assert '<details class="group" open data-group="zenith" hidden>' in text
    assert '<section class="group group--problems" data-group hidden>' in text


def test_a_filter_that_hides_everything_offers_the_way_back(served: Board) -> None:
    text = served.client.get("/?q=nothing-like-it").text
    assert '<div class="empty" data-no-match>' in text
    assert "The filter hides every model." in text
    assert '<div class="empty" data-no-match hidden>' in served.client.get("/").text


def test_an_unknown_state_in_the_address_is_refused_with_what_is_allowed(served: Board) -> None:
    response = served.client.get("/?state=green")
    assert response.status_code == 400
    assert "operational" in response.text


def row_html(served: Board, target: Target, query: str = "") -> str:
    text = served.client.get(f"/{query}").text
    match = re.search(rf'<li [^>]*data-row="{re.escape(target.id)}".*?</li>', text, re.DOTALL)
    assert match is not None
    return match[0]


def test_a_row_tells_state_in_colour_shape_and_word(served: Board) -> None:
    row = row_html(served, BAD)
    assert 'href="#i-down"' in row
    assert "icon--down" in row
    assert "Down</span>" in row


def test_every_share_has_its_number_of_probes(served: Board) -> None:
    row = row_html(served, BAD)
    assert row.count("<b>25.00\xa0%</b> <span>of 4</span>") == 3  # 24 hours; 90 days; 30 days on a phone


def test_a_phone_shows_the_share_of_the_30_days_that_it_has_room_for(served: Board) -> None:
    served.store.add_results(run_of(GOOD, *[Outcome.STALLED] * 5, newest_at=NOON - timedelta(days=40)))
    served.tick()
    row = row_html(served, GOOD)
    assert '<span class="wide-only"><b>50.00\xa0%</b> <span>of 10</span></span>' in row
    assert '<span class="narrow-only"><b>100\xa0%</b> <span>of 5</span></span>' in row


def test_a_model_without_a_result_has_no_figure_and_no_green(served: Board) -> None:
    row = row_html(served, UNSET)
    assert "%" not in re.sub(r'aria-label="[^"]*"', "", row)
    assert "strip__ok" not in row
    assert "ACME_KEY is not set" in row


def test_our_own_faults_do_not_count_against_the_provider(served: Board) -> None:
    row = row_html(served, UGLY)
    assert "Needs the operator" in row
    assert "<b>–</b>" in row
    assert "strip__down" not in row


def test_the_state_of_now_and_todays_bar_are_two_things(served: Board) -> None:
    served.store.add_results(run_of(GOOD, *[Outcome.STALLED] * 60, newest_at=NOON - timedelta(hours=2)))
    served.tick()
    row = row_html(served, GOOD)
    assert "Operational" in row
    assert "strip__down" in row


def test_a_result_two_intervals_old_is_marked_stale(served: Board) -> None:
    assert "stale" not in row_html(served, GOOD)
    served.clock.advance(150)
    assert '<span class="chip">stale</span>' in row_html(served, GOOD)


def test_lines_of_one_provider_share_one_scale(served: Board) -> None:
    slow, fast = a_target("slow"), a_target("fast")
    served.store.put_plan(a_plan((slow, fast)))
    served.store.add_results(
        [a_result(target=slow.id, ttft_seconds=4.0), a_result(target=fast.id, ttft_seconds=1.0)]
    )
    served.tick()
    scales = {row.ttft_scale for row in view_of(served).rows}
    assert len(scales) == 1
    assert scales.pop() == pytest.approx(4.0, rel=0.01)


def test_a_history_shorter_than_the_bars_says_since_when(served: Board) -> None:
    assert "collecting since 2026-11-21" in row_html(served, GOOD)
    served.store.add_results(run_of(GOOD, Outcome.OK, newest_at=NOON - timedelta(days=89)))
    served.tick()
    assert "collecting since" not in row_html(served, GOOD)


def test_without_a_configuration_three_lines_tell_how_to_add_a_model(tmp_path: Path) -> None:
    text = an_empty_board(tmp_path).client.get("/").text
    assert "Add your first model" in text
    assert "config/local.yaml" in text
    assert "api_key: &#34;${OPENAI_API_KEY}&#34;" in text or 'api_key: "${OPENAI_API_KEY}"' in text


def test_the_demo_says_that_its_data_is_simulated(served: Board) -> None:
    assert "Simulated data" not in served.client.get("/").text
    served.store.put_plan(a_plan(is_demo=True))
    served.tick()
    assert "Simulated data" in served.client.get("/").text


def test_a_faulty_configuration_is_told_with_place_and_cure(served: Board) -> None:
    problem = Problem(
        'unknown key "api_kye"', 'Did you mean "api_key"?', "apis.acme", 5, 3, "config/local.yaml"
    )
    served.store.put_plan(a_plan(problems=(problem,) * 7))
    served.tick()
    text = served.client.get("/kanban").text
    assert "config/local.yaml:5" in text
    assert "unknown key &#34;api_kye&#34;" in text
    assert "Did you mean" in text
    assert "and 2 more" in text


def test_without_a_living_agent_a_banner_says_so(served: Board) -> None:
    assert "No agent is running" not in served.client.get("/").text
    served.clock.advance(60)
    text = served.client.get("/").text
    assert "No agent is running" in text
    assert "Last sign of life" in text


def test_when_the_store_is_away_the_last_reading_is_shown_with_its_age(served: Board) -> None:
    served.client.get("/")
    served.store.close()
    served.clock.advance(90)
    response = served.client.get("/")
    assert response.status_code == 200
    assert "The database cannot be reached." in response.text
    assert "1\xa0min ago" in response.text
    assert BAD.id in response.text


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    served = a_board(tmp_path)
    name = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    served.store.put_plan(a_plan((a_target("x", id=f"{name}/main/x", provider=name, display_name=name),)))
    for path in ("/", "/kanban", "/kanban?lanes=1", "/?fragment=1"):
        served.tick()
        text = served.client.get(path).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text


def test_a_live_page_gets_the_frame_and_the_rows_it_asks_for(served: Board) -> None:
    text = served.client.get("/", query_string={"fragment": "1", "id": [BAD.id, OTHER.id]}).text
    assert re.findall(r'data-row="([^"]+)"', text) == [BAD.id, OTHER.id]
    assert set(re.findall(r'data-swap="(\w+)"', text)) == {"banners", "incidents", "summary"}
    assert "<html" not in text


def test_the_order_mark_changes_only_when_rows_would_stand_elsewhere(served: Board) -> None:
    def order() -> str:
        match = re.search(r'data-order="(\w+)"', served.client.get("/?fragment=1").text)
        assert match is not None
        return match[1]

    before = order()
    served.store.add_results(run_of(GOOD, Outcome.OK, newest_at=NOON + timedelta(seconds=1)))
    served.tick()
    assert order() == before
    served.store.add_results(run_of(GOOD, *[Outcome.STALLED] * 3, newest_at=NOON + timedelta(minutes=4)))
    judged(served, GOOD)
    served.tick()
    assert order() != before


def test_a_row_is_drawn_again_only_when_it_looks_different(served: Board) -> None:
    def revision(target: Target) -> str:
        match = re.search(r'data-rev="(\w+)"', row_html(served, target))
        assert match is not None
        return match[1]

    before = revision(GOOD), revision(OTHER)
    served.store.add_results(run_of(GOOD, Outcome.OK, newest_at=NOON + timedelta(seconds=1)))
    served.tick()
    after = revision(GOOD), revision(OTHER)
    assert before[0] != after[0]
    assert before[1] == after[1]


def test_a_refresh_named_in_the_address_is_reported(served: Board) -> None:
    request = RefreshRequest("r1", NOON)
    served.store.request_refresh(request, timedelta(0))
    assert "Refresh is waiting for an agent." in served.client.get("/?refresh=r1").text
    served.store.update_refresh("r1", RefreshUpdate(total=4, finished=1), NOON)
    assert "Probing 1 of 4." in served.client.get("/?refresh=r1").text
    served.store.update_refresh("r1", RefreshUpdate(finished=4, is_done=True), NOON)
    assert "4 models probed." in served.client.get("/?refresh=r1").text


@pytest.mark.parametrize("wanted", ["", "nobody", "x" * 500])
def test_an_unknown_refresh_in_the_address_is_passed_over(served: Board, wanted: str) -> None:
    response = served.client.get("/", query_string={"refresh": wanted})
    assert response.status_code == 200
    assert not re.search(r"models? probed\.", response.text)


def test_the_cool_down_is_told_to_the_page(served: Board) -> None:
    assert 'data-cooldown="15" data-cooling="0"' in served.client.get("/").text
    served.store.request_refresh(RefreshRequest("r1", served.clock.now()), timedelta(0))
    served.tick()
    assert 'data-cooldown="15" data-cooling="13"' in served.client.get("/").text


def test_a_blank_snapshot_makes_a_board() -> None:
    """The store never answered; the page must stand all the same."""
    view = board(Snapshot(now=NOON), BoardFilter(), Memo())
    assert (view.total, view.rows, view.as_of) == (0, (), None)


def test_rows_of_renamed_models_tell_the_name_that_is_asked_for(served: Board) -> None:
    target = replace(GOOD, display_name="Good One")
    served.store.put_plan(a_plan((target,)))
    served.tick()
    row = row_html(served, target)
    assert ">Good One</a>" in row
    assert "main · good" in row
    assert PlannedTarget.of(target).name == "Good One"
