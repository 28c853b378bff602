"""What does a plan use beside its instances: disks, buckets, gateways, logs, and how much of each?

Amounts are what the stack really holds. What depends on a job's habits is assumed, and each use says what.
"""

from __future__ import annotations

from functools import lru_cache

from planner.hyperpod import CONTROL_NODES
from planner.layout import Layout
from planner.moments import moment_bytes
from planner.plan import Lifecycle, Target
from planner.recipe import Recipe
from planner.resident import Stage, resident
from planner.shape import ModelShape
from planner.surroundings import Use, is_fleet, surroundings
from planner.workload import Workload
from pricing.price import Component
from pricing.records import replace
from pricing.units import GIB, MIB, show_bytes

# The last checkpoint and the one before it, since a write that fails must not leave none; one each half hour, so
# that a restart loses a quarter of an hour.
KEPT_CHECKPOINTS = 2
CHECKPOINT_INTERVAL_H = 0.5
# A checkpoint goes to S3 in parts; this is the AWS command line's own size.
PART_BYTES = 8 * MIB
# A container image with CUDA or Neuron and PyTorch, and packages, which each node fetches once.
SETUP_GIB_PER_NODE = 20
# A flow log is a line of some 120 bytes per connection and ten minutes, and a busy node has a thousand.
FLOW_LOG_GIB_PER_NODE_HOUR = 0.001


def uses(workload: Workload, shape: ModelShape, recipe: Recipe) -> tuple[Use, ...]:
    """What the stack of a workload uses beside its instances."""
    volume_gib = float(-(-workload.provision.storage.root_volume // GIB))
    beside = CONTROL_NODES if workload.provision.target is Target.HYPERPOD_SLURM else 0
    stored: tuple[Use, ...] = _checkpoints(shape, recipe) if workload.training else (_weights(shape, recipe),)
    if workload.provision.storage.lifecycle is Lifecycle.PERSISTENT and not is_fleet(workload):
        # The bucket, and all that is in it.
        stored = tuple(replace(each, survives=each.component is Component.S3_STANDARD_GIB_MONTH) for each in stored)
    return (
        Use(
            name="root volumes",
            component=Component.EBS_GP3_GIB_MONTH,
            fixed=volume_gib * beside,
            per_node=volume_gib,
            basis=f"{volume_gib:,.0f} GiB of gp3 a node" + (", its control nodes counted" if beside else ""),
        ),
        *stored,
        *(() if workload.provision.existing.vpc else _network()),
        *surroundings(workload),
    )


def _network() -> tuple[Use, ...]:
    """What a network of the stack's own uses; one that stands is paid for already."""
    return (
        Use(name="NAT gateway", component=Component.NAT_GATEWAY_HOUR, fixed=1, basis="one, in the nodes' zone"),
        Use(
            name="bytes through NAT",
            component=Component.NAT_GATEWAY_GIB,
            once_per_node=SETUP_GIB_PER_NODE,
            basis=f"{SETUP_GIB_PER_NODE} GiB of images and packages a node, assumed; S3 is reached without NAT",
        ),
        Use(name="public address", component=Component.PUBLIC_ADDRESS_HOUR, fixed=1, basis="the NAT gateway's"),
        Use(
            name="flow logs",
            component=Component.LOGS_INGESTED_GIB,
            per_node=FLOW_LOG_GIB_PER_NODE_HOUR,
            basis=f"{show_bytes(FLOW_LOG_GIB_PER_NODE_HOUR * GIB)} a node and hour, assumed",
        ),
    )


# A search asks for the same recipe on every machine.
@lru_cache(maxsize=256)
def checkpoint_bytes(shape: ModelShape, recipe: Recipe) -> float:
    """Bytes that a run goes on from: the trained weights at their best precision and the optimizer's states."""
    weight = max(recipe.master_bytes, recipe.block_weight_bytes)
    held, moments = resident(shape, Layout(), Stage.FIRST, recipe.adapter), moment_bytes(shape, recipe)
    if recipe.adapter:
        return float(held.adapter) * (weight + recipe.optimizer_bytes)
    inside = recipe.trained_share * float(held.dense + held.experts)
    ends = float(held.outer if recipe.trained_share == 1.0 else held.head)
    return inside * (weight + moments.inside) + ends * (weight + moments.ends)


def _checkpoints(shape: ModelShape, recipe: Recipe) -> tuple[Use, ...]:
    """What a run keeps in its bucket, and what writing it takes."""
    size = checkpoint_bytes(shape, recipe)
    return (
        Use(
            name="checkpoints in S3",
            component=Component.S3_STANDARD_GIB_MONTH,
            fixed=KEPT_CHECKPOINTS * size / GIB,
            basis=f"{KEPT_CHECKPOINTS} of {show_bytes(size)} kept, assumed",
        ),
        Use(
            name="checkpoint uploads",
            component=Component.S3_PUT_REQUEST,
            fixed=-(-size // PART_BYTES) / CHECKPOINT_INTERVAL_H,
            basis=f"one every {60 * CHECKPOINT_INTERVAL_H:.0f} min in parts of {show_bytes(PART_BYTES)}, assumed",
        ),
    )


def weights_bytes(shape: ModelShape, recipe: Recipe) -> float:
    """Bytes of one copy of the weights as they are served."""
    held = resident(shape, Layout(), Stage.FIRST, None)
    return float(held.dense + held.experts) * recipe.block_weight_bytes + float(held.outer) * recipe.outer_weight_bytes


def _weights(shape: ModelShape, recipe: Recipe) -> Use:
    size = weights_bytes(shape, recipe)
    return Use(
        name="weights in S3",
        component=Component.S3_STANDARD_GIB_MONTH,
        fixed=size / GIB,
        basis=f"one copy of {show_bytes(size)}",
    )
