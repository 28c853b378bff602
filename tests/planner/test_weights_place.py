"""From where a fleet's nodes read the weights, and what cannot be read from there."""

from __future__ import annotations

from typing import Any

import pytest

from planner.weights_place import place_faults, weights_place
from planner.workload import Workload

S3 = "s3://my-models/dense/8b"
STANDS: dict[str, Any] = {"existing": {"vpc": "vpc-01234567", "file_system": "fs-01234567", "mount_name": "fsx"}}


def own(data: str | None = None) -> dict[str, Any]:
    """Storage with a file system of the stack's own."""
    return {"storage": {"file_system": {"capacity": "1200GiB", **({"data": data} if data else {})}}}


def asked(weights: str | None, source: str = "s3", **provision: Any) -> Workload:
    """A fleet whose weights stand there."""
    whole = {
        "name": "one",
        "model": "llama-3.1-8b",
        "inference": {
            **{"requests_per_second": 1, "input_tokens": 10, "output_tokens": 10},
            "fleet": {"weights_from": source},
        },
        "provision": {"target": "serving-fleet", "serving": {"weights": weights} if weights else {}, **provision},
    }
    return Workload.model_validate(whole, strict=False)


@pytest.mark.parametrize(
    ("workload", "place"),
    [
        (asked(S3), (S3, None)),
        (asked(None), (None, None)),
        # A file system beside the fleet changes nothing until it is read.
        (asked(S3, **own("s3://my-models")), (S3, None)),
        (asked(S3, "fsx", **own("s3://my-models")), (None, "/fsx/data/dense/8b")),
        (asked(S3, "fsx", **own("s3://my-models/dense/")), (None, "/fsx/data/8b")),
        (asked(S3, "fsx", **own(S3)), (None, "/fsx/data")),
        (asked("/fsx/dense", "fsx", **STANDS), (None, "/fsx/dense")),
    ],
)
def test_weights_are_read_where_they_stand(workload: Workload, place: tuple[str | None, str | None]) -> None:
    """From the bucket, or from the folder in which a file system shows the bucket."""
    assert weights_place(workload) == place
    assert [*place_faults(workload)] == []


@pytest.mark.parametrize(
    ("workload", "field", "words"),
    [
        (asked(S3, "nvme"), "inference.fleet.weights_from", "cannot take nvme"),
        (asked(S3, "ebs"), "inference.fleet.weights_from", "cannot take ebs"),
        (asked(None, "fsx"), "inference.fleet.weights_from", "no weights to read there"),
        (asked(S3, "fsx"), "provision.serving.weights", "shows the bucket of provision.storage.file_system.data"),
        (asked(S3, "fsx", **own("s3://my-mod")), "provision.serving.weights", "shows the bucket of"),
        (asked(S3, "fsx", **own("s3://my-models/den")), "provision.serving.weights", "shows the bucket of"),
        (asked("/fsx/dense", "fsx"), "provision.serving.weights", "stands on a file system"),
        (asked("/fsx/dense", **STANDS), "provision.serving.weights", "set inference.fleet"),
    ],
)
def test_what_is_not_there_is_refused_at_its_field(workload: Workload, field: str, words: str) -> None:
    """A disk without weights, and a file system that does not show them."""
    ((path, says),) = place_faults(workload)
    assert ".".join(map(str, path)) == field and words in says
