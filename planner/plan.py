"""What does a plan say? The records that the search fills, the lock keeps, the reports show and the stacks build."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field

from planner.batch_record import Batch
from planner.built import Existing, FileSystem, Fleet, Image, Mig
from planner.fleet_record import FleetPlan
from planner.index_record import IndexPlan
from planner.layout import Layout
from planner.need_record import Energy, Requirement
from planner.recipe import Accuracy, Recipe
from planner.split_record import Split
from planner.spread import Spreads
from planner.terms import RunHours
from pricing.offer import Provenance, Purchase
from pricing.units import HOUR_S


class Rung(StrEnum):
    """The ladder on which a choice is explained, from the smallest to the largest answer."""

    SINGLE_ACCELERATOR = "single accelerator"
    MORE_OPTIMIZATION = "more optimization"
    ONE_INSTANCE = "one instance"
    CLUSTER = "cluster"


class Target(StrEnum):
    """Which kind of stack builds the plan."""

    SINGLE_INSTANCE = "single-instance"
    EFA_CLUSTER = "efa-cluster"
    SERVING_FLEET = "serving-fleet"
    HYPERPOD_SLURM = "hyperpod-slurm"
    EKS_NODES = "eks-nodes"


class Lifecycle(StrEnum):
    """Whether storage goes with the stack or stays behind it."""

    EPHEMERAL = "ephemeral"
    PERSISTENT = "persistent"


class Term(Struct, frozen=True, kw_only=True):
    """One line of an itemised sum: bytes in a memory table, seconds in a time table."""

    name: str
    value: float


class Band(Struct, frozen=True, kw_only=True):
    """How far the truth may be from a prediction, as factors on it, and what says so.

    `measured` is whether runs of its like bound it; where none did, others stand for them.
    """

    low: float
    high: float
    basis: str
    measured: bool = True


class MemoryTable(Struct, frozen=True, kw_only=True):
    """Peak memory of the worst device. Bytes. `total_bytes` is the sum of `terms`."""

    stage: str
    terms: tuple[Term, ...]
    total_bytes: int
    device_bytes: int
    band: Band

    @property
    def headroom_bytes(self) -> int:
        """What the device has left at the predicted peak."""
        return self.device_bytes - self.total_bytes


class Run(Struct, frozen=True, kw_only=True):
    """How a training or batch job goes. Seconds, tokens/s over all devices once it runs (made, of a batch), USD.

    `run_s` is all of it, `checkpoints_s` and `failures_s` what these are expected to take of it, `between_failures_s`
    the mean time from one failure to the next. `utilization` is the share of the accelerators' peak that the model's
    own FLOP take (MFU), what a causal mask leaves out not counted; `unmasked_utilization` counts it too.
    `other_software` is what a step would take in other frameworks. A batch job has no utilization told, no checkpoints
    and no other software; a step is one of an engine, or a block, of each replica (planner.batch_record).
    `stopped_nodes` and `lost_s` are what an interruption costs, as in planner.terms.
    """

    start_up_s: float
    steps: int
    step_terms: tuple[Term, ...]
    step_s: float
    tokens_per_s: float
    run_s: float
    usd: Decimal
    band: Band
    checkpoints_s: float = 0.0
    failures_s: float = 0.0
    between_failures_s: float = 0.0
    utilization: float = 0.0
    unmasked_utilization: float = 0.0
    other_software: tuple[Term, ...] = ()
    stopped_nodes: int | None = None
    lost_s: float | None = None

    @property
    def latest_s(self) -> float:
        """Seconds of the whole run at the upper edge of its band."""
        return self.run_s * self.band.high

    @property
    def hours(self) -> RunHours:
        """What terms of purchase ask of a run."""
        return RunHours(
            expected=self.run_s / HOUR_S,
            latest=self.latest_s / HOUR_S,
            stopped_nodes=self.stopped_nodes,
            lost=None if self.lost_s is None else self.lost_s / HOUR_S,
        )


class Service(Struct, frozen=True, kw_only=True):
    """How a served model answers at the most in flight that its replicas are planned for. Seconds, tokens, USD.

    `concurrency` is those requests in flight per replica; `load_concurrency` and `load_spreads` are what the planned
    load itself, of arrivals at random without head-room, has in flight and is answered in, None where the load is no
    rate or has no such formulas. `kv_capacity_tokens` what a replica's cache holds,
    `requests_per_s_per_replica` the rate that it is planned to take, `largest_batch` how many requests of mean length
    its engine lets in at once, so that bursts beyond the planned ones need not wait for a place. `ttft_band` is that of
    the time to the first token where it has one of its own, wider than that of times and rates. Of embeddings `ttft_s`
    is the time to the embedding, and `tpot_s` 0. `tokens_per_s` are those in and out. `spreads` is how both times are
    spread over requests that come at random, where that is known.
    """

    replicas: int
    concurrency: float
    ttft_s: float
    tpot_s: float
    output_tokens_per_s: float
    kv_capacity_tokens: int
    usd_per_month: Decimal
    usd_per_million_tokens: Decimal
    band: Band
    requests_per_s_per_replica: float = 0.0
    largest_batch: int = 0
    ttft_band: Band | None = None
    requests_per_s: float = 0.0
    tokens_per_s: float = 0.0
    spreads: Spreads | None = None
    load_concurrency: float | None = None
    load_spreads: Spreads | None = None

    @property
    def embeds(self) -> bool:
        """Whether the answers are embeddings, without tokens of their own."""
        return not self.output_tokens_per_s


class Candidate(Struct, frozen=True, kw_only=True):
    """One way to do the job. Exactly one of `run` and `service` is set; a batch job's run has `batch` beside it.

    `nodes` are all instances paid for; `usd_per_hour` is the price of all of them, and `provenance` says whose word
    that price is. `accuracy` is the greatest loss that any of the techniques brings. With `split` the layout, memory
    and replicas are of those that decode, and prompts have others.
    """

    rung: Rung
    instance_type: str
    accelerator: str
    accelerators_per_node: int
    nodes: int
    region: str
    zone_ids: tuple[str, ...]
    purchase: Purchase
    usd_per_hour: Decimal
    provenance: Provenance
    framework: str
    techniques: tuple[str, ...]
    accuracy: Accuracy
    layout: Layout
    memory: MemoryTable
    run: Run | None
    service: Service | None
    batch: Batch | None = None
    split: Split | None = None


class ServedBeside(Struct, frozen=True, kw_only=True):
    """A further model on the same instances: its replicas as a candidate that pays for its devices alone, and which
    devices those are."""

    model: str
    devices: str
    candidate: Candidate


class Rejection(Struct, frozen=True, kw_only=True):
    """Why an instance type is not in the plan. `change` is what would help; empty where nothing would."""

    subject: str
    reason: str
    change: str


class RungAnswer(Struct, frozen=True, kw_only=True):
    """The best that one rung of the ladder offers, or why it offers nothing, and why it lost or won."""

    rung: Rung
    best: Candidate | None
    verdict: str


class Comparison(Struct, frozen=True, kw_only=True):
    """The best fleet of another kind than the chosen one, None where there is none, and what decided between them."""

    best: Candidate | None
    verdict: str


class CostLine(Struct, frozen=True, kw_only=True):
    """One thing that is paid for. USD; None where its price is unknown, and for a run when serving.

    `usd_per_month` is what it costs to stand, or serve, for a month; of what a run uses once, that use. `basis` says
    how the amount was counted, what was assumed, or what is not known, `provenance` whose word the price is. `survives`
    is whether it is still paid for when the stack is gone.
    """

    name: str
    usd_per_hour: Decimal | None
    usd_per_run: Decimal | None
    usd_per_month: Decimal | None
    basis: str
    provenance: Provenance | None = None
    survives: bool = False


class Cost(Struct, frozen=True, kw_only=True):
    """The bill of the choice. USD. The sums are over `lines` with a price; `unpriced` names the others.

    `elsewhere` is what other ways to build the same fleet would add. `usd_per_million_tokens`, in and out, is the
    whole bill's over the tokens of the month, None when training: at `load_share` of the planned load, which the hours
    of inference.fleet have on average.
    """

    lines: tuple[CostLine, ...]
    elsewhere: tuple[CostLine, ...]
    usd_per_hour: Decimal
    usd_per_run: Decimal | None
    usd_per_month: Decimal
    unpriced: tuple[str, ...]
    usd_per_million_tokens: Decimal | None = None
    load_share: float = 1.0


class Deal(Struct, frozen=True, kw_only=True):
    """The chosen fleet bought on some terms in some region. USD, instances only; on spot with expected restarts.

    `instance_type` is the fleet's, or its `ml.` one: the same nodes in a SageMaker HyperPod cluster.
    `usd_per_run` is what a run uses, of a capacity block all of it; `committed_usd` is what a commitment or block
    comes to, used or not, and `idle_usd` what of it a run leaves unused. `nodes_allowed` is what the account's quota
    allows, None where it is not known.
    """

    instance_type: str
    region: str
    purchase: Purchase
    zone_ids: tuple[str, ...]
    usd_per_hour_per_node: Decimal
    usd_per_run: Decimal | None
    usd_per_month: Decimal
    committed_usd: Decimal | None
    idle_usd: Decimal | None
    nodes_allowed: int | None
    provenance: Provenance


def is_own(deal: Deal, chosen: Candidate) -> bool:
    """Whether a deal is the one on which the chosen fleet is bought."""
    ours = (chosen.instance_type, chosen.region, chosen.purchase)
    return (deal.instance_type, deal.region, deal.purchase) == ours


class Build(Struct, frozen=True, kw_only=True):
    """Everything that a stack must know, and nothing of how it was decided. Bytes, seconds, USD.

    `efa_cards` are the network cards that take an EFA device and `nic_slots` the interfaces that each card
    takes, by card. `expires_at` (UTC) is when the stack deletes itself, None for never. `reservation_id` is that of a
    reservation or Capacity Block, the ARN of a group of them, or `open` for any that matches. `training_plan_arn` is
    HyperPod's own way to reserve. `account` is the only one that the stack may be deployed to, None for any. `cidr` is
    the block of the stack's VPC, or of its subnet in an existing one. `fleet` is set for the target serving-fleet
    alone, `mig` where accelerators are cut. `split` says that prompts have nodes of their own. `block_ends_at` (UTC) is
    when the Capacity Block ends by EC2's word, None where it was not asked.
    """

    name: str
    target: Target
    instance_type: str
    vendor: str
    accelerators: int
    nvme_bytes: int
    efa_cards: tuple[int, ...]
    nic_slots: tuple[int, ...]
    nodes: int
    region: str
    zone_id: str
    purchase: Purchase
    reservation_id: str | None
    image: Image
    root_volume_bytes: int
    lifecycle: Lifecycle
    expires_at: datetime | None
    budget_usd: Decimal | None
    budget_email: str | None
    file_system: FileSystem | None = None
    fleet: Fleet | None = None
    mig: Mig | None = None
    split: bool = False
    training_plan_arn: str | None = None
    account: str | None = None
    cidr: str | None = None
    existing: Existing = field(default_factory=Existing)
    block_ends_at: datetime | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """The answer: what was asked in one line each, the choice, the ladder, what was close, and what was left out.

    `front` are fleets that trade money for time: none is both cheaper and faster than another, cheapest first.
    `cost` is the chosen candidate's, `deals` the same fleet on all terms known. `covered` counts the candidates that
    the search decided on, `timed` those of them that fit, whose time it computed; `warnings` are sentences, `network`
    that on addresses. `fleet` serves, `index` and further models (`beside`) stand beside it; `apart` is the best fleet
    whose prompts have replicas of their own, or where that is chosen the best without.
    """

    workload: str
    model: str
    job: str
    parameters: int
    active_parameters: int
    requirement: Requirement
    chosen: Candidate
    cost: Cost
    energy: Energy
    deals: tuple[Deal, ...]
    ladder: tuple[RungAnswer, ...]
    runners_up: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    rejections: tuple[Rejection, ...]
    covered: int
    timed: int
    warnings: tuple[str, ...]
    network: str = ""
    index: IndexPlan | None = None
    fleet: FleetPlan | None = None
    beside: tuple[ServedBeside, ...] = ()
    apart: Comparison | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """A plan, what a stack must know to build it, and the recipe of the choice."""

    plan: Plan
    build: Build
    recipe: Recipe | None = None
