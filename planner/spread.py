"""How are times spread of which a mean and a deviation are known?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import sqrt
from statistics import NormalDist

from msgspec import Struct

# Requests of one length would march in step; how much lengths differ is the workload's own, and this is assumed: the
# standard deviation over the mean.
USUAL_VARIATION = 0.25
QUANTILES: Mapping[str, float] = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


class Spread(Struct, frozen=True, kw_only=True):
    """A time over all requests. Seconds."""

    mean: float
    p50: float
    p95: float
    p99: float

    def named(self) -> Iterator[tuple[str, float]]:
        """Each figure with its name."""
        yield from (("mean", self.mean), ("p50", self.p50), ("p95", self.p95), ("p99", self.p99))


class Spreads(Struct, frozen=True, kw_only=True):
    """Time to the first token and time between tokens over all requests."""

    ttft: Spread
    tpot: Spread


def gamma_spread(mean_s: float, deviation_s: float, floor_s: float = 0.0) -> Spread:
    """The spread of a time that is never below `floor_s`: a gamma distribution of this mean and deviation above it.

    Its quantiles are those of Wilson and Hilferty (1931), within 1 % where the deviation is below the mean.
    """
    above = mean_s - floor_s
    if above <= 0.0 or deviation_s <= 0.0:
        return Spread(mean=mean_s, **dict.fromkeys(QUANTILES, mean_s))
    ninth = (deviation_s / above) ** 2 / 9
    normal = {name: NormalDist().inv_cdf(share) for name, share in QUANTILES.items()}
    found = {name: floor_s + above * max(1 - ninth + z * sqrt(ninth), 0.0) ** 3 for name, z in normal.items()}
    return Spread(mean=mean_s, **found)
