"""What should a reader know of a layout that serves, before starting engines by it?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.framework import load_frameworks
from planner.plan import Candidate, Target
from planner.shape import ModelShape
from planner.workload import Workload
from pricing.instance_type import InstanceType


def serving_notes(workload: Workload, shape: ModelShape, chosen: Candidate, machine: InstanceType) -> Iterator[str]:
    """Sentences on replicas that share experts, and on prompts with replicas of their own."""
    if workload.inference is None:
        return
    layout, engine = chosen.layout, load_frameworks()[chosen.framework]
    fleet = workload.provision.target is Target.SERVING_FLEET
    if chosen.split:
        yield (
            "No stack starts or connects replicas for prompts and others for answers yet: a synth refuses this plan. "
            "inference.disaggregate: compare plans without."
        )
    if not fleet and (layout.data > 1 or layout.expert > 1):
        yield f"The stack starts no engine; {engine.title} is told this layout by: {engine.told(layout)}."
    several = machine.devices // layout.devices
    if fleet and shape.experts and several > 1:
        yield (
            f"Of a mixture of experts vLLM joins the {several} replicas of a node as data ranks: they share experts "
            "and wait for each other in each step, which the plan does not count. pin.layout.data plans them so."
        )
