"""Does the workload ask for things that exist, and that can be had together?

What pydantic cannot see: names that must be known, and fields that exclude each other. Every finding carries
the path of the field that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from planner.asked import frameworks_of, permitted
from planner.batch_faults import batch_faults
from planner.framework import Framework, load_frameworks
from planner.index_fields import index_faults
from planner.plan import Target
from planner.provision_faults import provision_faults
from planner.recipe import Group, Job
from planner.recipes import excluded_degrees, excludes, named_techniques
from planner.serving_faults import serving_faults
from planner.source import FieldPath
from planner.techniques import load_techniques
from planner.workload import Inference, Method, ObjectiveWeights, PinLayout, Training, Workload
from pricing.catalog import load_instance_types
from pricing.regions import known_regions, known_zones, region_of_zone
from pricing.wording import close_match, listed


class Finding(Struct, frozen=True, kw_only=True):
    """What is wrong with the field at `path`, and what to change."""

    path: FieldPath
    says: str


def contradictions(workload: Workload) -> tuple[Finding, ...]:
    """Everything about the workload that cannot be, in order of the file's sections."""
    checks: tuple[Callable[[Workload], Iterator[Finding]], ...] = (
        _job,
        _training,
        _inference,
        _index,
        _software,
        _techniques,
        _groups,
        _together,
        _regions,
        _instance_types,
        _objective,
        _pins,
        _provision,
    )
    return tuple(finding for check in checks for finding in check(workload))


def _job(workload: Workload) -> Iterator[Finding]:
    if workload.training and workload.inference:
        yield Finding(path=("inference",), says="training and inference exclude each other; keep one")
    if not workload.training and not workload.inference and not workload.index:
        yield Finding(path=(), says="nothing to do: add a training, an inference or an index section")
    if workload.model is None and (workload.training or workload.inference or not workload.index):
        yield Finding(path=("model",), says="is missing; only a vector index alone has none")


def _fleet(workload: Workload, inference: Inference) -> Iterator[Finding]:
    fleet = inference.fleet
    if fleet.profile is not None and fleet.trace is not None:
        yield Finding(path=("inference", "fleet", "trace"), says="the hours of a day are given by profile; keep one")
    if fleet.trace is not None and inference.requests_per_second is None:
        yield Finding(
            path=("inference", "fleet", "trace"),
            says="a trace is of requests a second; give the busiest hour's in inference.requests_per_second",
        )
    if fleet.spare == "zone" and workload.provision.zone is not None:
        yield Finding(
            path=("inference", "fleet", "spare"),
            says=f"provision.zone is {workload.provision.zone} alone; a spare zone takes two: leave it out",
        )
    if fleet.spare == "zone" and workload.provision.target is not Target.SERVING_FLEET:
        yield Finding(
            path=("inference", "fleet", "spare"),
            says="only the target serving-fleet stands in two zones; set provision.target to it, or spare a node",
        )
    if fleet.profile is not None and max(fleet.profile) < 1:
        yield Finding(
            path=("inference", "fleet", "profile"),
            says=f"the busiest hour has {max(fleet.profile):g} of the planned load; its share is 1, the others' less",
        )


def _index(workload: Workload) -> Iterator[Finding]:
    index = workload.index
    if index is None:
        return
    if workload.training:
        yield Finding(path=("index",), says="an index stands alone or beside a served model; plan it on its own")
    if workload.model is not None and not workload.training and not workload.inference:
        yield Finding(path=("model",), says="nothing is said of what the model does; add inference, or leave it out")
    for field, says in index_faults(index):
        yield Finding(path=("index", *field), says=says)


def _training(workload: Workload) -> Iterator[Finding]:
    training = workload.training
    if training is None:
        return
    yield from _training_settings(training)
    if training.projected_rank and "galore" not in (training.optimizer, *workload.techniques.require):
        yield Finding(
            path=("training", "projected_rank"),
            says=f"{training.optimizer or 'an optimizer left open'} projects no gradients; set training.optimizer to "
            "galore, or leave projected_rank out",
        )
    by_epochs = training.epochs is not None or training.dataset_tokens is not None
    if training.tokens is not None and by_epochs:
        yield Finding(
            path=("training", "tokens"), says="tokens excludes epochs and dataset_tokens; keep one of the two"
        )
    elif training.stated_tokens is None:
        if training.method is not Method.PRETRAIN or training.epochs is not None:
            yield Finding(path=("training",), says="how much to train on? Give tokens, or epochs and dataset_tokens")
    elif training.stated_tokens < training.sequence_length * training.global_batch:
        yield Finding(
            path=("training", "global_batch"),
            says=f"one step takes {training.sequence_length * training.global_batch:,} tokens, more than the "
            f"{training.stated_tokens:,} of the whole run; lower global_batch or train on more",
        )


def _training_settings(training: Training) -> Iterator[Finding]:
    """Fields that mean something only beside others."""
    adapts = training.method in (Method.LORA, Method.QLORA)
    if training.adapter and not adapts:
        yield Finding(
            path=("training", "adapter"),
            says=f"{training.method} trains weights, not adapters; set training.method to lora or qlora",
        )
    if training.trained_share and training.method is not Method.FULL:
        yield Finding(
            path=("training", "trained_share"),
            says=f"{training.method} has no blocks to freeze; set training.method to full",
        )


