"""How does each architecture's config.json spell what a shape needs?

One record per `model_type`. Counts were compared with those of models that Transformers builds from the same
config.json, see tests/planner/test_model_config.py.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.architecture import Architecture
from planner.architectures.dense import DENSE
from planner.architectures.encoders import ENCODER
from planner.architectures.experts import EXPERT
from planner.architectures.hybrids import HYBRID

ARCHITECTURES: Mapping[str, Architecture] = {**DENSE, **EXPERT, **HYBRID, **ENCODER}
