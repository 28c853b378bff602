"""Is a long answer read to its end, whole or not at all?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, PaginationError, ReadTimeoutError

from pricing.aws.pages import pages

Answer = Mapping[str, Any] | Exception


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "No."}}, "GetProducts")


def api(*answers: Answer) -> tuple[Callable[..., Mapping[str, Any]], list[dict[str, Any]]]:
    """An API that gives these answers in turn, and the list of what it was asked."""
    asked: list[dict[str, Any]] = []
    waiting = iter(answers)

    def ask(**request: Any) -> Mapping[str, Any]:
        asked.append(request)
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask, asked


def test_every_page_is_read() -> None:
    """The listing goes on until no token comes, through a page that is empty, with the request unchanged."""
    ask, asked = api({"rows": [1], "NextToken": "a"}, {"rows": [], "NextToken": "b"}, {"rows": [2], "NextToken": ""})
    assert [row for page in pages(ask, MaxResults=1) for row in page["rows"]] == [1, 2]
    assert asked == [{"MaxResults": 1}, {"MaxResults": 1, "NextToken": "a"}, {"MaxResults": 1, "NextToken": "b"}]


def test_the_token_has_the_name_that_the_api_gives_it() -> None:
    """An API that writes `nextToken`, and ends with null, is followed as well."""
    ask, asked = api({"rows": [1], "nextToken": "a"}, {"rows": [2], "nextToken": None})
    assert len(pages(ask, "nextToken")) == 2
    assert asked[1] == {"nextToken": "a"}


@pytest.mark.parametrize("code", ["ExpiredNextTokenException", "ExpiredNextToken"])
def test_an_expired_listing_starts_anew(code: str) -> None:
    """After an expired token nothing of the first reading is left, and the second begins without a token."""
    ask, asked = api({"rows": ["old"], "NextToken": "a"}, refusal(code), {"rows": ["new"]})
    assert pages(ask) == ({"rows": ["new"]},)
    assert asked[2] == {}


def test_a_listing_that_expires_again_fails() -> None:
    """It is read a second time, not for ever."""
    expired = refusal("ExpiredNextTokenException")
    first = {"rows": [1], "NextToken": "a"}
    ask, asked = api(first, expired, first, expired)
    with pytest.raises(ClientError):
        pages(ask)
    assert len(asked) == 4


@pytest.mark.parametrize("error", [refusal("ThrottlingException"), ReadTimeoutError(endpoint_url="https://aws")])
def test_a_failure_in_the_middle_yields_nothing(error: Exception) -> None:
    """The pages before it are not handed out, and no second reading is tried."""
    ask, asked = api({"rows": [1], "NextToken": "a"}, error)
    with pytest.raises(type(error)):
        pages(ask)
    assert len(asked) == 2


@pytest.mark.parametrize("tokens", ["aa", "aba"])
def test_a_token_that_comes_back_is_an_error(tokens: str) -> None:
    """A listing that leads back to an earlier page ends there, with an error that says so."""
    ask, asked = api(*({"rows": [], "NextToken": token} for token in tokens))
    with pytest.raises(PaginationError, match=f"page {len(tokens)} leads back"):
        pages(ask)
    assert len(asked) == len(tokens)
