"""How many tokens a probe used, who says so, and what they cost. Pure."""

from dataclasses import dataclass

from probes.domain.result import TokensSource
from probes.domain.target import Prices
from probes.prober.events import Generated
from probes.prober.judgement import Answer

_PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Tokens:
    """Counts as recorded; `streamed` are those whose arrival was seen."""

    input: int | None = None
    output: int | None = None
    reasoning: int | None = None
    cached: int | None = None
    streamed: int | None = None
    source: TokensSource | None = None


def count_tokens(answer: Answer, chunks: int) -> Tokens:
    """The server's own counts; generated chunks stand in where it counts none beside real output."""
    usage = answer.usage
    input_tokens = (
        usage.whole_input_tokens or None
    )  # no request has 0: some servers send zeros instead of nothing
    if not usage.output_tokens and chunks:
        return Tokens(
            input=input_tokens,
            output=chunks,
            cached=usage.cached_tokens if input_tokens else None,
            streamed=chunks,
            source=TokensSource.CHUNKS,
        )
    output, reasoning = usage.output_tokens, usage.reasoning_tokens
    is_hidden = Generated.REASONING not in answer.kinds
    return Tokens(
        input=input_tokens,
        output=output,
        reasoning=reasoning,
        cached=usage.cached_tokens,
        streamed=max(0, output - (reasoning or 0)) if output is not None and is_hidden else output,
        source=TokensSource.USAGE if output is not None else None,
    )


def cost(tokens: Tokens, prices: Prices) -> float | None:
    """In the operator's currency; None where a price is unknown or the server did not count.

    Cached input without a price of its own is charged as input; reasoning is part of the output.
    """
    if tokens.source is not TokensSource.USAGE or tokens.input is None or tokens.output is None:
        return None
    if prices.input_per_million is None or prices.output_per_million is None:
        return None
    cached = min(tokens.cached or 0, tokens.input)
    cached_price = prices.cached_input_per_million
    cached_price = prices.input_per_million if cached_price is None else cached_price
    spent = (
        (tokens.input - cached) * prices.input_per_million
        + cached * cached_price
        + tokens.output * prices.output_per_million
    )
    return spent / _PER_MILLION
