"""Is the machine image of a public parameter what Systems Manager answers, and its absence said in one sentence?"""

from __future__ import annotations

from typing import Any

import pytest

from pricing.aws.images import resolve_image
from pricing.errors import MarketError
from tests.support.recorded import Replay, recorded

CALL = "GetParameter"
REGION = "us-east-1"
PARAMETER = "/aws/service/eks/optimized-ami/1.33/amazon-linux-2023/x86_64/nvidia/recommended/image_id"


def refusal(aws: Replay) -> str:
    """The one finding with which the image is not had."""
    with pytest.raises(MarketError) as caught:
        resolve_image(PARAMETER, REGION)
    assert aws.requests(CALL) == [{"Name": PARAMETER}]
    (finding,) = caught.value.findings
    return finding


def test_the_image_is_the_parameter_s_value(aws: Replay) -> None:
    """One request names the parameter, in the region asked for."""
    aws.answers(CALL, recorded(CALL, "eks-nvidia-us-east-1.json"))
    assert resolve_image(PARAMETER, REGION) == "ami-0123456789abcdef0"
    assert [(each.host, each.parameters) for each in aws.asked] == [
        ("ssm.us-east-1.amazonaws.com", {"Name": PARAMETER})
    ]


def test_a_missing_permission_is_named(aws: Replay) -> None:
    """What was looked up, what AWS says, and which permission to allow."""
    aws.refuses(CALL, "AccessDeniedException", "not authorized")
    finding = refusal(aws)
    assert finding.startswith(f"The machine image {PARAMETER} cannot be looked up: ssm:GetParameter in {REGION}:")
    assert "not authorized" in finding and "allow ssm:GetParameter" in finding


def test_a_parameter_that_is_not_there_is_said(aws: Replay) -> None:
    """A public parameter that the region lacks is AWS's own answer."""
    aws.refuses(CALL, "ParameterNotFound", "")
    assert "ParameterNotFound" in refusal(aws)


@pytest.mark.parametrize("answer", [{}, {"Parameter": {}}, {"Parameter": {"Value": ""}}, {"Parameter": None}])
def test_an_answer_without_an_image_is_no_image(aws: Replay, answer: dict[str, Any]) -> None:
    """Nothing is never taken for the id of an image."""
    aws.answers(CALL, answer)
    assert refusal(aws) == f"The machine image {PARAMETER} cannot be looked up in {REGION}: the answer names none."


def test_a_page_of_html_is_no_image(aws: Replay) -> None:
    """What a proxy or a hotel answers names none either, and is asked for once."""
    aws.answers(CALL, "<html>Log in to this network.</html>")
    assert refusal(aws).endswith(f"cannot be looked up in {REGION}: the answer names none.")
