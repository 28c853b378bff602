"""Into how many parts may the work be cut?

Degrees are no techniques: a technique turns one recipe into another, a degree is a number that multiplies with others
to the devices and that the search chooses by the rules of planner.legal. A framework lists those that it has, a
workload pins them under pin.layout; this is what `berth techniques` says of them. None costs accuracy.
"""

from __future__ import annotations

from msgspec import Struct


class Degree(Struct, frozen=True, kw_only=True):
    """One number of a layout, by the name of its field in planner.layout; `gist` says what is cut, `rule` what it must
    divide or cannot be had with, techniques that exclude it aside, and `asked` where a file fixes it."""

    name: str
    gist: str
    rule: str
    asked: str
    source: str


DEGREES = (
    Degree(
        name="tensor",
        gist="tensor parallelism: every matrix cut, sequences between them",
        rule="attention heads and the devices of a node must divide by it",
        asked="pin.layout.tensor, or training.tensor of an estimate",
        source="Shoeybi et al. 2019, arXiv 1909.08053; Korthikanti et al. 2022, arXiv 2205.05198",
    ),
    Degree(
        name="pipeline",
        gist="pipeline parallelism: runs of blocks as stages",
        rule="a layer for each stage, and at least as many micro-batches as stages",
        asked="pin.layout.pipeline, or training.pipeline of an estimate",
        source="Huang et al. 2018, arXiv 1811.06965; Narayanan et al. 2021, arXiv 2104.04473, section 2.2",
    ),
    Degree(
        name="virtual",
        gist="interleaved schedule: chunks of blocks on each stage",
        rule="needs a pipeline, equal chunks, and micro-batches in multiples of the stages",
        asked="pin.layout.virtual, or training.virtual of an estimate",
        source="Narayanan et al. 2021, arXiv 2104.04473, section 2.2.2",
    ),
    Degree(
        name="context",
        gist="context parallelism: each sequence cut, keys in a ring",
        rule="sequences must divide by twice it",
        asked="pin.layout.context, or training.context of an estimate",
        source="Liu et al. 2023, Ring Attention, arXiv 2310.01889; Megatron-Core documentation, context parallelism",
    ),
    Degree(
        name="expert",
        gist="expert parallelism: routed experts over data ranks",
        rule="the model's experts and the data x context ranks must divide by it; serving, the tensor x data ranks",
        asked="pin.layout.expert, or training.expert of an estimate",
        source="Lepikhin et al. 2020, GShard, arXiv 2006.16668",
    ),
    Degree(
        name="data",
        gist="data parallelism: each rank its own sequences",
        rule="with micro-batch and micro-batches it multiplies to the global batch; when serving, ranks of attention "
        "that share a mixture's experts, in one stage",
        asked="pin.layout.data; an estimate gives it the devices that are left",
        source="Li et al. 2020, PyTorch Distributed, arXiv 2006.15704",
    ),
    Degree(
        name="micro_batch",
        gist="sequences per device and pass",
        rule="with data degree and micro-batches it multiplies to the global batch",
        asked="pin.micro_batch, or training.micro_batch of an estimate",
        source="Huang et al. 2018, arXiv 1811.06965",
    ),
    Degree(
        name="micro_batches",
        gist="gradient accumulation: passes per optimizer step",
        rule="with data degree and micro-batch it multiplies to the global batch",
        asked="training.global_batch, or training.micro_batches of an estimate",
        source="Huang et al. 2018, arXiv 1811.06965; PyTorch documentation, gradient accumulation",
    ),
)
