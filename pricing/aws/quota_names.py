"""What are the quotas called that bound an instance type?

Names of on-demand and spot quotas from the EC2 user guide (on-demand and spot instance quotas), of P5's spot quota
from two accounts' listings of 2024 and 2026, which name it beside "All P4, P3 and P2 Spot Instance Requests"; the
user guide calls that one "All P Spot Instance Requests", under the same code L-7212CCBC. HyperPod's from the
SageMaker developer guide's table of prerequisites, the VPC's from the VPC user guide.
"""

from __future__ import annotations

import re

from pricing.price import QuotaKind

NETWORK_INTERFACES = "Network interfaces per Region"

_ON_DEMAND, _SPOT = QuotaKind.ON_DEMAND_VCPUS, QuotaKind.SPOT_VCPUS
_ALL_P_SPOT = "All P Spot Instance Requests"

# By the beginning of the family's name; the first name that the account lists counts. No source says which spot
# quota P6 counts in where P5 has one of its own: there, P6's is unknown.
_NAMES: tuple[tuple[re.Pattern[str], QuotaKind, tuple[str, ...]], ...] = (
    (re.compile(r"p\d"), _ON_DEMAND, ("Running On-Demand P instances",)),
    (re.compile(r"(g|gr|vt)\d"), _ON_DEMAND, ("Running On-Demand G and VT instances",)),
    (re.compile(r"inf\d"), _ON_DEMAND, ("Running On-Demand Inf instances",)),
    (re.compile(r"trn\d"), _ON_DEMAND, ("Running On-Demand Trn instances",)),
    (re.compile(r"dl\d"), _ON_DEMAND, ("Running On-Demand DL instances",)),
    (re.compile(r"p[234]"), _SPOT, ("All P4, P3 and P2 Spot Instance Requests", _ALL_P_SPOT)),
    (re.compile(r"p5"), _SPOT, ("All P5 Spot Instance Requests", _ALL_P_SPOT)),
    (re.compile(r"p\d"), _SPOT, (_ALL_P_SPOT,)),
    (re.compile(r"(g|gr|vt)\d"), _SPOT, ("All G and VT Spot Instance Requests",)),
    (re.compile(r"inf\d"), _SPOT, ("All Inf Spot Instance Requests",)),
    (re.compile(r"trn\d"), _SPOT, ("All Trn Spot Instance Requests",)),
    (re.compile(r"dl\d"), _SPOT, ("All DL Spot Instance Requests",)),
)


def vcpu_names(kind: QuotaKind, instance_type: str) -> tuple[str, ...]:
    """The names that the vCPU quota of an EC2 instance type may have, the likeliest first; none for others."""
    return next((names for family, counted, names in _NAMES if counted is kind and family.match(instance_type)), ())


def cluster_name(instance_type: str) -> str:
    """The name of HyperPod's quota of an `ml.` type on demand, which counts instances of all clusters together."""
    return f"{instance_type} for cluster usage"
