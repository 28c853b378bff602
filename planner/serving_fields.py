"""What may a workload say of how its model is served: drafts, adapters, other models on the same instances?"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from planner.fields import Count, CountOrZero, Rate, Seconds, Section
from planner.recipe import AdapterTargets

# What a draft may be beside a model: copies from the prompt, or a block of its own on top of the served model.
PROMPT_LOOKUP = "ngram"
OWN_BLOCKS = ("eagle", "eagle3", "mtp")


# What an engine may offer beyond answering prompts, by the names that planner/data/frameworks has.
FEATURES = {
    "pooling": "embeddings",
    "adapters": "several adapters at once",
    PROMPT_LOOKUP: "drafts copied from the prompt (ngram)",
    "draft": "drafts by a small model",
    **{name: f"drafts by a block of its own ({name})" for name in OWN_BLOCKS},
}


class Speculative(Section):
    """Speculative decoding (arXiv 2211.17192): cheap drafts of the next tokens, which the model verifies at once."""

    tokens: Annotated[int, Field(ge=1, le=32)]
    """Tokens that are drafted before the model verifies them."""
    acceptance: Annotated[float, Field(gt=0, lt=1)]
    """Probability that a drafted token is accepted, where those before it were; engines report it (vLLM's
    spec_decode metrics)."""
    draft: str
    """What drafts: a model preset with the same vocabulary, ngram (copies from the prompt, no model), or a block of its
    own on top of the model (eagle, eagle3, mtp)."""


class Adapters(Section):
    """Low-rank adapters (arXiv 2106.09685) that one base model serves side by side; each request names one."""

    count: Annotated[int, Field(ge=1, le=100_000)]
    """Adapters in all, asked for equally often."""
    rank: Annotated[int, Field(ge=1, le=512)]
    """Rank of the largest one."""
    targets: AdapterTargets = AdapterTargets.ALL_LINEAR
    """Which matrices are adapted."""
    loaded: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Adapters on the accelerators at once, the others in host memory. Left out: one for each request in flight, or
    all where there are fewer."""


class CoServed(Section):
    """Another model that is served on the same instances, on accelerators of its own."""

    model: str
    """A model preset (`berth models`)."""
    requests_per_second: Rate
    """Its load."""
    input_tokens: Count
    """Mean prompt length."""
    output_tokens: CountOrZero = 0
    """Mean answer length; 0 for an embedding."""
    ttft: Seconds | None = None
    """Limit on its mean time to first token, or to the embedding."""
    tpot: Seconds | None = None
    """Limit on its mean time per further output token."""
