"""How is an AWS API reached, how long may it take, and what does its refusal mean?

Every call of this package goes through `client` and `asked`: short timeouts, few retries, and each failure as one
sentence that names the API, the region and what to change.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from pricing.errors import MarketError

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.regions import EndpointResolver

# A plan must not hang on a network that drops packets; a refresh may take its time over a page.
CONNECT_S = 2
READ_S = 20
ATTEMPTS = 4

# The Price List API lives in few regions, which have nothing to do with the regions that it prices, and boto3
# makes up addresses for all others (botocore's endpoints.json lists these and two more of `aws`).
PRICING_REGION = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-eusc": "eusc-de-east-1"}
PRICING_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
PRICING_REGION_VARIABLE = "BERTH_PRICING_REGION"
_MEND = {
    "AccessDenied": "allow {action} to this role",
    "AccessDeniedException": "allow {action} to this role",
    "UnauthorizedOperation": "allow {action} to this role",
    "AuthFailure": "enable the region in the account, or check the credentials and this machine's clock",
    "OptInRequired": "enable the region in the account",
    "ExpiredToken": "log in again: the token has expired",
    "ExpiredTokenException": "log in again: the token has expired",
    "RequestExpired": "set this machine's clock: the request looked too old",
    "RequestTimeTooSkewed": "set this machine's clock: it is off by over 5 minutes",
    "SignatureDoesNotMatch": "check the secret key, and this machine's clock",
    "InvalidSignatureException": "check the secret key, and this machine's clock",
    "InvalidClientTokenId": "check the access key",
    "UnrecognizedClientException": "check the access key",
    "Throttling": "wait and try again: AWS slows this account down",
    "ThrottlingException": "wait and try again: AWS slows this account down",
    "RequestLimitExceeded": "wait and try again: AWS slows this account down",
    "CapacityBlockDescribeLimitExceeded": "wait, or have the account's quota of Capacity Blocks raised: it may be 0",
}
_building = Lock()


@cache
def session() -> Session:
    """The session of the user's own profile and credentials."""
    from boto3.session import Session

    mine = Session()
    mine.events.register("before-parse", _refuse_parts)
    return mine


def _refuse_parts(response_dict: Mapping[str, Any], **_: object) -> None:
    """botocore takes an answer that breaks off for a whole one, and its JSON for empty."""
    from botocore.exceptions import IncompleteReadError

    headers, body = response_dict["headers"], response_dict["body"]
    announced = headers.get("Content-Length", "")
    plain = isinstance(body, bytes) and not headers.get("Content-Encoding")
    if plain and announced.isdecimal() and len(body) < int(announced):
        raise IncompleteReadError(actual_bytes=len(body), expected_bytes=int(announced))


def has_credentials() -> bool:
    """Whether any credentials are configured; says nothing about what they allow.

    Raises MarketError where what is configured makes no sense, as a profile that does not exist.
    """
    from botocore.exceptions import BotoCoreError

    # Looked for once and by one thread: off EC2, a wait for the metadata service may be part of it.
    with _building:
        try:
            return _has_credentials(session())
        except BotoCoreError as error:
            raise MarketError(f"no AWS credentials can be had: {error}") from None


@cache
def _has_credentials(mine: Session) -> bool:
    return mine.get_credentials() is not None


def partition_of(region: str) -> str:
    """The partition of a region: `aws`, `aws-cn`, `aws-us-gov`, ... Raises MarketError for no region's name."""
    from botocore.exceptions import UnknownRegionError

    try:
        return str(_resolver().get_partition_for_region(region))
    except UnknownRegionError as error:
        raise MarketError(f"{region} is not a region of any AWS partition: {error}") from None


@cache
def _resolver() -> EndpointResolver:
    """What botocore knows of partitions; no session, since that fails on a profile that does not exist."""
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    return EndpointResolver(create_loader().load_data("endpoints"))


def pricing_region(region: str) -> str:
    """Where the Price List API that knows the prices of `region` is asked.

    Raises MarketError where its partition has none.
    """
    partition = partition_of(region)
    place = os.environ.get(PRICING_REGION_VARIABLE) if partition == "aws" else None
    if place and place not in PRICING_REGIONS:
        known = ", ".join(PRICING_REGIONS)
        raise MarketError(f"{PRICING_REGION_VARIABLE}={place}: the Price List API is in {known}; name one of them.")
    if place := place or PRICING_REGION.get(partition):
        return place
    raise MarketError(f"{region}: the partition {partition} has no Price List API; its price list file needs none.")


def client(service: str, region: str, *, read_s: float = READ_S, attempts: int = ATTEMPTS) -> Any:
    """A boto3 client of a service in a region. boto3 must not build two at once."""
    from botocore.config import Config

    config = Config(
        connect_timeout=CONNECT_S, read_timeout=read_s, retries={"mode": "standard", "total_max_attempts": attempts}
    )
    with _building:
        return session().client(service, region_name=region, config=config)


@contextmanager
def asked(action: str, region: str) -> Iterator[None]:
    """Turns a failed call of `action` (as IAM names it, `ec2:DescribeSpotPriceHistory`) into a MarketError."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        said = str(error.response.get("Error", {}).get("Message", error))
        mend = _MEND.get(code, "").format(action=action)
        raise MarketError(f"{action} in {region}: {code}: {said}{f' ({mend})' if mend else ''}") from None
    except BotoCoreError as error:
        raise MarketError(f"{action} in {region}: {error}") from None
    except ResponseParserError:
        # A proxy's or a hotel's page; its text is of no use.
        raise MarketError(f"{action} in {region}: what answers is not AWS (check the network and its proxy)") from None
