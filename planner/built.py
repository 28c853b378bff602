"""Which parts does a stack have that not every one has: a shared file system, a fleet that serves, a cut by MIG?"""

from __future__ import annotations

from msgspec import Struct


class FileSystem(Struct, frozen=True, kw_only=True):
    """A Lustre file system: its size, MB/s of each TiB, and the S3 URI that it shows below /fsx/data, if any."""

    capacity_gib: int
    mb_per_s_per_tib: int
    data: str | None
    efa: bool


class Engine(Struct, frozen=True, kw_only=True):
    """What answers requests in a container.

    It listens on `port`, is well when `health_path` answers 200, and serves `paths` and nothing else to clients.
    `metrics` is the address on the node at which it counts; `waiting`, `running` and `tokens` are patterns of its names
    there for requests that wait, requests in flight and tokens made (empty where it counts none). `keyed` is whether it
    checks API keys itself.
    """

    name: str
    image: str
    command: tuple[str, ...]
    port: int
    health_path: str
    paths: tuple[str, ...]
    metrics: str
    waiting: str
    running: str
    tokens: str
    keyed: bool


class Floor(Struct, frozen=True, kw_only=True):
    """Fewest nodes from a minute of the day on, until the next floor."""

    minute: int
    nodes: int


class Fleet(Struct, frozen=True, kw_only=True):
    """Nodes that serve behind a load balancer; as many as `Build.nodes` are started. Nodes, bytes, seconds.

    It is scaled between `least_nodes` and `most_nodes`, to `waiting_per_node` requests that wait on each at most, and
    `running_per_node` in flight.
    `longest_answer_s` is that of the longest context. `weights` is where they stand in S3, `weights_path` where nodes
    find them mounted; neither where the engine brings its own. Clients are let in by the issuer's signed tokens where
    `issuer` and `keys` are set, else by a key: the secret `api_key`, or one that the stack makes. `zone_ids` are the
    nodes' zones, `balancer_zone_ids` the two of the load balancer, none where its subnets stand. `on_demand_nodes` are
    on demand before any node is on spot, None where all are bought alike. `schedule` is the day of the planned load,
    by the clock of `time_zone`, empty where nobody said how it goes.
    """

    engine: Engine
    least_nodes: int
    most_nodes: int
    waiting_per_node: int
    running_per_node: int
    longest_answer_s: float
    weights: str | None
    weights_bytes: int
    certificate: str
    issuer: str | None
    keys: str | None
    registry_secret: str | None
    clients: tuple[str, ...]
    zone_ids: tuple[str, ...]
    balancer_zone_ids: tuple[str, ...]
    weights_path: str | None = None
    api_key: str | None = None
    on_demand_nodes: int | None = None
    schedule: tuple[Floor, ...] = ()
    time_zone: str = "Etc/UTC"


class Mig(Struct, frozen=True, kw_only=True):
    """How each accelerator is cut: the profile's name, and how many instances of it."""

    profile: str
    instances: int


class Existing(Struct, frozen=True, kw_only=True):
    """What stands in the account already and is used instead of made, each by its id; None for what the stack makes.

    A `subnet` stands in `vpc`; without one the stack makes its own there, with the routes of `route_table`. Nodes join
    `security_group` beside their own. `file_system` is FSx for Lustre, which its `mount_name` mounts. Nodes of the
    target eks-nodes join `eks_cluster`, which EKS knows by its name. A fleet's load
    balancer stands in `balancer_subnets`, each in a zone of its own.
    """

    vpc: str | None = None
    subnet: str | None = None
    route_table: str | None = None
    security_group: str | None = None
    file_system: str | None = None
    mount_name: str | None = None
    key: str | None = None
    permissions_boundary: str | None = None
    placement_group: str | None = None
    eks_cluster: str | None = None
    balancer_subnets: tuple[str, ...] = ()


class Image(Struct, frozen=True, kw_only=True):
    """The machine image: the public SSM parameter that names it, and its id once resolved in the region.

    An image of the user's own has an id and no parameter, that which EKS chooses neither.
    """

    parameter: str | None
    id: str | None
