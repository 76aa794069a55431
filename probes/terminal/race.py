"""Who is ahead of whom, and the sentence that says it; claims no more than the rounds carry. Pure."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from probes.domain.target import Target
from probes.stats.pairs import Comparison, compare, rounds_needed
from probes.terminal.figures import Metric
from probes.terminal.plans import Round
from probes.terminal.text import estimate_text, joined, value_text


@dataclass(frozen=True, slots=True)
class _Words:
    leads: str
    before: str


_WORDS: Final[dict[Metric, _Words]] = {
    Metric.TTFT: _Words("answers first", "answers before"),
    Metric.VISIBLE: _Words("shows text first", "shows text before"),
    Metric.RESPONSE: _Words("is done first", "is done before"),
    Metric.THROUGHPUT: _Words("writes fastest", "writes faster than"),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two targets by id and what their common rounds say."""

    first: str
    second: str
    comparison: Comparison

    @property
    def winner(self) -> str | None:
        """None: cannot be told apart."""
        if self.comparison.is_first_clear:
            return self.first
        return self.second if self.comparison.is_second_clear else None


@dataclass(frozen=True, slots=True)
class Standings:
    """`order`: ids of those with a figure, best first; the order of two that cannot be told apart means nothing."""

    by: Metric
    order: tuple[str, ...]
    silent: tuple[str, ...]
    pairs: tuple[Pair, ...]
    values: Mapping[str, tuple[float, ...]]  # ascending, of the rounds that count

    def pair(self, one: str, other: str) -> Pair:
        return next(pair for pair in self.pairs if {pair.first, pair.second} == {one, other})

    def seen_from(self, one: str, other: str) -> Comparison:
        """Their comparison with `one` as the first."""
        pair = self.pair(one, other)
        return pair.comparison if pair.first == one else pair.comparison.swapped()

    @property
    def is_decided(self) -> bool:
        """The first is ahead of every other one."""
        return len(self.order) > 1 and all(
            self.pair(self.order[0], other).winner == self.order[0] for other in self.order[1:]
        )


def standings(target_ids: Sequence[str], rounds: Sequence[Round], by: Metric) -> Standings:
    """All pairs, over the rounds in which both were ok: a failed probe has no time, and takes its round away."""
    found = {target_id: [_value(round_, target_id, by) for round_ in rounds] for target_id in target_ids}
    values = {key: tuple(sorted(v for v in column if v is not None)) for key, column in found.items()}
    count = len(target_ids) * (len(target_ids) - 1) // 2
    sign = -1.0 if by.is_more_better else 1.0
    pairs = tuple(
        Pair(first, second, compare(_common(found[first], found[second], sign), count))
        for first, second in itertools.combinations(target_ids, 2)
    )
    losses = {
        key: sum(1 for p in pairs if key in (p.first, p.second) and p.winner not in (None, key))
        for key in target_ids
    }
    with_value = [key for key in target_ids if values[key]]
    order = sorted(with_value, key=lambda key: (losses[key], sign * values[key][(len(values[key]) - 1) // 2]))
    silent = tuple(key for key in target_ids if not values[key])
    return Standings(by, tuple(order), silent, pairs, values)


def _value(round_: Round, target_id: str, by: Metric) -> float | None:
    result = round_.get(target_id)
    return by.of(result) if result is not None else None


def _common(
    first: Sequence[float | None], second: Sequence[float | None], sign: float
) -> list[tuple[float, float]]:
    return [
        (sign * a, sign * b) for a, b in zip(first, second, strict=True) if a is not None and b is not None
    ]


def short_names(targets: Sequence[Target]) -> dict[str, str]:
    """The model's name where no other target has it, else the whole id."""
    names = [target.name for target in targets]
    return {target.id: target.name if names.count(target.name) == 1 else target.id for target in targets}


def verdict(found: Standings, names: Mapping[str, str]) -> str:
    """One sentence in plain words, true at 95 % for all its claims together, whenever it is read."""
    clauses = [_front(found, names)] if found.order else ["None of them gave a usable answer"]
    if found.silent and found.order:
        clauses.append(f"{joined([names[key] for key in found.silent])} gave no usable answer")
    return "; ".join(clauses) + "."


def _front(found: Standings, names: Mapping[str, str]) -> str:
    leader, *others = found.order
    if not others:
        return f"Only {names[leader]} answered: {_estimate(found, leader)}"
    beaten = [key for key in others if found.pair(leader, key).winner == leader]
    level = [key for key in others if key not in beaten]
    if not beaten:
        return _level(found, names, leader, level)
    words = _WORDS[found.by]
    what = words.leads if not level else f"{words.before} {joined([names[key] for key in beaten])}"
    against = joined([f"{names[key]}'s {_estimate(found, key)}" for key in beaten])
    clauses = [f"{names[leader]} {what}: {_estimate(found, leader)} against {against}"]
    clauses += [_untold(found, names, key, leader) for key in level]
    for one, other in itertools.pairwise(beaten):
        if found.pair(one, other).winner is None:
            clauses.append(_untold(found, names, other, one))
    return "; ".join(clauses)


def _level(found: Standings, names: Mapping[str, str], leader: str, level: Sequence[str]) -> str:
    """Nobody is beaten by the front."""
    fewest = min(found.pair(leader, key).comparison.n for key in level)
    needed = rounds_needed(len(found.pairs))
    estimates = joined([_estimate(found, key) for key in (leader, *level)])
    everyone = joined([names[key] for key in (leader, *level)])
    if fewest < needed:
        early = f"Too early to tell {everyone} apart: {estimates} with n = {fewest}"
        return f"{early}; {needed} rounds are the fewest that can decide"
    if len(level) == 1:
        return f"{everyone} cannot be told apart: {estimates} with n = {fewest}"
    others = joined([names[key] for key in level], "or")
    return f"{names[leader]} cannot be told apart from {others}: {estimates} with n = {fewest}"


def _untold(found: Standings, names: Mapping[str, str], one: str, other: str) -> str:
    n = found.pair(one, other).comparison.n
    return f"{names[one]} ({_estimate(found, one)}) cannot be told from {names[other]} with n = {n}"


def _estimate(found: Standings, key: str) -> str:
    return estimate_text(found.values[key], found.by)


def margin(found: Standings, names: Mapping[str, str]) -> str | None:
    """By how much the first is ahead of the second; None where that is not clear."""
    if len(found.order) < 2:
        return None
    leader, second = found.order[:2]
    seen = found.seen_from(leader, second)
    if not seen.is_first_clear or seen.interval is None:
        return None
    lead, low, high = (
        value_text(value, found.by, with_unit=value is seen.difference)
        for value in (seen.difference, seen.interval.low, seen.interval.high)
    )
    wins = f"in {seen.first_ahead} of {seen.n} rounds"
    return f"{names[leader]} was ahead of {names[second]} {wins}, in the median one by {lead} [{low}-{high}]."
