"""Which empirical factors do the predictions rest on, and which measurements were they fitted to?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Protocol, TypeVar

import yaml
from msgspec import Struct

from planner.engines import engine_figures
from planner.plan import Band
from pricing.records import replace

Factors = TypeVar("Factors")


class MemoryFactors(Struct, frozen=True, kw_only=True):
    """What memory formulas leave out. Bytes; `fragmentation` is a factor on what comes and goes in a step.

    `workspace_bytes` is what libraries take of the allocator's memory whatever the model (cuBLAS, buckets of
    collectives). `varied_lengths` is a factor on what the loss and a recomputed block take where sequences differ in
    length and the allocator keeps blocks of many sizes. `expert_load` is the rows that the busiest device's experts are
    sent over the mean, where no capacity factor bounds them.
    """

    context_bytes: int
    collectives_bytes: int
    fragmentation: float
    band: Band
    workspace_bytes: int = 0
    varied_lengths: float = 1.0
    expert_load: float = 1.0


class EagerFactors(Struct, frozen=True, kw_only=True):
    """What formulas leave out of the memory of programs that answer without a pool of cache blocks.

    `workspace_bytes` is what libraries take on each device whatever the model, `copied_share` the share of packed
    weights that loading and fused modules leave behind as copies, `row_share` how many of the rows of a prompt that are
    counted stand at once.
    """

    workspace_bytes: int
    copied_share: float
    row_share: float
    band: Band


class TimeFactors(Struct, frozen=True, kw_only=True):
    """Which share of a peak is reached, and what every step pays. Factors from 0 to 1; seconds; tokens; elements.

    `matmul` is reached by large matrix products, by their type; half of it where a product has `outputs_half`
    outputs, or sums over `depth_half` elements. `attention` is reached by fused attention over long sequences, half
    of it at `attention_half` tokens; attention that is not fused moves `score_bytes` a score in each pass. `traffic`
    is how often small operations move their rows where software does not fuse them as far as it could.

    `launch_s_per_block` is the floor of one block's forward pass, `step_s` what each step takes beside (data,
    logging). `tensor_overlap`, `gather_overlap`, `pipeline_overlap` and `data_overlap` are the shares of
    tensor-parallel, weight-gathering, pipeline and data-parallel traffic that hide behind compute where there is
    enough of it. `imbalance` is what the fullest expert rank gets, over the mean. `straggling` is the deviation of
    nodes' step times, as a share of them. `gradient_passes` is how often each micro-batch's gradients pass memory
    beside the products that make them: not at all where those add to the sum themselves. `most_utilization` is the
    share of the peak (MFU) above which no block is believed to run: the greatest that was measured on the generation,
    where the software was not.
    """

    matmul: Mapping[str, float]
    attention: float
    outputs_half: float
    depth_half: float
    memory: float
    link: float
    network: float
    link_latency_s: float
    network_latency_s: float
    launch_s_per_block: float
    data_overlap: float
    band: Band
    attention_half: float = 0.0
    score_bytes: float = 0.0
    traffic: float = 1.0
    step_s: float = 0.0
    tensor_overlap: float = 0.0
    gather_overlap: float = 1.0
    pipeline_overlap: float = 0.0
    imbalance: float = 1.0
    straggling: float = 0.0
    gradient_passes: float = 0.0
    most_utilization: float = 1.0


class StepFactors(Struct, frozen=True, kw_only=True):
    """What a step of a serving engine reaches on an accelerator. Shares from 0 to 1; seconds; rows. Numbers, or arrays.

    `memory` and `cache` are shares of the memory's rate, for weights and for the cache; `matmul` and `narrow` of the
    peak of 16-bit and of narrower products, `unpacked` the part of `matmul` that products reach whose 4-bit weights are
    unpacked first, `grouped` the part that products of experts reach, `attention` of the 16-bit peak in attention. A
    product has `half_rows` rows more than it is given, from tiles and waves that are not full. `overlap` is the part of
    the shorter of reading and computing that hides behind the longer. Launches are paid for each block a step:
    `block_s`, and on top `expert_block_s` with experts, `recurrent_block_s` with a recurrence, `latent_block_s` with
    latent attention, `packed_block_s` with weights of four bits, `emulated_block_s` where these have no products of
    their own, `prompt_block_s` in steps with tokens of prompts. `step_s` is paid for each step, `sequence_s` for each
    sequence of it; where a server takes requests in, `request_s` for each and `prompt_token_s` for each token of its
    prompt. A request is let in after `admission_steps`. `reduce_s` is one sum over tensor ranks without its bytes,
    `staged_reduce_s` that over PCIe; `link`, `staged_link` and `network` the shares of the rates of links and network,
    `network_latency_s` one hop between nodes. `imbalance` is the fullest expert rank's load over the mean, `spread` the
    share of a batch's tokens that choose experts independently, `alike` that share where a benchmark sends one prompt
    many times. `rereads` says how far queries that share a key each read it anew, where their number is no power of
    two.
    """

    memory: Any
    cache: Any
    matmul: Any
    narrow: Any
    unpacked: Any
    grouped: Any
    attention: Any
    half_rows: Any
    overlap: Any
    block_s: Any
    expert_block_s: Any
    recurrent_block_s: Any
    latent_block_s: Any
    packed_block_s: Any
    emulated_block_s: Any
    prompt_block_s: Any
    step_s: Any
    sequence_s: Any
    request_s: Any
    prompt_token_s: Any
    admission_steps: Any
    reduce_s: Any
    staged_reduce_s: Any
    link: Any
    staged_link: Any
    network: Any
    network_latency_s: Any
    imbalance: Any
    spread: Any
    alike: Any
    rereads: Any


class ServingFactors(StepFactors, frozen=True, kw_only=True):
    """An engine on an accelerator: its step, how it fills a device, and how far predictions lie from runs.

    The engine takes `memory_share` of the device, and of what is left beside weights, activations and reserve
    `cache_share` for the cache. `reserve_bytes` is what it uses beside (context, graphs), `collectives_bytes` more
    where devices share a model; activations are those of `batched_tokens` of prompts at a time, which is also the most
    that a step works on, 0 where the reserve holds them; where tokens are picked, a logit takes `logit_bytes`. It
    decodes `largest_batch` sequences at most, keeps room for `reserved_share` of an answer when it lets a request in,
    and where it `mixes_prompts` works on pieces of prompts in steps that decode. `memory_band` is how far memory lies
    from the prediction, `band` times and rates, `ttft_band` the time to the first token.
    """

    memory_share: float
    cache_share: float
    reserve_bytes: int
    collectives_bytes: int
    batched_tokens: int
    logit_bytes: int
    largest_batch: int
    reserved_share: float
    mixes_prompts: bool
    memory_band: Band
    band: Band
    ttft_band: Band

    @property
    def usable_share(self) -> float:
        """Share of a device that a prediction may fill: what the engine takes, at the upper edge of the band all."""
        return min(self.memory_share, 1 / self.memory_band.high)


class FabricFactors(Protocol):
    """The factors on links and networks that training and serving both have."""

    @property
    def link(self) -> float: ...
    @property
    def network(self) -> float: ...
    @property
    def link_latency_s(self) -> float: ...
    @property
    def network_latency_s(self) -> float: ...


class Calibration(Struct, frozen=True, kw_only=True):
    """All factors: by class of software or engine, and by accelerator (`default` for those not measured).

    `mixture` is the band of times of mixtures of experts, `mixture_memory` that of their memory, wherever they are
    wider than their framework's own. Memory factors are by vendor, and where software was measured by vendor and
    software ("NVIDIA/torchtitan"). `eager` are those of programs that answer without a pool of cache blocks.
    """

    memory: Mapping[str, MemoryFactors]
    eager: Mapping[str, EagerFactors]
    mixture_memory: Band
    mixture: Band
    time: Mapping[str, Mapping[str, TimeFactors]]
    serving: Mapping[str, Mapping[str, ServingFactors]]

    def memory_factors(self, vendor: str, software: str, mixture: bool = False) -> MemoryFactors:
        """The memory factors of a vendor's accelerators under a class of software, its own where it was measured.

        `mixture` asks for those of a mixture of experts, whose band has the wider edges.
        """
        found = self.memory.get(f"{vendor}/{software}") or self.memory[vendor]
        return replace(found, band=wider(found.band, self.mixture_memory)) if mixture else found

    def eager_factors(self, program: str) -> EagerFactors:
        """The memory factors of a program without a pool of cache blocks, those of all others where it has none."""
        return self.eager.get(program, self.eager["default"])

    def time_factors(self, software: str, accelerator: str) -> TimeFactors:
        """The time factors of a class of software on an accelerator, its default where it was not measured there.

        A slice reaches the shares of its peaks that the whole reaches ("H100-80GB/1g.10gb").
        """
        return _of_accelerator(self.time[software], accelerator)

    def serving_factors(self, engine: str, accelerator: str) -> ServingFactors:
        """The serving factors of an engine on an accelerator, or a slice of it; its default where it has none."""
        return _of_accelerator(self.serving[engine], accelerator)


def _of_accelerator(known: Mapping[str, Factors], accelerator: str) -> Factors:
    """An accelerator's own factors; a slice's ("H100-80GB/1g.10gb") are its own or the whole's."""
    return known.get(accelerator) or known.get(accelerator.partition("/")[0]) or known["default"]


