"""How does a fleet whose prompts have replicas of their own read on a terminal?"""

from __future__ import annotations

from planner.layout import Layout
from planner.plan import Candidate, Comparison
from pricing.units import show_bytes, show_duration

_SHOWN = ("tensor", "pipeline", "virtual", "context", "expert", "data")


def degrees(layout: Layout) -> str:
    """The degrees beyond 1 of a layout."""
    return " x ".join(f"{name} {getattr(layout, name)}" for name in _SHOWN if getattr(layout, name) > 1) or "one device"


def comparison_rows(comparison: Comparison, chosen: Candidate) -> list[tuple[str, str]]:
    """The rows of the section on it: the verdict, and what such a fleet is made of."""
    split = next((each for each in (chosen, comparison.best) if each and each.split), None)
    return [("verdict", comparison.verdict), *(role_rows(split) if split else [])]


def role_rows(candidate: Candidate) -> list[tuple[str, str]]:
    """Who works on prompts, how their cache gets away, and who decodes."""
    split, service = candidate.split, candidate.service
    assert split is not None and service is not None
    way = "the link of their node" if split.one_node else "the network"
    return [
        (
            "prompts",
            f"{_replicas(split.replicas)} of {degrees(split.layout)}, {split.busy:.0%} busy: "
            f"{show_duration(split.prompt_s)} a prompt after {show_duration(split.queue_s)} of waiting",
        ),
        (
            "handover",
            f"{show_bytes(split.handover_bytes)} of cache over {way} in {show_duration(split.handover_s)}, by "
            f"{split.hands_over}",
        ),
        (
            "answers",
            f"{_replicas(service.replicas)} of {degrees(candidate.layout)}, {service.concurrency:.0f} requests in "
            "flight each",
        ),
    ]


def _replicas(count: int) -> str:
    return f"{count} replica{'s' if count > 1 else ''}"
