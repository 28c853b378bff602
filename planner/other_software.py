"""How much slower or faster would other software make the same step?

The recipe, the layout and the machine stay; only what the software reaches of their rates changes.
"""

from __future__ import annotations

import numpy as np

from planner.calibration import Calibration
from planner.framework import Framework, load_frameworks
from planner.layout import Layout
from planner.plan import Term
from planner.recipe import Group, Job, Recipe
from planner.shape import ModelShape
from planner.techniques import load_techniques
from planner.training_time import step_time
from pricing.instance_type import InstanceType

# Each framework has its own way to shard states, to recompute and to order a pipeline.
OWN = (Group.SHARDING, Group.RECOMPUTE, Group.SCHEDULE, Group.SEQUENCE)


def other_software(
    shape: ModelShape,
    recipe: Recipe,
    layout: Layout,
    sequence_tokens: int,
    machine: InstanceType,
    chosen: Framework,
    calibration: Calibration,
) -> tuple[Term, ...]:
    """A step's seconds in each other training framework that can run the layout on the machine, fastest first."""
    found = []
    for framework in load_frameworks().values():
        if framework.name == chosen.name or not _can_run(framework, recipe, layout, machine):
            continue
        factors = calibration.time_factors(framework.software.name, machine.accelerator.name)
        seconds = float(step_time(shape, recipe, layout, sequence_tokens, machine, factors).total)
        if np.isfinite(seconds):
            found.append(Term(name=framework.name, value=seconds))
    return tuple(sorted(found, key=lambda term: (term.value, term.name)))


def _can_run(framework: Framework, recipe: Recipe, layout: Layout, machine: InstanceType) -> bool:
    """Whether a training framework knows the accelerator, every kind of parallelism that the layout has, and all
    techniques but those that it has its own of."""
    used = {name for name in ("tensor", "pipeline", "virtual", "context", "expert") if getattr(layout, name) > 1}
    known = load_techniques()
    needed = {name for name in recipe.techniques if known[name].group not in OWN}
    able = used <= framework.degrees and needed <= framework.techniques
    return framework.job is Job.TRAINING and framework.runs_on(machine.accelerator) and able
