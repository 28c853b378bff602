"""Is what a workload says of its fleet held to what can be followed?"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from planner.fleet_fields import HOURS, Fleet


@pytest.mark.parametrize(
    ("field", "given", "told"),
    [
        ("time_zone", "Berlin", "'Berlin' is no time zone; write one of IANA's"),
        ("profile", (1.0,) * (HOURS - 1), "at least 24 items"),
        ("profile", (*(1.0,) * 23, 1.5), "less than or equal to 1"),
        ("spot_share", 1.5, "less than or equal to 1"),
        ("headroom", -0.1, "greater than or equal to 0"),
        ("spare", "rack", "'none', 'node' or 'zone'"),
    ],
)
def test_what_cannot_be_followed_is_refused(field: str, given: Any, told: str) -> None:
    """A zone nobody knows, a day that is not 24 hours, and shares beyond all of it are named."""
    with pytest.raises(ValidationError) as caught:
        Fleet.model_validate({field: given})
    assert any(error["loc"][0] == field and told in error["msg"] for error in caught.value.errors())


def test_zones_are_known_by_their_iana_names() -> None:
    """A zone is kept as written, and UTC where none is said."""
    assert Fleet(time_zone="Europe/Berlin").time_zone == "Europe/Berlin"
    assert Fleet().time_zone == "Etc/UTC"
