"""Does a simulated batch say in words and in JSON whether the formula agrees?"""

from __future__ import annotations

import json

import pytest

from planner.simulated import Compared
from planner.simulated_batch import TIME_TOLERANCE, SimulatedBatch, batch_verdict


def simulated(analytic_s: float, simulated_s: float) -> SimulatedBatch:
    """A batch whose formula and simulation took so long."""
    time = Compared(name="time", unit="s", analytic=analytic_s, simulated=simulated_s, tolerance=TIME_TOLERANCE)
    return SimulatedBatch(
        requests=100,
        of_requests=1000,
        whole_s=(10 * analytic_s, 10 * simulated_s),
        replicas=2,
        in_flight=8,
        work_s=simulated_s,
        output_tokens_per_s=50.0,
        answered_s=(1.0, 2.0, 3.0),
        preemptions=0,
        how="made up",
        compared=(time,),
    )


@pytest.mark.parametrize(("analytic_s", "agrees"), [(100, True), (114, True), (86, True), (116, False), (84, False)])
def test_a_verdict_is_of_the_tolerance(analytic_s: float, agrees: bool) -> None:
    """Within 15 % the two agree; beyond, the figure that does not is named with how far it is off."""
    (sentence,) = batch_verdict(simulated(analytic_s, 100))
    assert (sentence == "The formula and the simulation agree.") is agrees
    if not agrees:
        assert sentence.startswith(f"time: the formula says {analytic_s / 100:.2f} times") and "15%" in sentence


def test_json_says_what_words_say() -> None:
    """Every figure, with the ratio and the verdict on each comparison, as plain data."""
    found = simulated(150, 100)
    told = json.loads(json.dumps(found.as_json()))
    assert told["compared"][0]["ratio"] == 1.5 and told["compared"][0]["agrees"] is False
    assert told["verdict"] == list(batch_verdict(found))
    assert (told["requests"], told["answered_s"]) == (100, [1.0, 2.0, 3.0])
