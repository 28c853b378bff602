"""Does the bundle still say what EC2 says of its instance types, in several regions at once?"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from pricing.aws.instance_types import Ec2Type, describe_types
from pricing.aws.offerings import zone_offerings
from pricing.aws.session import has_credentials
from pricing.catalog import load_instance_types
from pricing.drift import Comparison, compare
from pricing.errors import MarketError
from pricing.feeds import NO_CREDENTIALS
from pricing.parallel import Watch, in_parallel


class Checked(Struct, frozen=True, kw_only=True):
    """What the comparison found, over how many types, and the regions that could not be asked."""

    comparison: Comparison
    compared: int
    findings: tuple[str, ...]


class _Described(Struct, frozen=True, kw_only=True):
    region: str
    records: tuple[Ec2Type, ...] = ()
    sold: tuple[str, ...] = ()
    failure: str = ""

    def __str__(self) -> str:
        return f"instance types of {self.region}"


def check_hardware(regions: Sequence[str], watch: Watch | None = None) -> Checked:
    """Compares the bundle's instance types with EC2's record of some regions, the first that describes each.

    Raises MarketError where no region could be asked.
    """
    if not has_credentials():
        raise MarketError(f"EC2's record cannot be had: {NO_CREDENTIALS}.")
    found = {each.region: each for each in in_parallel(regions, _described, watch=watch)}
    findings = tuple(each.failure for each in found.values() if each.failure)
    if len(findings) == len(found):
        raise MarketError(findings)
    records: dict[str, Ec2Type] = {}
    for region in reversed(regions):
        records |= {each.name: each for each in found[region].records}
    sold = {name for each in found.values() for name in each.sold}
    return Checked(
        comparison=compare(load_instance_types(), records.values(), sold), compared=len(records), findings=findings
    )


def _described(region: str) -> _Described:
    try:
        records = describe_types(region)
        sold = [name for name, _ in zone_offerings(region, load_instance_types())]
    except MarketError as error:
        return _Described(region=region, failure=" ".join(error.findings))
    except Exception as error:
        return _Described(
            region=region, failure=f"EC2's record of {region} is not understood ({type(error).__name__}: {error})."
        )
    return _Described(region=region, records=records, sold=tuple(sold))
