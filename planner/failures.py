"""How often do accelerators fail, and what does the loss of a replica undo?"""

from __future__ import annotations

from typing import Any

import numpy as np

from pricing.units import DAY_S

# Llama 3's training: 419 unexpected interruptions in 54 days on 16,384 H100 (arXiv 2407.21783, table 5). Failures come
# in proportion to accelerators (Kokolis et al. 2024, arXiv 2410.21680, section III).
INTERRUPTIONS_PER_ACCELERATOR_S = 419 / (54 * DAY_S * 16_384)


def failures_per_s(accelerators: Any) -> Any:
    """Failures a second that stop a job on so many accelerators; a number, or one per fleet."""
    return accelerators * INTERRUPTIONS_PER_ACCELERATOR_S


def lost_s(in_flight: Any, requests_per_s: Any, run_s: Any) -> Any:
    """Seconds of a run that the loss of a replica is expected to undo: half of what was in flight, in a run that is
    shorter half of that."""
    return np.minimum(in_flight / requests_per_s, run_s) / 2
