"""How are the fields of a workload file written: counts, durations, sizes, money?"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from planner.documented import Documented
from pricing.units import TIB, YEAR_S, parse_bytes, parse_count, parse_duration_s, show_bytes

# The largest gp3 volume (Amazon EBS user guide, general purpose SSD volumes).
LARGEST_VOLUME_BYTES = 64 * TIB
# Shorter than any clock ticks; longer than anybody waits.
SHORTEST_DURATION_S = 1e-6
LONGEST_DURATION_S = 100 * YEAR_S
# RFC 1918, and the shared address space of RFC 6598, which VPCs may use too.
LARGEST_PREFIX, SMALLEST_PREFIX = 16, 28
PRIVATE_BLOCKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))


def _count(value: Any) -> Any:
    return parse_count(value) if isinstance(value, str) else value


def _duration(value: Any) -> float:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a duration such as 300ms, 36h or 30d")
    seconds = parse_duration_s(value)
    if not SHORTEST_DURATION_S <= seconds <= LONGEST_DURATION_S:
        raise ValueError(f"{value!r} is no duration to plan with; write one from 1us to 36500d")
    return seconds


def _size(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a size such as 300GiB")
    size = parse_bytes(value)
    if not 0 < size <= LARGEST_VOLUME_BYTES:
        raise ValueError(f"{value!r} is no size of a volume; EBS has them up to {show_bytes(LARGEST_VOLUME_BYTES)}")
    return size


def _moment(value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no moment; write one such as 2026-12-01T11:30:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{value!r} names no time zone; end it with Z for UTC")
    return moment


def _addresses(value: str) -> IPv4Network:
    try:
        return IPv4Network(value)
    except ValueError as error:
        raise ValueError(f"{value!r} is no block of IPv4 addresses: {error}; write one such as 10.1.0.0/16") from None


def _block(value: str) -> str:
    block = _addresses(value)
    if not LARGEST_PREFIX <= block.prefixlen <= SMALLEST_PREFIX:
        raise ValueError(f"{value!r} is a /{block.prefixlen}; VPCs and subnets are from /16 to /28")
    if not any(block.subnet_of(private) for private in PRIVATE_BLOCKS):
        raise ValueError(f"{value!r} holds public addresses; take a block inside {', '.join(map(str, PRIVATE_BLOCKS))}")
    return value


def _clients(value: str) -> str:
    if _addresses(value).prefixlen == 0:
        raise ValueError(f"{value!r} is every address there is; write a block of your own, such as 10.20.0.0/16")
    return value


def _load(value: Any) -> Any:
    if isinstance(value, int | float) and value == 0:
        raise ValueError(f"{value} is no load; write the least that is worth a machine, such as 0.01")
    return value


def text_schema(example: str, *also: str) -> WithJsonSchema:
    """What an editor is told of a field that is written as text with a unit."""
    return WithJsonSchema({"type": [*also, "string"], "examples": [example]})


Count = Annotated[int, BeforeValidator(_count), Field(gt=0, le=10**18), text_schema("20B", "integer")]
CountOrZero = Annotated[int, BeforeValidator(_count), Field(ge=0, le=10**18), text_schema("20B", "integer")]
Seconds = Annotated[float, BeforeValidator(_duration), text_schema("300ms")]
Bytes = Annotated[int, BeforeValidator(_size), text_schema("300GiB")]
# To cents, so that 2000 and 2000.0 are the same budget.
Usd = Annotated[
    Decimal,
    Field(ge=Decimal("0.01"), le=10**12, allow_inf_nan=False),
    AfterValidator(lambda amount: amount.quantize(Decimal("0.01"))),
]
Moment = Annotated[datetime, BeforeValidator(_moment), text_schema("2026-12-01T11:30:00Z")]
# A VPC's or a subnet's own block, and one of those who may come from elsewhere.
Cidr = Annotated[str, AfterValidator(_block), text_schema("10.1.0.0/16")]
AddressBlock = Annotated[str, AfterValidator(_clients), text_schema("10.20.0.0/16")]
# Requests or queries a second.
Rate = Annotated[float, BeforeValidator(_load), Field(ge=1e-6, le=1e7)]
Degree = Annotated[int, Field(ge=1, le=65_536)]
# AWS Budgets and SNS take what the address syntax of the web takes (WHATWG HTML, valid e-mail address), with a domain.
Email = Annotated[
    str,
    Field(
        max_length=254,
        pattern=r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
        r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
    ),
]
# Names of general purpose buckets (S3 user guide, bucket naming rules), and a key prefix.
S3Uri = Annotated[
    str,
    Field(pattern=r"^s3://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?$", max_length=1088),
]


class Section(Documented):
    """Base of all parts of a workload."""