def wider(own: Band, other: Band) -> Band:
    """The outer edges of both bands, on the other's basis."""
    return Band(low=min(own.low, other.low), high=max(own.high, other.high), basis=other.basis, measured=other.measured)


@cache
def load_calibration() -> Calibration:
    """The bundled calibration."""
    # Of a training run's time, reading what was measured of engines is a fiftieth.
    return replace(calibration_of(_figures() | {"serving": {}}), serving=_BundledEngines())


def bundled_figures() -> dict[str, Any]:
    """The bundled calibration as it is written, with the engines' files as its section `serving`."""
    return _figures() | {"serving": engine_figures()}


def _figures() -> dict[str, Any]:
    text = files("planner").joinpath("data/calibration.yaml").read_text(encoding="utf-8")
    figures: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return figures


class _BundledEngines(Mapping[str, Mapping[str, ServingFactors]]):
    """The bundled serving factors by engine, read when one is asked for."""

    def __getitem__(self, engine: str) -> Mapping[str, ServingFactors]:
        return _bundled_engines()[engine]

    def __iter__(self) -> Iterator[str]:
        return iter(_bundled_engines())

    def __len__(self) -> int:
        return len(_bundled_engines())


@cache
def _bundled_engines() -> dict[str, dict[str, ServingFactors]]:
    return _serving(engine_figures())


