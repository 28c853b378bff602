"""Do the frameworks' files name things that exist, and leave no accelerator without software?"""

from __future__ import annotations

from collections import Counter

import pytest

from planner.calibration import load_calibration
from planner.framework import Framework, load_frameworks
from planner.layout import Layout
from planner.recipe import Group, Job, Recipe
from planner.techniques import load_techniques
from planner.workload import Method
from pricing.catalog import find_accelerator, load_accelerators

EVERY = pytest.mark.parametrize("framework", load_frameworks().values(), ids=lambda item: item.name)
TRAINING = [item for item in load_frameworks().values() if item.job is Job.TRAINING]
DEGREES = set(Layout.__struct_fields__) - {"micro_batch", "micro_batches"}


@EVERY
def test_every_technique_exists(framework: Framework) -> None:
    """A framework offers techniques that are known, and for the job that it does."""
    known = load_techniques()
    assert framework.techniques <= known.keys()
    assert all(framework.job in known[name].jobs for name in framework.techniques)


@EVERY
def test_every_name_is_known(framework: Framework) -> None:
    """Degrees, methods, vendors and states are those that the planner knows."""
    assert framework.degrees <= DEGREES
    assert framework.methods <= set(Method)
    assert framework.default_methods <= framework.methods
    assert framework.vendors <= {chip.vendor for chip in load_accelerators().values()}
    assert framework.states.keys() <= set(Recipe.__struct_fields__)
    assert framework.source and framework.title


@pytest.mark.parametrize("framework", TRAINING, ids=lambda item: item.name)
def test_training_answers_every_question(framework: Framework) -> None:
    """Training software has a precision, an optimizer, a sharding and a recompute policy to choose."""
    groups = {load_techniques()[name].group for name in framework.techniques}
    assert groups >= {Group.PRECISION, Group.OPTIMIZER, Group.SHARDING, Group.RECOMPUTE}
    assert "data" in framework.degrees


@pytest.mark.parametrize("framework", TRAINING, ids=lambda item: item.name)
def test_methods_have_their_techniques(framework: Framework) -> None:
    """Software that does LoRA offers adapters, and for QLoRA a 4-bit base."""
    assert (Method.LORA in framework.methods) <= ("lora" in framework.techniques)
    assert (Method.QLORA in framework.methods) <= ("nf4" in framework.techniques)


@EVERY
def test_pipelines_combine_with_sharding_that_is_offered(framework: Framework) -> None:
    """What a pipeline combines with is sharding that the framework has, and some where it has pipelines to train."""
    known = load_techniques()
    assert framework.piped_sharding <= framework.techniques
    assert all(known[name].group is Group.SHARDING for name in framework.piped_sharding)
    assert bool(framework.piped_sharding) is ("pipeline" in framework.degrees and framework.job is Job.TRAINING)


@pytest.mark.parametrize(("vendor", "methods"), [("NVIDIA", set(Method)), ("AWS", set(Method) - {Method.QLORA})])
def test_every_method_has_one_default(vendor: str, methods: set[Method]) -> None:
    """A workload that names no framework finds exactly one for its method on each vendor's accelerators."""
    defaults = Counter(method for item in TRAINING if vendor in item.vendors for method in item.default_methods)
    assert defaults == Counter({method.value: 1 for method in methods})


@pytest.mark.parametrize("vendor", ["NVIDIA", "AWS"])
def test_every_vendor_has_an_engine(vendor: str) -> None:
    """Each vendor's accelerators have exactly one engine to serve with where a workload names none."""
    engines = [item for item in load_frameworks().values() if item.job is Job.INFERENCE and not item.by_name_only]
    assert sum(vendor in item.vendors for item in engines) == 1


@EVERY
def test_accelerators_and_rates_are_known(framework: Framework) -> None:
    """An engine's accelerators are in the catalog, and it offers what it says needs a rate."""
    assert (framework.accelerators or frozenset()) <= load_accelerators().keys()
    assert framework.needs_rate.keys() <= framework.techniques


@EVERY
def test_every_framework_is_calibrated(framework: Framework) -> None:
    """Each framework has time factors for an accelerator that nobody measured, and its vendors memory factors."""
    calibration = load_calibration()
    if framework.job is Job.INFERENCE:
        assert "default" in calibration.serving[framework.name]
    else:
        assert "default" in calibration.time[framework.software.name]
    assert framework.vendors <= calibration.memory.keys()


@EVERY
def test_states_are_plausible(framework: Framework) -> None:
    """Gradients are 16 or 32 bits wide (none in serving), a logit costs at least its 16 bits and float32 copies."""
    plain = framework.plain_recipe()
    if framework.job is Job.INFERENCE:
        assert plain.gradient_bytes == plain.master_bytes == plain.optimizer_bytes == 0
    else:
        assert plain.gradient_bytes in (2, 4)
        assert 2 + 4 + 4 <= framework.software.operations.logits_bytes <= 2 + 4 * 4


@pytest.mark.parametrize(
    ("name", "accelerator", "runs"),
    [
        ("megatron", "H100-80GB", True),
        ("megatron", "Trainium1", False),
        ("neuron", "Trainium1", True),
        ("vllm", "T4", True),
        ("neuron-serving", "H100-80GB", False),
        ("vllm", "Gaudi1", False),
        ("tensorrt-llm", "H200", True),
        ("tensorrt-llm", "L4", False),
        ("sglang", "L4", True),
        ("sglang", "V100-16GB", False),
        ("tgi", "A10G", True),
        ("tgi", "B200", False),
    ],
)
def test_software_runs_on_its_vendors_accelerators(name: str, accelerator: str, runs: bool) -> None:
    """CUDA software runs on NVIDIA's accelerators, Neuron's on AWS's, and none on the others."""
    assert load_frameworks()[name].runs_on(find_accelerator(accelerator)) is runs
