"""Which instance types does SageMaker HyperPod have, and what of its own does a cluster of it need?"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import yaml

# The controller schedules and computes nothing, which the smallest general type with enough memory for Slurm's
# database does; the same type is the entrance of the users.
CONTROLLER_TYPE = "m5.xlarge"
CONTROL_NODES = 2


@cache
def hyperpod_types() -> frozenset[str]:
    """The accelerated instance types that a HyperPod cluster takes, by their EC2 names."""
    text = files("planner").joinpath("data/hyperpod.yaml").read_text(encoding="utf-8")
    families = yaml.load(text, Loader=yaml.CSafeLoader)
    return frozenset(f"{family}.{size}" for family, sizes in families.items() for size in sizes)
