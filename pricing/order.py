"""In which order may a list of instance types stand?"""

from __future__ import annotations

from enum import StrEnum


class Sort(StrEnum):
    """What a list is sorted by; unknown prices come last."""

    NAME = "name"
    PRICE = "price"
    PRICE_PER_ACCELERATOR = "price-per-accelerator"
    MEMORY = "memory"
    ACCELERATORS = "accelerators"
