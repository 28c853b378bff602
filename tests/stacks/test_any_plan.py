"""Does whatever the planner plans come out as a stack that keeps every rule?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.calibration import load_calibration
from planner.decide import decide
from planner.load import load_workload
from planner.plan import Target
from pricing.basis import Prices
from pricing.errors import BerthError
from tools.targets import result

NOW = datetime(2026, 9, 1, tzinfo=UTC)
CLUSTER = {
    "eks_cluster": "research",
    "vpc": "vpc-0123456789abcdef0",
    "subnet": "subnet-0123456789abcdef0",
    "security_group": "sg-0123456789abcdef0",
}
PLACED: dict[Target, dict[str, Any]] = {Target.EKS_NODES: {"zone": "use1-az6", "existing": CLUSTER}}
TRAINED = {"tokens": "50M", "sequence_length": 1024, "global_batch": 16}


@st.composite
def asked(draw: st.DrawFn) -> dict[str, Any]:
    """A workload of a small or a large model, on any target but a fleet, on terms that need no reservation."""
    target = draw(st.sampled_from([None, *(each for each in Target if each is not Target.SERVING_FLEET)]))
    provision: dict[str, Any] = {"target": str(target), **PLACED.get(target, {})} if target else {}
    provision |= draw(st.sampled_from([{}, {"time_to_live": "7d"}, {"storage": {"lifecycle": "persistent"}}]))
    model = draw(st.sampled_from(["llama-3.2-1b", "llama-3.1-8b", "llama-2-13b", "llama-3.1-70b"]))
    method = draw(st.sampled_from(["qlora", "lora", "full", "pretrain"]))
    purchase = draw(st.sampled_from([["on-demand"], ["spot"]]))
    return {
        "name": "any",
        "model": model,
        "training": {"method": method, **TRAINED},
        "limits": {"purchase": purchase, "max_nodes": draw(st.sampled_from([1, 4, 16]))},
        "provision": provision,
    }


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(asked())
def test_any_plan_is_a_stack_that_keeps_the_rules(workload: dict[str, Any]) -> None:
    """What the planner decides on is synthesized and breaks no rule of severity error; what it cannot is a reason."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "any.yaml")
        file.write_text(yaml.safe_dump(workload), encoding="utf-8")
        try:
            loaded = load_workload(file)
            build = decide(loaded, load_calibration(), NOW, Prices.BUNDLED).build
        except BerthError as refused:
            assert all(refused.findings)
            return
    assert result(build) == "ok"
