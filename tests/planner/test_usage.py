"""Is what a plan uses beside its instances counted as the stack holds it, by hand?"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.recipe import Recipe
from planner.shape import ModelShape
from planner.surroundings import Use
from planner.usage import uses
from planner.workload import Workload
from pricing.price import Component
from tests.planner.builders import DENSE, LORA, SHAPES, ZERO1, adapter_parameters, examples, recipe
from tests.planner.market_builders import inference, training, workload

# Embedding and head 2 x 8192 x 512, the final norm 512; eight blocks of attention (2 x 512 x 512 for queries and
# output, 2 x 512 x 128 for keys and values), a gated MLP (3 x 512 x 1536) and two norms.
PARAMETERS = 2 * 8192 * 512 + 512 + 8 * (2 * 512 * 512 + 2 * 512 * 128 + 3 * 512 * 1536 + 2 * 512)
TRAIN = workload()
SERVE = workload(inference=inference())
PLAIN = recipe("bf16", of="vllm")


def by_name(asked: Workload, made: Recipe, shape: ModelShape = DENSE) -> dict[str, Use]:
    """The uses of a stack."""
    found = uses(asked, shape, made)
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def amounts(use: Use) -> tuple[float, float, float]:
    """Units whatever the nodes, per node, and once per node."""
    return use.fixed, use.per_node, use.once_per_node


def test_a_training_uses_what_its_stack_holds() -> None:
    """Volumes, checkpoints, one gateway with its address, what comes in through it, monitoring and flow logs."""
    assert DENSE.parameters == PARAMETERS
    found = by_name(TRAIN, ZERO1)
    # A full-precision weight and two Adam states of four bytes each.
    checkpoint = PARAMETERS * (4 + 8)
    assert {name: (use.component, *amounts(use)) for name, use in found.items()} == {
        "root volumes": (Component.EBS_GP3_GIB_MONTH, 0, 300, 0),
        "checkpoints in S3": (Component.S3_STANDARD_GIB_MONTH, pytest.approx(2 * checkpoint / 2**30), 0, 0),
        # In parts of 8 MiB, twice an hour.
        "checkpoint uploads": (Component.S3_PUT_REQUEST, 2 * math.ceil(checkpoint / (8 * 2**20)), 0, 0),
        "NAT gateway": (Component.NAT_GATEWAY_HOUR, 1, 0, 0),
        "bytes through NAT": (Component.NAT_GATEWAY_GIB, 0, 0, 20),
        "public address": (Component.PUBLIC_ADDRESS_HOUR, 1, 0, 0),
        "detailed monitoring": (Component.METRIC_MONTH, 0, 7, 0),
        "flow logs": (Component.LOGS_INGESTED_GIB, 0, 0.001, 0),
        "custom metrics": (Component.METRIC_MONTH, 8, 4, 0),
        "alarms": (Component.ALARM_MONTH, 1, 0, 0),
        "dashboard": (Component.DASHBOARD_MONTH, 1, 0, 0),
    }


def test_a_service_keeps_its_weights_and_no_checkpoints() -> None:
    """A served model has one copy of its weights in S3, at the precision that it is served in."""
    found = by_name(SERVE, PLAIN)
    assert set(found) == {
        "root volumes",
        "weights in S3",
        "NAT gateway",
        "bytes through NAT",
        "public address",
        "detailed monitoring",
        "flow logs",
        "custom metrics",
        "alarms",
        "dashboard",
    }
    assert amounts(found["weights in S3"]) == pytest.approx((2 * PARAMETERS / 2**30, 0, 0))
    quantized = by_name(SERVE, recipe("int8-weights", of="vllm"))["weights in S3"].fixed
    # Embeddings and head stay in 16 bits.
    assert 2 * 2 * 8192 * 512 < quantized * 2**30 < 2 * PARAMETERS


@pytest.mark.parametrize(("size", "volume_gib"), [("100GiB", 100), ("1TiB", 1024), ("1GB", 1)])
def test_volumes_are_as_large_as_asked_for(size: str, volume_gib: int) -> None:
    """A node has its root volume in whole GiB, as EBS sells it."""
    found = by_name(workload(provision={"storage": {"root_volume": size}}), ZERO1)
    assert amounts(found["root volumes"]) == (0, volume_gib, 0)
    assert f"{volume_gib:,} GiB" in found["root volumes"].basis


@pytest.mark.parametrize(
    ("made", "bytes_each"),
    [
        (recipe("bf16", "adamw", "zero1"), 4 + 8),
        # Where no copy in full precision is kept, the weights themselves are the best.
        (recipe("fp32", "adamw", "replicated"), 4 + 8),
        (recipe("bf16", "adamw-8bit", "fsdp", of="torchtitan"), 4 + 2.03125),
    ],
    ids=["mixed", "full precision", "8-bit states"],
)
def test_a_checkpoint_is_what_a_run_goes_on_from(made: Recipe, bytes_each: float) -> None:
    """Every trained weight once at its best precision, with the optimizer's states."""
    assert by_name(TRAIN, made)["checkpoints in S3"].fixed == pytest.approx(2 * PARAMETERS * bytes_each / 2**30)


