"""Sparse logarithmic histograms: mergeable counts whose quantiles are within RELATIVE_ERROR of the value.

Bucket i holds the values in (GAMMA**(i-1), GAMMA**i]. With GAMMA = (1+e)/(1-e) the point 2*GAMMA**i/(GAMMA+1) is
within a fraction e of every value of its bucket (the mapping of DDSketch, VLDB 2019). At e = 0.01 GAMMA is 1.0202,
so that the nine decades from 1 us to 1000 s need about 1040 buckets, of which a target ever fills a few dozen.
"""

import math
from collections.abc import Iterable
from typing import Final

from probes.domain.rollup import Buckets

RELATIVE_ERROR: Final = 0.01
GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
SMALLEST: Final = (
    1e-6  # values below share one bucket: a clock that reads zero must not need a bucket at -infinity
)
LARGEST: Final = 1e12

_LOG_GAMMA: Final = math.log(GAMMA)


def bucket_of(value: float) -> int:
    """The bucket of a value; values outside SMALLEST..LARGEST are counted at the limit. Raises ValueError on NaN."""
    if math.isnan(value):
        raise ValueError("NaN has no bucket")
    return math.ceil(math.log(min(max(value, SMALLEST), LARGEST)) / _LOG_GAMMA)


def value_of(bucket: int) -> float:
    """The value that stands for a bucket, at most RELATIVE_ERROR off each of its members."""
    return 2 * GAMMA**bucket / (GAMMA + 1)


def histogram_of(values: Iterable[float]) -> dict[int, int]:
    buckets: dict[int, int] = {}
    for value in values:
        bucket = bucket_of(value)
        buckets[bucket] = buckets.get(bucket, 0) + 1
    return buckets


def merge(histograms: Iterable[Buckets]) -> dict[int, int]:
    """The histogram of all values together; exact, whatever the order."""
    merged: dict[int, int] = {}
    for buckets in histograms:
        if not merged:
            merged.update(buckets)
            continue
        for bucket, count in buckets.items():
            merged[bucket] = merged.get(bucket, 0) + count
    return merged


def quantile(buckets: Buckets, q: float) -> float | None:
    """The q-quantile (0 <= q <= 1) by nearest rank, within RELATIVE_ERROR; None for an empty histogram."""
    if not 0 <= q <= 1:
        raise ValueError(f"q must lie in 0..1, not {q}")
    total = sum(buckets.values())
    rank = max(1, math.ceil(q * total - 1e-9))  # 0.07 * 100 is 7.000000000000001
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return value_of(bucket)
    return None
