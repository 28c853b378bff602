"""What does a plan say of a fleet whose prompts and answers are worked on by different replicas?"""

from __future__ import annotations

from msgspec import Struct

from planner.layout import Layout


class Split(Struct, frozen=True, kw_only=True):
    """The replicas that prompts have, beside those of the candidate, which decode. Seconds, bytes.

    A prompt waits `queue_s` for one of `replicas`, which are `busy` for that share of their time, takes `prompt_s`
    there, and its cache of `handover_bytes` on all devices takes `handover_s` to a replica that decodes, by what
    `hands_over` names, over the link where `one_node` holds both, else over the network.
    """

    layout: Layout
    replicas: int
    busy: float
    queue_s: float
    prompt_s: float
    handover_s: float
    handover_bytes: int
    hands_over: str
    one_node: bool
