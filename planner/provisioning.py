"""Which parts of a stack does the user decide on: the shared file system, and what serves?"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from planner.fields import AddressBlock, S3Uri, Section, text_schema
from pricing.units import GIB, parse_bytes


def _gib(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} has no unit; write a size such as 4800GiB")
    size = parse_bytes(value)
    if size % GIB:
        raise ValueError(f"{value!r} is no whole number of GiB; FSx sells steps of GiB, such as 4800GiB")
    return size // GIB


def _pinned(value: str) -> str:
    _, at, digest = value.partition("@sha256:")
    tag = value.rpartition("/")[2].partition(":")[2]
    if not at and tag in ("", "latest"):
        raise ValueError(
            f"{value!r} names no version, and would be another image tomorrow; add a tag other than latest, or @sha256:"
        )
    if at and len(digest) != 64:
        raise ValueError(f"{value!r} has no whole digest; sha256 takes 64 hexadecimal digits")
    return value


Gib = Annotated[int, BeforeValidator(_gib), text_schema("4800GiB")]
SubnetId = Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecretArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[\w/+=.@-]+-[A-Za-z0-9]{6}$")
]
# A bucket and prefix, as S3Uri, or a folder of the shared file system.
WeightsPlace = Annotated[
    str,
    Field(
        pattern=r"^(s3://[a-z0-9][a-z0-9-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()/-]*)?"
        r"|/fsx(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+)$",
        max_length=1088,
    ),
]
ContainerImage = Annotated[
    str,
    Field(pattern=r"^[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]+)?$"),
    AfterValidator(_pinned),
]
Https = Annotated[str, Field(pattern=r"^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[^\s\"'*?]*)?$", max_length=512)]
Container = Literal["vllm", "triton", "nim"]


class Existing(Section):
    """What stands in the account already and is used instead of made. Nothing is looked up."""

    vpc: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]{8,17}$")] | None = None
    """VPC by id, such as vpc-0123456789abcdef0."""
    subnet: SubnetId | None = None
    """Private subnet of that VPC by id, such as subnet-0123456789abcdef0. It needs a way out and a gateway to S3."""
    route_table: Annotated[str, Field(pattern=r"^rtb-[0-9a-f]{8,17}$")] | None = None
    """Route table by id, such as rtb-0123456789abcdef0, that leads a new subnet of that VPC out."""
    security_group: Annotated[str, Field(pattern=r"^sg-[0-9a-f]{8,17}$")] | None = None
    """Security group by id, such as sg-0123456789abcdef0, that the nodes join beside their own."""
    file_system: Annotated[str, Field(pattern=r"^fs-[0-9a-f]{8,17}$")] | None = None
    """FSx for Lustre file system by id, such as fs-0123456789abcdef0."""
    mount_name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,8}$")] | None = None
    """Mount name of that file system, such as fsx or abcdef01."""
    key: (
        Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-)?[0-9a-f-]{32,36}$")] | None
    ) = None
    """KMS key by ARN, such as arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab, for disks
    and bucket."""
    permissions_boundary: (
        Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[\w+=,.@/-]+$")] | None
    ) = None
    """Policy by ARN, such as arn:aws:iam::111122223333:policy/boundary, that bounds every role of the stack."""
    placement_group: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,255}$")] | None = None
    """Placement group by name, such as block-a, in which the reservation was made."""
    eks_cluster: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$")] | None = None
    """EKS cluster by name, such as research, that the nodes of the target eks-nodes join."""
    balancer_subnets: tuple[SubnetId, ...] = ()
    """Subnets of that VPC by id, in two zones or more, that a serving-fleet's load balancer stands in."""


class FileSystem(Section):
    """An FSx for Lustre file system of the second generation."""

    capacity: Gib
    """1200GiB, or a multiple of 2400GiB; with efa a multiple of 38400, 19200, 9600 or 4800GiB, by throughput."""
    throughput: Literal[125, 250, 500, 1000] = 250
    """MB/s of each TiB of capacity."""
    data: S3Uri | None = None
    """Bucket and prefix whose objects are seen below /fsx/data, such as s3://my-data/tokens; changes flow both ways."""
    efa: bool = False
    """Whether clients may reach it over EFA; only from its creation on."""


class Jwt(Section):
    """Whose signed tokens the load balancer lets pass."""

    issuer: Annotated[str, Field(pattern=r"^[^\s\"'*]{1,256}$")]
    """The issuer (claim iss) of the tokens."""
    keys: Https
    """Where the issuer publishes its keys (JWKS), such as https://issuer.example.com/.well-known/jwks.json."""


class Serving(Section):
    """A fleet of replicas behind a load balancer."""

    container: Container = "vllm"
    """Software in the container: vllm, triton or nim."""
    image: ContainerImage | None = None
    """Container image with a tag, or better a digest (repo@sha256:...), which nobody can move. Left out: the one that
    Berth pins by tag, which nim has not."""
    weights: WeightsPlace | None = None
    """Where the weights stand: in S3, such as s3://my-models/llama-3.1-8b, from where each node copies them to its
    local disks, or on an existing file system, such as /fsx/llama-3.1-8b."""
    certificate: (
        Annotated[str, Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9a-f-]{36}$")] | None
    ) = None
    """Certificate of the load balancer, by ARN in AWS Certificate Manager, in the region of the fleet."""
    jwt: Jwt | None = None
    """Let the load balancer check signed tokens. Left out: the engine checks an API key."""
    api_key: SecretArn | None = None
    """Secret whose whole text is the API key, by ARN in Secrets Manager. Left out: one that the stack makes."""
    registry_secret: SecretArn | None = None
    """Secret with the NGC key that pulls nim's image and weights, by ARN in Secrets Manager."""
    clients: tuple[AddressBlock, ...] = ()
    """Address blocks that may reach the load balancer, beside its own VPC, such as 10.20.0.0/16."""
    spare_zone: bool = False
    """Whether nodes may also start in the next zone that offers the type."""
    least_nodes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Fewest nodes that scaling in leaves. Left out: the planned nodes."""
    most_nodes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Most nodes that scaling out starts. Left out: the planned nodes, so that the bill stays the planned one."""