def _inference(workload: Workload) -> Iterator[Finding]:
    inference = workload.inference
    if inference is None:
        return
    loads = (inference.requests_per_second, inference.concurrency, inference.requests)
    if sum(load is not None for load in loads) != 1:
        yield Finding(
            path=("inference",),
            says="the load is requests_per_second, concurrency or, of a batch job, requests; give exactly one",
        )
    if inference.context_length and inference.context_length < inference.input_tokens + inference.output_tokens:
        yield Finding(
            path=("inference", "context_length"),
            says=f"{inference.context_length:,} tokens do not hold {inference.input_tokens:,} in and "
            f"{inference.output_tokens:,} out; raise context_length",
        )
    yield from _fleet(workload, inference)
    for path, says in (*serving_faults(workload), *batch_faults(workload)):
        yield Finding(path=path, says=says)


def _software(workload: Workload) -> Iterator[Finding]:
    training = workload.training
    section, key = ("training", "framework") if training else ("inference", "engine")
    name = training.framework if training else workload.inference and workload.inference.engine
    known = {item.name: item for item in load_frameworks().values() if item.job is Job(section)}
    if name and name not in known:
        yield Finding(
            path=(section, key), says=f"{name!r:.60} is not a known {key}; known are {', '.join(sorted(known))}"
        )
    elif name and training and training.method not in known[name].methods:
        yield Finding(
            path=(section, "method"),
            says=f"{known[name].title} does not do {training.method}; it does {', '.join(sorted(known[name].methods))}",
        )
    elif bool(training) != bool(workload.inference):
        doing = [item for item in known.values() if training is None or training.method in item.methods]
        yield from _beyond_software(workload, doing, f"{section}.{key}")


def _beyond_software(workload: Workload, doing: list[Framework], key: str) -> Iterator[Finding]:
    """Techniques and degrees that none of the frameworks in question has; `doing` are all that do the job."""
    frameworks = frameworks_of(workload)
    names = " or ".join(item.name for item in frameworks)
    degrees = [(("pin", "layout", name), name) for name, degree in workload.pin.layout if degree and degree > 1]
    for path, name in (*_asked(workload), *degrees):
        unknown = name not in load_techniques() and path[0] != "pin"
        if not unknown and not any(_has(item, name) for item in frameworks):
            able = [item for item in doing if _has(item, name)]
            having = " or ".join(item.name for item in able)
            advice = f"set {key} to {having}" if having else "no other software has it for this job"
            if able and not workload.ends and all(item.streaming for item in able):
                advice = f"{having} has it, for batch jobs alone: give inference.requests as the load"
            # What nobody offers can still be asked after: an estimate takes any technique of the job.
            askable = not having and doing and not unknown and name in load_techniques()
            if askable and doing[0].job in load_techniques()[name].jobs:
                advice += "; `berth estimate` tells what it takes"
            what = f"the {name} degree" if name in PinLayout.model_fields else name
            yield Finding(path=path, says=f"{names} does not have {what}; {advice}")


def _has(framework: Framework, name: str) -> bool:
    """Whether a framework offers a technique or a degree of that name."""
    return name in framework.techniques or name in framework.degrees


def _asked(workload: Workload) -> Iterator[tuple[FieldPath, str]]:
    """Every technique that the workload asks for by name, and where."""
    required = workload.techniques.require
    for group, name in named_techniques(workload).items():
        if name is not None and name not in required:
            yield _field_of(workload, group), name
    for index, name in enumerate(required):
        yield ("techniques", "require", index), name


def _field_of(workload: Workload, group: Group) -> FieldPath:
    """The field that decides on a group of techniques."""
    fields: dict[Group, FieldPath] = {
        Group.PRECISION: ("training", "precision"),
        Group.ADAPTER: ("training", "adapter" if workload.training and workload.training.adapter else "method"),
        Group.BASE_WEIGHTS: ("training", "method"),
        Group.OPTIMIZER: ("training", "optimizer"),
        Group.TRAINED_LAYERS: ("training", "trained_share"),
        Group.SHARDING: ("pin", "sharding"),
        Group.RECOMPUTE: ("pin", "recompute"),
    }
    return fields[group] if workload.training else ("inference", "precision")


def _techniques(workload: Workload) -> Iterator[Finding]:
    wanted, known = workload.techniques, load_techniques()
    for list_name in ("require", "forbid"):
        for index, name in enumerate(getattr(wanted, list_name)):
            if name not in known:
                yield Finding(
                    path=("techniques", list_name, index),
                    says=f"{name!r:.60} is not a known technique{close_match(name, known)} `berth techniques` lists "
                    "them",
                )
    chosen = named_techniques(workload).values()
    for index, name in enumerate(wanted.require):
        if name in known and name not in chosen and known[name].accuracy.rank > wanted.accept.rank:
            yield Finding(
                path=("techniques", "require", index),
                says=f"{name} is {known[name].accuracy}, but techniques.accept is {wanted.accept}; "
                f"set accept: {known[name].accuracy}",
            )
    for path, name in _asked(workload):
        if name in wanted.forbid:
            yield Finding(path=path, says=f"{name} is asked for here, and forbidden in techniques.forbid")


