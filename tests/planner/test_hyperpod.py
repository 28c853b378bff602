"""Which instance types HyperPod has."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import botocore

from planner.hyperpod import CONTROLLER_TYPE, hyperpod_types
from pricing.catalog import load_instance_types


def test_the_types_are_those_of_sagemakers_own_model() -> None:
    """Of the types in the catalog those are listed that the API's model names, and so is the controller's."""
    model = Path(botocore.__file__).parent / "data" / "sagemaker" / "2017-07-24" / "service-2.json.gz"
    named = json.loads(gzip.decompress(model.read_bytes()))["shapes"]["ClusterInstanceType"]["enum"]
    assert hyperpod_types() == {name for name in load_instance_types() if f"ml.{name}" in named}
    assert f"ml.{CONTROLLER_TYPE}" in named
