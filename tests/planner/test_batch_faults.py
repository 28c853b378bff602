"""Is what a batch job cannot have told, field by field, and what a service cannot?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.batch_faults import batch_faults
from planner.contradictions import contradictions
from tests.planner.market_builders import inference, workload


def batch(**changes: Any) -> dict[str, Any]:
    """An inference section whose load is a batch."""
    return inference(requests_per_second=None, requests=1000, **changes)


@pytest.mark.parametrize(
    ("sections", "field", "says"),
    [
        ({"inference": batch(ttft="1s")}, "inference.ttft", "nobody waits"),
        ({"inference": batch(tpot="1s")}, "inference.tpot", "limits.deadline bounds it all"),
        ({"inference": batch(fleet={"headroom": 0.2})}, "inference.fleet", "no hours and spares nothing"),
        (
            {"inference": batch(), "index": {"method": "flat", "vectors": "1M", "dimensions": 8}},
            "index",
            "a batch job ends",
        ),
        ({"inference": batch(), "provision": {"target": "serving-fleet"}}, "provision.target", "goes on serving"),
        ({"inference": inference(engine="flexgen")}, "inference.engine", "give inference.requests"),
        ({"inference": inference(), "limits": {"deadline": "1d"}}, "limits.deadline", "a service has no end"),
    ],
)
def test_what_does_not_go_together_is_told(sections: dict[str, Any], field: str, says: str) -> None:
    """Each contradiction names its field and what to change."""
    found = {".".join(map(str, path)): text for path, text in batch_faults(workload(**sections))}
    assert says in found[field]


def test_a_batch_job_has_a_deadline() -> None:
    """Nothing speaks against a deadline and a budget of a batch job."""
    asked = workload(inference=batch(), limits={"deadline": "2d", "budget": 100})
    assert not contradictions(asked)
    assert asked.ends
    assert not workload(inference=inference()).ends


@pytest.mark.parametrize("more", [{"requests_per_second": 3}, {"concurrency": 3}])
def test_one_load_is_given(more: dict[str, Any]) -> None:
    """A batch beside a rate or requests in flight is told."""
    section = {**inference(requests_per_second=None), "requests": 1000, **more}
    assert any("give exactly one" in each.says for each in contradictions(workload(inference=section)))
