"""Can what a workload says of drafts, adapters, embeddings and further models be had, and had together?"""

from __future__ import annotations

from collections.abc import Iterator

from planner.errors import PlannerError
from planner.framework import load_frameworks
from planner.models import load_preset
from planner.recipe import Job
from planner.serving_fields import FEATURES, OWN_BLOCKS, PROMPT_LOOKUP, CoServed
from planner.shape import ModelShape
from planner.source import Fault
from planner.workload import Inference, Workload
from pricing.wording import listed


def serving_faults(workload: Workload) -> Iterator[Fault]:
    """What contradicts itself whatever the model."""
    inference = workload.inference
    if inference is None:
        return
    yield from _of_embeddings(inference)
    yield from _of_features(inference)
    drafts, adapters = inference.speculative, inference.adapters
    if drafts and adapters:
        yield (
            ("inference", "speculative"),
            "a draft's acceptance differs from adapter to adapter, and nobody has measured it; leave speculative or "
            "adapters out",
        )
    if drafts and drafts.draft not in (PROMPT_LOOKUP, *OWN_BLOCKS):
        try:
            load_preset(drafts.draft)
        except PlannerError:
            yield (
                ("inference", "speculative", "draft"),
                f"{drafts.draft!r:.60} drafts nothing that Berth knows; name a preset (`berth models`), or one of "
                f"{listed((PROMPT_LOOKUP, *OWN_BLOCKS))}",
            )
    if adapters and inference.requests is not None:
        yield ("inference", "adapters"), "a batch job is of one model; plan each adapter's requests on their own"
    if drafts and (workload.pin.layout.pipeline or 1) > 1:
        yield ("pin", "layout", "pipeline"), "drafts exclude a pipeline; leave one of the two out"
    if adapters and adapters.loaded and adapters.loaded > adapters.count:
        yield (
            ("inference", "adapters", "loaded"),
            f"{adapters.loaded:,} adapters cannot be loaded of {adapters.count:,}; lower it, or leave it out",
        )
    yield from _of_others(workload, inference)
    yield from _of_disaggregation(inference)


def model_faults(inference: Inference, shape: ModelShape) -> Iterator[Fault]:
    """What the model cannot do."""
    if fault := _cannot_serve(shape, inference.output_tokens, "output_tokens" in inference.model_fields_set):
        yield ("inference", *fault[0]), fault[1]
    drafts = inference.speculative
    if drafts and drafts.draft == "mtp" and not shape.drafting_blocks:
        yield (
            ("inference", "speculative", "draft"),
            f"{shape.name} is not known to be released with a block for multi-token prediction; name a small model of "
            f"the same family, {PROMPT_LOOKUP}, or the head that you have (eagle, eagle3)",
        )
    if drafts is None or drafts.draft in (PROMPT_LOOKUP, *OWN_BLOCKS):
        return
    try:
        draft = load_preset(drafts.draft)
    except PlannerError:
        return  # serving_faults has told it.
    path = ("inference", "speculative", "draft")
    if not draft.generates:
        yield path, f"{draft.name} makes no tokens; name a small model of the same family, or {PROMPT_LOOKUP}"
    elif draft.vocab != shape.vocab:
        yield (
            path,
            f"{draft.name} knows {draft.vocab:,} tokens and {shape.name} {shape.vocab:,}: engines verify drafts of the "
            "same vocabulary; name a small model of the same family",
        )
    elif draft.active_parameters >= shape.active_parameters:
        yield path, f"{draft.name} is no smaller than {shape.name}, and a draft must be; name a smaller one"


def _of_embeddings(inference: Inference) -> Iterator[Fault]:
    if inference.output_tokens:
        return
    for name, given, why in (
        ("tpot", inference.tpot, "an embedding has no further tokens; limit its time by ttft"),
        ("speculative", inference.speculative, "an embedding has no tokens to draft; leave it out"),
        (
            "adapters",
            inference.adapters,
            "embeddings are planned of the model alone; merge the adapter, or leave it out",
        ),
        ("prefix_cache_hit_rate", inference.prefix_cache_hit_rate, "an embedding's cache is not kept; leave it out"),
    ):
        if given:
            yield ("inference", name), f"output_tokens is 0: {why}"


def _of_features(inference: Inference) -> Iterator[Fault]:
    """What the engine that the user names is not known to offer."""
    known = {item.name: item for item in load_frameworks().values() if item.job is Job.INFERENCE}
    engine = known.get(inference.engine or "")
    if engine is None:
        return
    for feature in sorted(inference.features - engine.features):
        having = [name for name, item in known.items() if feature in item.features]
        yield (
            ("inference", "engine"),
            f"{engine.name} is not known to offer {FEATURES[feature]}; {listed(having, 'or')} does",
        )


def _of_others(workload: Workload, inference: Inference) -> Iterator[Fault]:
    """What is said of models beside the first."""
    others = inference.co_served
    if not others:
        return
    for name, given in (("profile", inference.fleet.profile), ("trace", inference.fleet.trace)):
        if given is not None:
            yield (
                ("inference", "fleet", name),
                "the nodes are those of several models, whose loads nobody says to rise together; leave it out, or "
                "plan the models apart",
            )
    if workload.provision.mig:
        yield ("provision", "mig"), "each further model has whole accelerators; leave mig or co_served out"
    for index, other in enumerate(others):
        yield from ((("inference", "co_served", index, *path), says) for path, says in _of_other(other))


def _of_disaggregation(inference: Inference) -> Iterator[Fault]:
    """What no fleet has whose prompts have replicas of their own: it would be planned as if nobody had asked."""
    if inference.disaggregate != "allow":
        return
    for name, given, kind in (
        ("requests", inference.requests, "a batch job"),
        ("speculative", inference.speculative, "drafts"),
        ("adapters", inference.adapters, "adapters"),
        ("output_tokens", not inference.output_tokens, "embeddings"),
        ("co_served", inference.co_served, "several models"),
    ):
        if given:
            yield (
                ("inference", "disaggregate"),
                f"replicas for prompts alone are not planned for {kind} (inference.{name}); leave one of the two out",
            )


def _of_other(other: CoServed) -> Iterator[Fault]:
    try:
        shape = load_preset(other.model)
    except PlannerError as error:
        yield ("model",), error.findings[0]
        return
    if fault := _cannot_serve(shape, other.output_tokens, "output_tokens" in other.model_fields_set):
        yield fault
    if other.tpot and not other.output_tokens:
        yield ("tpot",), "output_tokens is 0: an embedding has no further tokens; limit its time by ttft"
    tokens = other.input_tokens + other.output_tokens
    if tokens > shape.context_tokens:
        yield (), f"{tokens:,} tokens are more than the {shape.context_tokens:,} that {shape.name} was made for"


def _cannot_serve(shape: ModelShape, output_tokens: int, stated: bool) -> Fault | None:
    """Why no engine known here serves the model so; None where one does."""
    if any(run.evoformer for run in shape.blocks):
        return (), f"{shape.name} folds proteins, which no engine known here serves; `berth estimate` tells its memory"
    if any(run.cross or run.encoder for run in shape.blocks):
        return (), (
            f"{shape.name} is an encoder-decoder, and the engines known here serve decoders and encoders alone (vLLM, "
            "supported models); serve a decoder, or estimate its memory with `berth estimate`"
        )
    if not shape.generates and output_tokens:
        return ("output_tokens",), (
            f"{shape.name} makes no tokens one by one: none of its blocks is causal; set it to 0 for its embeddings"
        )
    if shape.generates and not stated:
        return ("output_tokens",), f"is missing: how long are the answers of {shape.name}? 0 asks for embeddings"
    return None
