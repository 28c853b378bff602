"""When is a batch job done, request by request or block by block, and is that what the formula said?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from planner.simulated import Compared
from pricing.records import plain

# The formula has the mean of a full batch, the simulation each moment of it; of blocks the busiest of what goes on at
# once, where the simulation follows what waits for what.
TIME_TOLERANCE = 0.15


class SimulatedBatch(Struct, frozen=True, kw_only=True):
    """A replica's share of a batch job, after it has started. Seconds, tokens/s of all replicas.

    `requests` are those that were followed, of `of_requests` of the job; `whole_s` is what all of them take by the
    formula, and what they would at the simulated rate. `answered_s` is when half, 95 % and all of those followed are
    answered; None where a block is answered as one.
    """

    requests: int
    of_requests: int
    whole_s: tuple[float, float]
    replicas: int
    in_flight: int
    work_s: float
    output_tokens_per_s: float
    answered_s: tuple[float, float, float] | None
    preemptions: int
    how: str
    compared: tuple[Compared, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, with the verdict on each comparison."""
        compared = [{**plain(each), "ratio": each.ratio, "agrees": each.agrees} for each in self.compared]
        return {**plain(self), "compared": compared, "verdict": list(batch_verdict(self))}


def batch_verdict(found: SimulatedBatch) -> Iterator[str]:
    """What the comparison means, in sentences."""
    apart = [each for each in found.compared if not each.agrees]
    if not apart:
        yield "The formula and the simulation agree."
    for each in apart:
        yield (
            f"{each.name}: the formula says {each.ratio:.2f} times what the simulation does, more than "
            f"{each.tolerance:.0%} apart. Trust the simulation: it follows every step, the formula has a mean one."
        )