@pytest.mark.parametrize(
    ("techniques", "inside", "ends"),
    [
        (("muon",), 4 + 4, 4 + 8),
        (("adafactor",), 4 + 4 * 9472 / 3_014_656, 4 + 4 * (8192 + 512) / (8192 * 512)),
        # A quarter of the blocks, and the head with its norm.
        (("adamw", "frozen-layers"), 12 / 4, 12 * DENSE.head_parameters / (PARAMETERS - DENSE.block_parameters)),
    ],
    ids=["muon", "adafactor", "frozen"],
)
def test_a_checkpoint_has_what_the_optimizer_keeps(techniques: tuple[str, ...], inside: float, ends: float) -> None:
    """Momentum inside and AdamW at the ends, rows and columns, or the states of what is trained alone."""
    made = recipe("bf16", "replicated", *techniques, of="huggingface")
    size = inside * DENSE.block_parameters + ends * (PARAMETERS - DENSE.block_parameters)
    assert by_name(TRAIN, made)["checkpoints in S3"].fixed == pytest.approx(2 * size / 2**30)


def test_adapters_leave_the_frozen_model_out() -> None:
    """The checkpoint of a LoRA has its adapters alone, so that it is one part and not forty-seven."""
    asked = workload(training=training(method="lora", framework="huggingface"))
    found = by_name(asked, recipe("bf16", "adamw", "replicated", of="huggingface", adapter=LORA))
    size = adapter_parameters(DENSE, LORA) * (4 + 8)
    assert found["checkpoints in S3"].fixed == pytest.approx(2 * size / 2**30)
    assert found["checkpoint uploads"].fixed == 2 * 1
    assert by_name(TRAIN, ZERO1)["checkpoint uploads"].fixed == 2 * 47


@examples
@given(shape=st.sampled_from(SHAPES), asked=st.sampled_from([TRAIN, SERVE]))
def test_every_use_has_an_amount_and_says_how_it_was_counted(shape: ModelShape, asked: Workload) -> None:
    """No use is of nothing or of less, and each says where its amount is from."""
    for each in uses(asked, shape, ZERO1 if asked.training else PLAIN):
        assert min(amounts(each)) >= 0 < sum(amounts(each))
        assert math.isfinite(sum(amounts(each)))
        assert each.basis


def test_what_was_assumed_is_called_assumed() -> None:
    """Amounts that depend on a job's habits are told from those that stand in the stack."""
    assumed = {name for name, use in by_name(TRAIN, ZERO1).items() if "assumed" in use.basis}
    assert assumed == {"checkpoints in S3", "checkpoint uploads", "bytes through NAT", "flow logs"}


@pytest.mark.parametrize(
    ("throughput", "component"),
    [
        (125, Component.FSX_LUSTRE_PERSISTENT_125_GIB_MONTH),
        (250, Component.FSX_LUSTRE_PERSISTENT_250_GIB_MONTH),
        (500, Component.FSX_LUSTRE_PERSISTENT_500_GIB_MONTH),
        (1000, Component.FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH),
    ],
)
def test_a_file_system_is_paid_by_its_size_and_throughput(throughput: int, component: Component) -> None:
    """Each throughput has its own price for a GiB."""
    asked = workload(provision={"storage": {"file_system": {"capacity": "9600GiB", "throughput": throughput}}})
    found = by_name(asked, ZERO1)["FSx for Lustre"]
    assert (found.component, *amounts(found)) == (component, 9600, 0, 0)


def test_a_fleet_has_a_balancer_and_alarms_that_scale_it() -> None:
    """The target's own parts are in the sum: the load balancer, its capacity, and two alarms for each policy."""
    found = by_name(workload(inference=inference(), provision={"target": "serving-fleet"}), PLAIN)
    assert {"load balancer", "balancer capacity"} <= set(found)
    assert found["alarms"].fixed == 5


def test_what_is_not_built_is_not_paid() -> None:
    """A network that stands brings its own gateway; HyperPod's nodes have no monitoring of EC2's, nor an agent."""
    given = {"vpc": "vpc-0123456789abcdef0", "subnet": "subnet-0123456789abcdef0"}
    joining = set(by_name(workload(provision={"existing": given}), ZERO1))
    assert not {"NAT gateway", "bytes through NAT", "public address", "flow logs"} & joining
    managed = by_name(workload(provision={"target": "hyperpod-slurm"}), ZERO1)
    assert "detailed monitoring" not in managed and {"alarms", "dashboard"} <= managed.keys()
    assert (managed["custom metrics"].fixed, managed["custom metrics"].per_node) == (8, 0)