def calibration_of(figures: Mapping[str, Any]) -> Calibration:
    """The factors that figures name, by section: memory, serving_memory, time and serving."""
    return Calibration(
        memory={name: _memory(name, figures["memory"]) for name in figures["memory"]},
        eager={name: EagerFactors(**_with_band(item)) for name, item in figures["serving_memory"].items()},
        mixture_memory=Band(**figures["mixture_memory"]),
        mixture=Band(**figures["mixture"]),
        time=_times(figures["time"]),
        serving=_serving(figures["serving"]),
    )


def _serving(figures: Mapping[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, ServingFactors]]:
    return {name: _by_accelerator(ServingFactors, items) for name, items in figures.items()}


def _times(figures: Mapping[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, TimeFactors]]:
    """Time factors by class of software; classes that share their figures share the factors too."""
    known: dict[int, dict[str, TimeFactors]] = {}
    for items in figures.values():
        if id(items) not in known:
            known[id(items)] = _by_accelerator(TimeFactors, items)
    return {name: known[id(items)] for name, items in figures.items()}


def _memory(name: str, items: Mapping[str, Any]) -> MemoryFactors:
    """Memory factors of a vendor, or of software on its accelerators: the vendor's with its own on top."""
    return MemoryFactors(**_with_band(items[name.partition("/")[0]] | items[name]))


def _with_band(item: dict[str, Any]) -> dict[str, Any]:
    fields = {key: value for key, value in item.items() if key != "source"}
    return fields | {key: Band(**fields[key]) for key in ("band", "memory_band", "ttft_band") if key in fields}


def _by_accelerator(kind: type[Factors], items: dict[str, dict[str, Any]]) -> dict[str, Factors]:
    """Factors of every named accelerator: the framework's default with the accelerator's own on top."""
    default = items["default"]
    return {name: kind(**_with_band(default | item)) for name, item in items.items()}
