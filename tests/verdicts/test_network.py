from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from probes.domain.outcome import Fault, Outcome
from probes.verdicts.network import (
    CONTROL,
    SILENT_OUTCOMES,
    Loss,
    Network,
    Sighting,
    covering,
    observed,
    outside,
    sighting_of,
)
from tests.examples import NOON, a_result, a_target


def at(minute: float) -> timedelta:
    return timedelta(minutes=minute)


def seen(minute: float, *providers: str, reached: bool) -> list[Sighting]:
    return [Sighting(provider, NOON + at(minute), reached) for provider in providers]


WORKING = observed(Network(), seen(0, "acme", "bolt", "corp", reached=True))


def test_two_providers_that_fail_together_are_a_lost_network() -> None:
    one = observed(WORKING, seen(1, "acme", reached=False))
    two = observed(one, seen(2, "bolt", reached=False))
    assert (one.is_in_doubt, one.is_lost) == (True, False)
    assert two.losses == (Loss(NOON + at(1)),)


def test_a_provider_that_fails_often_is_one_provider() -> None:
    network = observed(WORKING, [s for minute in (1, 2, 3) for s in seen(minute, "acme", reached=False)])
    assert not network.is_lost


def test_any_answer_between_them_proves_that_the_network_lives() -> None:
    sightings = (
        seen(1, "acme", reached=False) + seen(2, "corp", reached=True) + seen(3, "bolt", reached=False)
    )
    assert not observed(WORKING, sightings).is_lost


def test_a_provider_that_was_down_before_does_not_testify() -> None:
    sightings = seen(1, "acme", reached=False) + seen(2, "corp", reached=True)
    sightings += seen(3, "acme", reached=False) + seen(4, "bolt", reached=False)
    assert not observed(WORKING, sightings).is_lost


def test_the_first_answer_ends_a_loss() -> None:
    lost = observed(WORKING, seen(1, "acme", "bolt", "corp", reached=False))
    back = observed(lost, seen(9, "acme", reached=True))
    assert back.losses == (Loss(NOON + at(1), NOON + at(9)),)
    assert not back.is_in_doubt


def test_an_answer_to_a_question_from_before_the_loss_does_not_end_it() -> None:
    lost = observed(WORKING, seen(1, "acme", "bolt", reached=False))
    assert observed(lost, seen(0.5, "corp", reached=True)).is_lost


def test_a_control_check_stands_for_a_provider() -> None:
    in_doubt = observed(WORKING, seen(1, "acme", reached=False))
    assert observed(in_doubt, seen(2, CONTROL, reached=False)).is_lost
    assert not observed(in_doubt, seen(2, CONTROL, reached=True)).is_in_doubt
    lost = observed(in_doubt, seen(2, CONTROL, reached=False))
    assert not observed(lost, seen(3, CONTROL, reached=True)).is_lost


def test_a_refusal_is_an_answer_and_a_missed_slot_is_no_look_at_all() -> None:
    looks = {outcome: sighting_of(a_result(outcome)) for outcome in Outcome}
    silent = {outcome for outcome, look in looks.items() if look is not None and not look.reached}
    blind = {outcome for outcome, look in looks.items() if look is None}
    assert silent == SILENT_OUTCOMES >= {o for o in Outcome if o.fault is Fault.NETWORK}
    assert blind == {Outcome.MISSED, Outcome.SKIPPED, Outcome.INTERNAL}


def test_a_loss_covers_only_silent_failures_of_its_time() -> None:
    loss = Loss(NOON, NOON + at(5))
    cut = Outcome.CONNECT_TIMEOUT
    assert covering([loss], a_result(cut, NOON + at(4))) is loss
    assert covering([loss], a_result(cut, NOON + at(5))) is None
    assert covering([loss], a_result(cut, NOON - at(1))) is None
    assert covering([loss], a_result(Outcome.SERVER_ERROR, NOON + at(4))) is None


def test_a_server_on_this_host_says_nothing_of_our_network() -> None:
    near, far = a_target("near"), a_target("far", base_url="https://api.acme.example/v1")
    official = a_target("official", base_url=None)
    assert outside([near, far, official]) == {far.id, official.id}
    assert outside([near]) == {near.id}


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 60), st.booleans()), max_size=60),
)
def test_losses_follow_each_other_and_only_the_newest_may_last(looks: list[tuple[str, int, bool]]) -> None:
    network = observed(Network(), [Sighting(name, NOON + at(minute), ok) for name, minute, ok in looks])
    assert all(loss.until is not None and loss.since <= loss.until for loss in network.losses[:-1])
    assert network.is_lost is (bool(network.losses) and network.losses[-1].until is None)
    assert network.is_in_doubt or not network.is_lost
