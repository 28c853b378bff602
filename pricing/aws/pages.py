"""How is a long answer of an AWS API read to its end?

An answer comes whole or not at all: what a failure in the middle left behind is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Page = Mapping[str, Any]

# The Price List API forgets a listing that is read too slowly (its GetProducts lists the exception).
_EXPIRED = {"ExpiredNextToken", "ExpiredNextTokenException"}


def pages(ask: Callable[..., Page], token: str = "NextToken", **request: Any) -> tuple[Page, ...]:
    """Every page that `ask(**request)` answers, the empty ones between others included.

    `token` is what the API calls its token, in the answer and in the request. A listing whose token has expired
    is read once more from its start, since its halves may not belong together. Raises botocore's errors, with a
    PaginationError where a token comes back, or a page has no content: callers stand in `session.asked`.
    """
    from botocore.exceptions import ClientError

    try:
        return _read(ask, token, request)
    except ClientError as error:
        if str(error.response.get("Error", {}).get("Code")) not in _EXPIRED:
            raise
    return _read(ask, token, request)


def _read(ask: Callable[..., Page], token: str, request: Mapping[str, Any]) -> tuple[Page, ...]:
    from botocore.exceptions import PaginationError

    answers = [_page(ask(**request), token)]
    seen = set()
    while following := answers[-1].get(token):
        if following in seen:
            raise PaginationError(message=f"page {len(answers)} leads back to an earlier one")
        seen.add(following)
        answers.append(_page(ask(**request, **{token: following}), token))
    return tuple(answers)


def _page(answer: Page, token: str) -> Page:
    """The answer, which has a list even where that is empty.

    botocore takes whatever is no JSON for an answer without content: a listing would seem to end there.
    """
    from botocore.exceptions import PaginationError

    if not answer.keys() - {"ResponseMetadata", token}:
        raise PaginationError(message="a page has no content")
    return answer
