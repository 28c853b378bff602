"""How do the ranks of a served model divide attention and experts among them?

Tensor ranks cut every matrix and see every token. Data ranks each have attention and the dense layers whole, with
requests and a cache of their own (data-parallel attention), and share the experts: those are divided among all ranks
of a stage, whole ones among expert ranks and slices of each within them. Then every expert layer hands the rows of all
data ranks to all ranks and takes the sums back: an all-gather and a reduce-scatter, which is what vLLM
(allgather_reducescatter), SGLang (moe-a2a-backend none) and TensorRT-LLM do unless they are told otherwise. Kernels
that send a row to its experts alone (DeepEP) move less between nodes; nobody has measured them over EFA here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.layout import AnyLayout
from planner.shape import ModelShape

# The most expert ranks of any measured run: the fitted imbalance is of so many or fewer.
MEASURED_RANKS = 8
# All rows as they are gathered, and the answers that are summed up and scattered.
GATHERED_COPIES = 2


def fullest_rank(imbalance: Any, ranks: Any) -> Any:
    """Load of the fullest of so many expert ranks over the mean; `imbalance` is that of the measured ones.

    A rank with fewer experts averages over fewer, and the fullest of more ranks lies further out: the excess grows as
    sqrt(n ln n), as that of the largest of n sums of 1 / n of the experts each. A rank alone has all.
    """
    beyond = np.maximum(ranks, MEASURED_RANKS)
    wider = np.sqrt(beyond * np.log(beyond) / (MEASURED_RANKS * np.log(MEASURED_RANKS)))
    return np.where(np.greater(ranks, 1), 1.0 + (imbalance - 1.0) * wider, 1.0)


def gathered_bytes(shape: ModelShape, layout: AnyLayout, tokens: int) -> Any:
    """Bytes on each rank of the rows of all data ranks, of `tokens` each in 16 bits, while experts work on them."""
    return np.where(np.greater(layout.data, 1), GATHERED_COPIES * 2.0 * shape.hidden * tokens * layout.data, 0.0)


def busiest_share(data: Any, tokens: Any, prompt_tokens: Any) -> Any:
    """The share of a step's `tokens` of prompts, each of `prompt_tokens`, that the busiest data rank works on.

    A prompt stays on its rank: with fewer prompts than ranks one has a whole one, and the others wait for it.
    """
    return np.maximum(1.0 / data, np.minimum(1.0, prompt_tokens / np.maximum(tokens, 1.0)))