def _groups(workload: Workload) -> Iterator[Finding]:
    """A plan has one technique of a group: the one that a field decides on, or else one that is required."""
    known = load_techniques()
    decided = {group: name or "none" for group, name in named_techniques(workload).items()}
    for index, name in enumerate(workload.techniques.require):
        group = known[name].group if name in known else None
        if group and decided.setdefault(group, name) != name:
            yield Finding(
                path=("techniques", "require", index),
                says=f"{name} is required, but as {group} the workload asks for {decided[group]}",
            )


def _together(workload: Workload) -> Iterator[Finding]:
    """Techniques that exclude each other or a pinned degree, and those that lack what they need."""
    known = load_techniques()
    asked = [(path, known[name]) for path, name in _asked(workload) if name in known]
    for index, (path, item) in enumerate(asked):
        for other in (each for _, each in asked[:index] if each.group is not item.group and excludes(each, item)):
            yield Finding(path=path, says=f"{item.name} and {other.name} exclude each other; keep one of them")
        for degree in sorted(excluded_degrees([item.name])):
            if getattr(workload.pin.layout, degree, None) not in (None, 1):
                yield Finding(path=path, says=f"{item.name} excludes the {degree} degree that pin.layout asks for")
        for need in item.needs:
            if not need.intersection(each.name for _, each in asked) and not _findable(workload, need):
                yield Finding(
                    path=path, says=f"{item.name} needs {' or '.join(sorted(need))}; name one in techniques.require"
                )


def _findable(workload: Workload, need: frozenset[str]) -> bool:
    """Whether the planner may choose one of the techniques by itself: its group is open, and it may be unasked."""
    named, known = named_techniques(workload), load_techniques()
    decided = {*named, *(known[name].group for name in workload.techniques.require if name in known)}
    wanted = workload.techniques
    return any(
        known[name].unasked
        and known[name].group not in decided
        and known[name].accuracy.rank <= wanted.accept.rank
        and name not in wanted.forbid
        for name in need
    )


def _regions(workload: Workload) -> Iterator[Finding]:
    known = known_regions()
    for index, region in enumerate(workload.limits.regions):
        if region not in known:
            hint = close_match(region, known)
            hint = f"; known are {listed(known, whole=True)}" if hint == "." else hint
            yield Finding(
                path=("limits", "regions", index),
                says=f"{region!r:.60} is no region that Berth knows{hint}",
            )
    zone = workload.provision.zone
    if zone is None:
        return
    where = region_of_zone(zone)
    if where is None:
        yield Finding(
            path=("provision", "zone"),
            says=f"{zone!r} is no zone id that Berth knows{close_match(zone, known_zones())}",
        )
    elif where not in workload.limits.regions:
        yield Finding(
            path=("provision", "zone"), says=f"{zone} is in {where}, which limits.regions leaves out; add it there"
        )


def _instance_types(workload: Workload) -> Iterator[Finding]:
    known = load_instance_types()
    limits, pin = workload.limits.instance_types, workload.pin.instance_type
    unmatched = False
    for list_name in ("allow", "deny"):
        for index, pattern in enumerate(getattr(limits, list_name)):
            if not any(fnmatchcase(name, pattern) for name in known):
                unmatched = True
                yield Finding(
                    path=("limits", "instance_types", list_name, index),
                    says=f"no instance type is called {pattern!r:.60}{close_match(pattern.strip('*?'), known)} `berth "
                    "catalog` lists them",
                )
    if not unmatched and not any(permitted(name, limits) for name in known):
        yield Finding(path=("limits", "instance_types"), says="allow and deny leave no instance type; widen them")
    if pin is None:
        return
    if pin not in known:
        yield Finding(
            path=("pin", "instance_type"),
            says=f"{pin!r:.60} is not a known instance type{close_match(pin, known)} `berth catalog` lists them",
        )
    elif not permitted(pin, limits):
        yield Finding(path=("pin", "instance_type"), says=f"{pin} is pinned, but limits.instance_types leaves it out")


def _objective(workload: Workload) -> Iterator[Finding]:
    if isinstance(workload.objective, ObjectiveWeights) and not workload.objective.cost + workload.objective.time:
        yield Finding(path=("objective",), says="both weights are zero; give cost, time or both a weight")


def _pins(workload: Workload) -> Iterator[Finding]:
    pin, training = workload.pin, workload.training
    if pin.nodes and pin.nodes > workload.limits.max_nodes:
        yield Finding(
            path=("pin", "nodes"),
            says=f"{pin.nodes} nodes are pinned, but limits.max_nodes is {workload.limits.max_nodes}",
        )
    if training is None:
        for name in ("recompute", "sharding"):
            if getattr(pin, name):
                yield Finding(path=("pin", name), says=f"{name} is a matter of training; remove it")


def _provision(workload: Workload) -> Iterator[Finding]:
    for path, says in provision_faults(workload):
        yield Finding(path=path, says=says)
