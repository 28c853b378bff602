"""Is every class of software described with figures that can be?"""

from __future__ import annotations

import pytest

from planner.framework import load_frameworks
from planner.recipe import AdapterTargets, Job, Recipe
from planner.software import Ran, Software, Variant, load_software, software_called

EVERY = pytest.mark.parametrize("software", load_software().values(), ids=lambda item: item.name)


@EVERY
def test_operations_keep_what_tensors_can_take(software: Software) -> None:
    """A norm keeps 16 bits to one and a half float32, a logit two bytes to five copies, a gate two or three rows."""
    for operations in (software.operations, software.as_compiled().operations):
        assert 2 <= operations.norm_bytes <= 6
        assert operations.gated_rows in (2, 3)
        assert 8 <= operations.logits_bytes <= 18
        assert 0 <= operations.chunked_logits_bytes <= 4
        assert 2 <= operations.score_bytes <= 10


@EVERY
def test_adapters_and_steps_take_what_they_can(software: Software) -> None:
    """Adapters take 8 bytes a parameter in 16 bits up to 16 in float32; a step's copies are one or two float32."""
    adapting, stepping = software.adapting, software.stepping
    assert 8 <= adapting.weight_bytes + adapting.gradient_bytes + adapting.state_bytes <= 16
    assert 2 <= adapting.dropped_bytes <= 3
    assert 2 <= adapting.packed_input_bytes <= 4
    assert AdapterTargets(adapting.targets)
    assert 0 <= stepping.step_bytes <= 4
    assert 0 <= stepping.shard_bytes <= 6
    assert stepping.extra_in_flight in (0, 1)
    assert 0 <= stepping.bucket_elements <= 10**9
    assert 0 <= stepping.further_communicators <= 8
    assert 0 <= adapting.copy_step_bytes <= 4


@EVERY
def test_narrow_products_keep_narrow_tensors(software: Software) -> None:
    """Copies of a weight take at most twice its byte with a scale, a kept input less than 16 bits."""
    for dtype, products in software.products.items():
        assert dtype in ("fp8", "mxfp8", "nvfp4")
        assert 0 < products.weight_copy_bytes <= 2.0625
        assert products.input_bytes is None or 0.5 < products.input_bytes < 2


@EVERY
def test_software_is_sourced_and_belongs_to_a_framework(software: Software) -> None:
    """Each class names its source, a training framework of the planner, and fields of a recipe that it changes."""
    assert software.source
    assert load_frameworks()[software.framework].job is Job.TRAINING
    assert all(hasattr(Recipe(), name) for changes in software.states.values() for name in changes)


def test_compiling_never_keeps_more() -> None:
    """torch.compile fuses: what it changes keeps no more than eager operations do."""
    for software in load_software().values():
        eager, compiled = software.operations, software.as_compiled().operations
        assert compiled.norm_bytes <= eager.norm_bytes
        assert compiled.gated_rows <= eager.gated_rows
        assert compiled.logits_bytes <= eager.logits_bytes


def test_no_two_classes_go_by_one_name() -> None:
    """What measured files call a class names one class alone, in any case of letters."""
    names = [name for item in load_software().values() for name in {item.name, *item.names}]
    assert len(names) == len(set(names))
    for name in names:
        found = software_called(name.upper())
        assert found is not None
        assert name == found.name or name in found.names
    assert software_called("never heard of") is None


@pytest.mark.parametrize(
    ("run", "changed"),
    [
        (Ran(model="Llama"), set()),
        (Ran(model="Gemma-2-9b"), {"keeps_scores"}),
        (Ran(model="Llama", notes="as of release 2"), {"rank"}),
        (Ran(technique="qlora"), {"buckets"}),
        (Ran(technique="lora", sharding="zero2"), {"state"}),
        (Ran(technique="qlora", sharding="zero2", notes="Release 2"), {"buckets", "state", "rank"}),
    ],
)
def test_a_variant_applies_to_the_runs_that_it_names(run: Ran, changed: set[str]) -> None:
    """What differs does so for the models, techniques, shardings and notes that are named, and nowhere else."""
    software = Software(
        name="x",
        title="",
        framework="",
        source="",
        variants=(
            Variant(models=("gemma-2-",), operations={"keeps_scores": True}),
            Variant(notes="Release 2", adapting={"rank": 4}),
            Variant(techniques=("qlora",), stepping={"bucket_elements": 7}),
            Variant(shardings=("zero2",), adapting={"state_bytes": 12}),
        ),
    )
    found = software.of_run(run)
    differs = {
        "keeps_scores": found.operations.keeps_scores,
        "rank": found.adapting.rank == 4,
        "state": found.adapting.state_bytes == 12,
        "buckets": found.stepping.bucket_elements == 7,
    }
    assert {name for name, so in differs.items() if so} == changed
