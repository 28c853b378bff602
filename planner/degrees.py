"""Into how many parts may the work be cut?

Degrees are no techniques: a technique turns one recipe into another, a degree is a number that multiplies with others
to the devices and that the search chooses by the rules of planner.legal. A framework lists those that it has, a
workload pins them under pin.layout; this is what `berth techniques` says of them. None costs accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Degree:
    """One number of a layout, by the name of its field in planner.layout; `gist` says what is cut."""

    name: str
    gist: str
    source: str


DEGREES = (
    Degree(
        name="tensor",
        gist="tensor parallelism: every matrix cut, sequences between them",
        source="Shoeybi et al. 2019, arXiv 1909.08053; Korthikanti et al. 2022, arXiv 2205.05198",
    ),
    Degree(
        name="pipeline",
        gist="pipeline parallelism: runs of blocks as stages",
        source="Huang et al. 2018, arXiv 1811.06965; Narayanan et al. 2021, arXiv 2104.04473, section 2.2",
    ),
    Degree(
        name="virtual",
        gist="interleaved schedule: chunks of blocks on each stage",
        source="Narayanan et al. 2021, arXiv 2104.04473, section 2.2.2",
    ),
    Degree(
        name="context",
        gist="context parallelism: each sequence cut, keys in a ring",
        source="Liu et al. 2023, Ring Attention, arXiv 2310.01889; Megatron-Core documentation, context parallelism",
    ),
    Degree(
        name="expert",
        gist="expert parallelism: routed experts over data ranks",
        source="Lepikhin et al. 2020, GShard, arXiv 2006.16668",
    ),
    Degree(
        name="data",
        gist="data parallelism: each rank its own sequences",
        source="Li et al. 2020, PyTorch Distributed, arXiv 2006.15704",
    ),
    Degree(
        name="micro_batch",
        gist="sequences per device and pass",
        source="Huang et al. 2018, arXiv 1811.06965",
    ),
    Degree(
        name="micro_batches",
        gist="gradient accumulation: passes per optimizer step",
        source="Huang et al. 2018, arXiv 1811.06965; PyTorch documentation, gradient accumulation",
    ),
)
