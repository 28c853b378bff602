"""What is known of the factors of step times before any run, and what do they depend on?

Each factor is a sum of effects on a scale without bounds (log-odds of a share, logarithm of a quantity): one for all,
and one for what it depends on: the accelerator's generation, the family of software, the class, a class on a
generation. A prior says how far each effect reaches; without any row a factor lies at its centre.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct, field

from planner.calibration import TimeFactors
from planner.plan import Band
from planner.software import load_class
from pricing.records import replace

Effect = tuple[str, str]
"""A factor (or a group of them) and the level that it is for, e.g. ("matmul", "class torchtitan")."""
Pair = tuple[str, str]
"""A class of software and a generation of accelerators."""

# The generation of tensor cores, which decides how much of its peak a product reaches.
GENERATIONS: Mapping[str, tuple[str, ...]] = {
    "Ampere": ("A100-40GB", "A100-80GB", "A100-80GB-PCIe", "A800-80GB"),
    "Hopper": ("H100-80GB", "H100-96GB", "H200", "H800-80GB", "GH200", "H20"),
    "Blackwell": ("B200", "GB200", "B300", "GB300"),
    "Trainium": ("Trainium1", "Trainium2", "Trainium3"),
}
# Software that shares its way of working: classes of one family are drawn towards each other.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "Megatron": ("megatron-core", "megatron-deepspeed", "megatron-lm-2021"),
    "PyTorch": (
        "torchtitan",
        "llm-foundry",
        "deepspeed",
        "fsdp-qlora",
        "hf-peft",
        "hf-trainer",
        "litgpt",
        "ms-swift",
        "torchtune",
    ),
    "Neuron": ("neuron",),
}
# Ways to run a class that were measured: without torch.compile, and with products cut so that traffic hides.
VARIANTS = ("torchtitan-eager", "torchtitan-async")
# A 500 W board sustains about nine tenths of the clock that a 700 W one does (notes of pytorch/torchtitan's runs).
SUSTAINED = {"H100-96GB": 0.9}
# Cards of generations that were not measured are those of workstations and small servers, which power holds back.
# Assumed, not fitted: without it PEFT's published LoRA runs on L40S were predicted 1.4 times as fast as they were,
# Qwen's on A100 1.2 times; part of both is padding that neither page tells.
SUSTAINED_ELSEWHERE = 0.85
UNBANDED = Band(low=0.5, high=2.0, basis="not judged yet")


class Prior(Struct, frozen=True, kw_only=True):
    """What is known of a factor before any row. `centre` and `centres` (by class or generation) are values of it.

    A share lies between 0 and 1, other factors above `least`. `spread` maps a kind of level to how far its effects
    reach; `shared` names the group whose effects count too.
    """

    share: bool
    centre: float
    spread: Mapping[str, float]
    centres: Mapping[str, float] = field(default_factory=dict)
    shared: str = ""
    least: float = 0.0

    def value(self, effect: Any) -> Any:
        """The factor that effects add up to."""
        return 1 / (1 + np.exp(-effect)) if self.share else self.least + np.exp(effect)

    def place(self, value: float) -> float:
        """Where a value lies on the scale without bounds."""
        return float(np.log(value / (1 - value)) if self.share else np.log(value - self.least))


_MATMUL = {"generation": 0.2, "class": 0.2}
PRIORS: Mapping[str, Prior] = {
    # Sustained GEMM over the data sheet's peak: 600 to 750 of 989 TFLOP/s on H100, 250 of 312 on A100; block-scaled
    # types reach less, since what feeds them has not grown with their peak.
    "matmul.bf16": Prior(share=True, centre=0.72, spread=_MATMUL, shared="matmul"),
    "matmul.fp16": Prior(share=True, centre=0.72, spread=_MATMUL, shared="matmul"),
    "matmul.fp32": Prior(share=True, centre=0.72, spread={}, shared="matmul"),
    "matmul.tf32": Prior(share=True, centre=0.72, spread={}, shared="matmul"),
    "matmul.fp8": Prior(share=True, centre=0.6, spread=_MATMUL, shared="matmul"),
    "matmul.mxfp8": Prior(share=True, centre=0.55, spread=_MATMUL, shared="matmul"),
    "matmul.nvfp4": Prior(share=True, centre=0.45, spread=_MATMUL, shared="matmul"),
    "matmul": Prior(
        share=True,
        centre=0.5,
        spread={"all": 0.3, "generation": 0.3, "family": 0.15, "class": 0.1, "both": 0.35, "chip": 0.1},
    ),
    # FlashAttention-2 reaches 0.4 to 0.6 of the 16-bit peak forward, less backward (arXiv 2307.08691, figures 4 to 6).
    "attention": Prior(share=True, centre=0.4, spread={"all": 0.3, "generation": 0.4, "class": 0.4}),
    "attention_half": Prior(share=False, centre=500, spread={"all": 0.7}),
    # Scores written, scaled and masked, normalised, dropped out and read by the next product, in 16 bits.
    "score_bytes": Prior(share=False, centre=16, spread={"all": 0.5}),
    # A wave of tiles on 100 to 150 multiprocessors has 3 to 5 million outputs; a sum's first and last steps cost as
    # much as some tens of elements to a few hundred.
    "outputs_half": Prior(share=False, centre=1.5e6, spread={"all": 0.5, "generation": 0.5}),
    "depth_half": Prior(share=False, centre=100, spread={"all": 0.5, "generation": 0.4}),
    # 1 where every norm, residual and activation is fused as far as it goes; eager PyTorch reads and writes each twice.
    "traffic": Prior(
        share=False,
        least=1.0,
        centre=2.0,
        centres={"megatron-core": 1.1, "torchtitan": 1.2, "torchtitan-eager": 2.0, "neuron": 1.1},
        spread={"all": 0.3, "class": 0.4, "variant": 0.2},
    ),
    # 30 to 60 kernels a block forward at 5 to 10 microseconds of launch each; fewer where they are fused or compiled.
    "launch_s_per_block": Prior(
        share=False,
        centre=4e-4,
        centres={"megatron-core": 2e-4, "torchtitan": 2.5e-4, "megatron-lm-2021": 6e-4, "neuron": 1e-4},
        spread={"all": 0.3, "class": 0.4},
    ),
    # NCCL's bus bandwidth over the link's rate: 235 to 260 of 300 GB/s on A100, 360 to 370 of 450 on H100.
    "link": Prior(share=True, centre=0.78, spread={"all": 0.3}),
    # A class of software was measured on few clusters, whose networks differ more than software does: InfiniBand and
    # EFA reach three quarters of their rate, BLOOM's Omni-Path less than half.
    "network": Prior(share=True, centre=0.75, spread={"all": 0.3, "class": 1.0}),
    # Ranks also wait for each other at every hop, the longer the less evenly their software launches.
    "link_latency_s": Prior(share=False, centre=8e-6, spread={"all": 0.3, "class": 1.0}),
    # What a hop between nodes takes beyond one within.
    "network_latency_s": Prior(share=False, centre=1.2e-5, spread={"all": 0.4, "class": 0.3}),
    # DeepSpeed's pipeline engine and plain data parallelism reduce gradients when all of them are there.
    "data_overlap": Prior(
        share=True,
        centre=0.6,
        centres={"megatron-deepspeed": 0.05, "megatron-lm-2021": 0.05},
        spread={"all": 0.4, "class": 0.7},
    ),
    "tensor_overlap": Prior(
        share=True,
        centre=0.3,
        centres={
            "megatron-core": 0.5,
            "torchtitan": 0.05,
            "torchtitan-async": 0.7,
            "megatron-deepspeed": 0.05,
            "megatron-lm-2021": 0.05,
        },
        spread={"all": 0.4, "class": 0.6, "variant": 0.3},
    ),
    "pipeline_overlap": Prior(
        share=True,
        centre=0.3,
        centres={"megatron-core": 0.7, "megatron-deepspeed": 0.05, "megatron-lm-2021": 0.05},
        spread={"all": 0.4, "class": 0.6},
    ),
    "gather_overlap": Prior(share=True, centre=0.8, spread={"all": 0.4, "class": 0.6}),
    "straggling": Prior(share=False, centre=0.01, spread={"all": 0.4, "class": 0.5}),
    "step_s": Prior(share=False, centre=0.02, spread={"all": 0.4, "class": 0.5}),
}
# Networks are those of the clusters that a class was measured on, not its own.
OF_CLUSTERS = ("network", "network_latency_s")
# HBM's achieved share of its peak in copies, and tokens of the fullest expert rank over the mean: not fitted.
MEMORY, IMBALANCE = 0.85, 1.15
# Software whose products add to the sum of gradients themselves (Megatron-Core's gradient_accumulation_fusion, on by
# default); elsewhere autograd, or the copy into the buffer that is reduced, is a kernel of its own.
FUSES_GRADIENTS = ("megatron-core",)


def generation_of(chip: str) -> str:
    """The generation of an accelerator; empty where it has none that was measured."""
    return next((name for name, chips in GENERATIONS.items() if chip in chips), "")


def class_of(variant: str) -> str:
    """The class of software that a variant is one of."""
    return variant.removesuffix("-eager").removesuffix("-async")


def family_of(software: str) -> str:
    """The family of a class of software; empty where it stands alone."""
    return next((name for name, members in FAMILIES.items() if software in members), "")


def levels(variant: str, chip: str) -> Mapping[str, str]:
    """The level of each kind to which software on an accelerator belongs. `variant` is a class, or a way to run it."""
    generation = generation_of(chip)
    software = class_of(variant)
    return {
        "variant": f"variant {variant}",
        "all": "all",
        "generation": f"generation {generation}",
        "family": f"family {family_of(software)}",
        "class": f"class {software}",
        "both": f"{software} on {generation}",
        "chip": f"chip {chip}",
    }


def kind_of(level: str) -> str:
    """The kind of a level, by its name."""
    return "both" if " on " in level else level.partition(" ")[0]


@cache
def effects_of(name: str, software: str, chip: str) -> tuple[Effect, ...]:
    """The effects that make a factor of a class of software on an accelerator."""
    at = levels(software, chip)
    own = tuple((name, at[kind]) for kind in PRIORS[name].spread)
    shared = PRIORS[name].shared
    return own + (effects_of(shared, software, chip) if shared else ())


def pair_of(variant: str, chip: str) -> Pair:
    """The class of software and the generation of the accelerator, which are measured together or not."""
    return class_of(variant), generation_of(chip)


def factors_of(software: str, chip: str, effects: Mapping[Effect, Any]) -> TimeFactors:
    """The factors of a class of software on an accelerator under the effects; arrays where these are."""
    return _factors(software, chip, _places(software, chip, effects))


def inferred_factors(
    software: str, chip: str, effects: Mapping[Effect, float], measured: Mapping[Pair, float]
) -> TimeFactors:
    """The factors of a class of software on an accelerator, where `measured` pairs of class and generation have runs,
    the fastest of which used that share of the peak (MFU).

    Software that was measured on other generations alone stands where earlier releases of it, or else kindred software,
    stand on average on this one. No software is believed to be faster than the fastest on a generation where it was not
    measured.
    """
    own, places = pair_of(software, chip), _places(software, chip, effects)
    if own in measured:
        return _factors(software, chip, places)
    theirs = [_places(name, chip, effects) for name in stand_ins(*own, measured)]
    if theirs:
        there = {name: sum(each[name] for each in theirs) / len(theirs) for name in places}
        places = there | {name: places[name] for name in OF_CLUSTERS}
    most = max((share for (_, generation), share in measured.items() if generation == own[1]), default=1.0)
    return replace(_factors(software, chip, places), most_utilization=most)


def stand_ins(software: str, generation: str, measured: Collection[Pair]) -> list[str]:
    """Classes that stand for one that was measured on other generations alone: earlier releases of it that were on this
    one, or else kindred software that was."""
    if (software, generation) in measured or all(name != software for name, _ in measured):
        return []
    kindred = [name for name in FAMILIES.get(family_of(software), ()) if name != software]
    earlier = load_class(software).earlier
    there = [[name for name in names if (name, generation) in measured] for names in (earlier, kindred)]
    return there[0] or there[1]


def _places(software: str, chip: str, effects: Mapping[Effect, Any]) -> dict[str, Any]:
    """Where each factor lies on its scale without bounds."""
    found: dict[str, Any] = {}
    for name, prior in PRIORS.items():
        centre = prior.centres.get(software, prior.centres.get(class_of(software), prior.centre))
        found[name] = prior.place(centre) + sum(effects.get(each, 0.0) for each in effects_of(name, software, chip))
    return found


def _factors(software: str, chip: str, places: Mapping[str, Any]) -> TimeFactors:
    values: dict[str, Any] = {name: PRIORS[name].value(place) for name, place in places.items()}
    values.pop("matmul")
    values["network_latency_s"] = values["network_latency_s"] + values["link_latency_s"]
    sustained = SUSTAINED.get(chip, 1.0 if generation_of(chip) else SUSTAINED_ELSEWHERE)
    matmul = {
        name.partition(".")[2]: sustained * values.pop(name) for name in list(values) if name.startswith("matmul.")
    }
    return TimeFactors(
        matmul=matmul,
        memory=MEMORY,
        imbalance=IMBALANCE,
        gradient_passes=0.0 if class_of(software) in FUSES_GRADIENTS else 1.0,
        band=UNBANDED,
        **values,
    )
