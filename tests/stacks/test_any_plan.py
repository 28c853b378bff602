"""Does whatever the planner plans come out as a stack that keeps every rule?"""

from __future__ import annotations

from collections.abc import Sequence
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
from tools.targets import CERTIFICATE, HELD, result

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ZONE = "use1-az6"
CLUSTER = {
    "eks_cluster": "research",
    "vpc": "vpc-0123456789abcdef0",
    "subnet": "subnet-0123456789abcdef0",
    "security_group": "sg-0123456789abcdef0",
}
SERVING = {"weights": "s3://my-models/any", "certificate": CERTIFICATE.format(region="us-east-1")}
PLACED: dict[Target, dict[str, Any]] = {
    Target.EKS_NODES: {"zone": ZONE, "existing": CLUSTER},
    Target.SERVING_FLEET: {"serving": SERVING},
}
TRAINED = {"tokens": "50M", "sequence_length": 1024, "global_batch": 16}
ASKED = {"input_tokens": 512, "output_tokens": 128}
DAY = [0.2] * 12 + [1.0] * 12
REFUSED = "refused by the planner"
FLEETS: tuple[dict[str, Any], ...] = (
    {},
    {"spare": "node"},
    {"spare": "zone"},
    {"spot_share": 0.5},
    {"profile": DAY},
)
# A reservation holds one type; of the slices, one is sold as such and one is cut at boot.
PINS: tuple[dict[str, Any], ...] = ({}, {}, {}, {"instance_type": "p4d.24xlarge"}, {"instance_type": "g6f.2xlarge"})
HELD_TYPES = ("p4d.24xlarge", "p5.48xlarge")
TERMS: tuple[tuple[list[str], dict[str, Any]], ...] = (
    (["on-demand"], {}),
    (["spot"], {}),
    (["on-demand", "spot"], {}),
    (["on-demand"], {"reservation": HELD, "zone": ZONE}),
    (["on-demand"], {"reservation": "open", "zone": ZONE}),
    (["capacity-block"], {"reservation": HELD, "zone": ZONE}),
)
FURTHER: tuple[dict[str, Any], ...] = ({}, {"time_to_live": "7d"}, {"storage": {"lifecycle": "persistent"}})


def workload(draw: st.DrawFn, job: dict[str, Any], targets: Sequence[Target | None]) -> dict[str, Any]:
    """A job of a small or a large model, on any of the targets, on any terms."""
    target = draw(st.sampled_from(targets))
    provision: dict[str, Any] = {"target": str(target), **PLACED.get(target, {})} if target else {}
    purchase, reserved = draw(st.sampled_from(TERMS))
    pin = {"instance_type": draw(st.sampled_from(HELD_TYPES))} if reserved else draw(st.sampled_from(PINS))
    cut: list[dict[str, Any]] = [{"mig": "1g.10gb"}] if pin.get("instance_type") in HELD_TYPES else []
    further = draw(st.sampled_from([*FURTHER, *cut]))
    return {
        "name": "any",
        "model": draw(st.sampled_from(["llama-3.2-1b", "llama-3.1-8b", "llama-2-13b", "llama-3.1-70b"])),
        **job,
        "pin": pin,
        "limits": {"purchase": purchase, "max_nodes": draw(st.sampled_from([1, 4, 16])), "regions": ["us-east-1"]},
        "provision": {**provision, **reserved, **further},
    }


@st.composite
def trained(draw: st.DrawFn) -> dict[str, Any]:
    """A model that is trained, on any target but a fleet."""
    method = draw(st.sampled_from(["qlora", "lora", "full", "pretrain"]))
    targets = [None, *(each for each in Target if each is not Target.SERVING_FLEET)]
    return workload(draw, {"training": {"method": method, **TRAINED}}, targets)


@st.composite
def served(draw: st.DrawFn) -> dict[str, Any]:
    """A model that serves, as a service or a batch of requests, whole or on slices of GPUs, on any target."""
    rate = draw(st.sampled_from([{"requests_per_second": 2}, {"requests_per_second": 20}, {"requests": 10_000}]))
    fleet = draw(st.sampled_from(FLEETS))
    job = {**ASKED, **rate, **({"fleet": fleet} if fleet else {})}
    fleets_first = [Target.SERVING_FLEET, None, Target.EKS_NODES, Target.SINGLE_INSTANCE, Target.HYPERPOD_SLURM]
    return workload(draw, {"inference": job}, fleets_first)


def outcome(asked: dict[str, Any]) -> str:
    """What comes of a workload: that of its stack, or that the planner refuses it with a reason."""
    with TemporaryDirectory() as folder:
        file = Path(folder, "any.yaml")
        file.write_text(yaml.safe_dump(asked), encoding="utf-8")
        try:
            build = decide(load_workload(file), load_calibration(), NOW, Prices.BUNDLED).build
        except BerthError as refused:
            assert refused.findings and all(refused.findings)
            return REFUSED
    return result(build)


ROUNDS = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@ROUNDS
@given(trained())
def test_any_plan_that_trains_is_a_stack_that_keeps_the_rules(asked: dict[str, Any]) -> None:
    """What the planner decides on is synthesized and breaks no rule of severity error; what it cannot is a reason."""
    assert outcome(asked) in ("ok", REFUSED)


@ROUNDS
@given(served())
def test_any_plan_that_serves_is_a_stack_that_keeps_the_rules(asked: dict[str, Any]) -> None:
    """Services and batches, fleets and slices too, are synthesized and keep the rules, or are refused with a reason."""
    assert outcome(asked) in ("ok", REFUSED)
