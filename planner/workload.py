"""What does the user want trained or served, and within which limits?

The workload file as pydantic models: strict, frozen, no unknown keys. Field descriptions are the
documentation that `berth schema workload` hands to editors.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from planner.fields import Bytes, Cidr, Count, CountOrZero, Degree, Email, Moment, Rate, Seconds, Section, Usd
from planner.fleet_fields import Fleet
from planner.index_fields import Index
from planner.inline_shape import InlineShape
from planner.plan import Lifecycle, Target
from planner.provisioning import Existing, FileSystem, Serving
from planner.recipe import Accuracy, Adapter, AdapterTargets
from planner.serving_fields import OWN_BLOCKS, PROMPT_LOOKUP, Adapters, CoServed, Speculative
from pricing.offer import Purchase
from pricing.units import DAY_S, GIB

# The optimum of compute, roughly, for a model of any size (Hoffmann et al. 2022, arXiv 2203.15556, table 3).
TOKENS_PER_PARAMETER = 20
# Techniques that a field names; planner/techniques has their files.
Optimizer = Literal[
    "adamw",
    "adamw-bf16",
    "adamw-fp8",
    "adamw-8bit",
    "adamw-4bit",
    "adamw-paged",
    "adamw-8bit-paged",
    "adafactor",
    "lion",
    "muon",
    "galore",
    "sgd",
]
AdapterTechnique = Literal[
    "lora", "dora", "bottleneck-adapters", "prefix-tuning", "prompt-tuning", "ia3", "bitfit", "peqa"
]


class Method(StrEnum):
    """How a model is trained."""

    PRETRAIN = "pretrain"
    FULL = "full"
    LORA = "lora"
    QLORA = "qlora"


class Lora(Section):
    """Adapters: low-rank ones (arXiv 2106.09685), or of the kind that training.adapter names."""

    rank: Annotated[int, Field(ge=1, le=1024)] = Adapter().rank
    """Rank of low-rank adapters, inner width of bottleneck-adapters."""
    targets: AdapterTargets = Adapter().targets
    """Which matrices get adapters, or are tuned by their biases or scales."""
    tokens: Annotated[int, Field(ge=1, le=100_000)] = Adapter().tokens
    """Trained tokens of prefix-tuning and prompt-tuning."""


class Training(Section):
    """What is to be trained, and by how much."""

    method: Method
    """pretrain and full train every weight; lora and qlora train adapters on a frozen, or quantized, base."""
    tokens: Count | None = None
    """Tokens in all; or give epochs and dataset_tokens. Left out, pretraining takes 20 per active parameter."""
    epochs: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Passes over the data set."""
    dataset_tokens: Count | None = None
    """Tokens in the data set."""
    sequence_length: Count
    """Tokens per sequence, packed."""
    global_batch: Count
    """Sequences per optimizer step, over all accelerators."""
    optimizer: Optimizer | None = None
    """The optimizer. Left out: adamw, or what `techniques` accepts."""
    precision: Literal["bf16", "fp16", "fp32", "tf32", "fp8", "mxfp8", "nvfp4"] | None = None
    """Type of the matrix products. Left out: bf16, or fp16 where an accelerator has no bf16."""
    framework: str | None = None
    """Training software: megatron, torchtitan, torchtune, deepspeed, huggingface, neuron. Left out: by accelerator and
    method."""
    adapter: AdapterTechnique | None = None
    """Kind of adapters that lora and qlora train. Left out: lora, low-rank ones."""
    lora: Lora = Lora()
    """Adapter settings for lora and qlora."""
    trained_share: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Share of the blocks that a full fine-tune trains, those nearest to the output; the others are frozen."""
    projected_rank: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """Rank that the optimizer galore projects gradients to. Left out: 128."""

    @property
    def stated_tokens(self) -> int | None:
        """Tokens over the whole run, None where the workload does not say."""
        if self.tokens is not None:
            return self.tokens
        return None if self.dataset_tokens is None else round((self.epochs or 1.0) * self.dataset_tokens)

    def total_tokens(self, active_parameters: int) -> int:
        """Tokens over the whole run of a model with so many parameters in use at a time."""
        stated = self.stated_tokens
        return TOKENS_PER_PARAMETER * active_parameters if stated is None else stated


class Inference(Section):
    """What is to be served, at which load, how fast."""

    requests_per_second: Rate | None = None
    """Load as a rate. This, concurrency or requests."""
    concurrency: Annotated[Count, Field(le=10**9)] | None = None
    """Load as requests in flight at once."""
    requests: Annotated[Count, Field(le=10**12)] | None = None
    """Load as a batch job: so many requests that all stand ready, for whose answers nobody waits. It ends, so that
    limits.deadline, limits.budget and the cost are of the run."""
    input_tokens: Count
    """Mean prompt length."""
    output_tokens: CountOrZero = 0
    """Mean answer length; 0, which an encoder may leave out, for an embedding of the prompt and no answer."""
    ttft: Seconds | None = None
    """Limit on the mean time to first token, or to the embedding."""
    tpot: Seconds | None = None
    """Limit on the mean time per further output token."""
    context_length: Count | None = None
    """Longest context that a request may use. Left out: input_tokens + output_tokens."""
    precision: Literal["bf16", "fp16", "fp32", "fp8", "int8", "int4", "awq", "gptq", "nf4", "fp4", "int3"] | None = None
    """Type of the weights. Left out: 16 bits, or what `techniques` accepts."""
    prefix_cache_hit_rate: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of a prompt's tokens that the engine's prefix cache knows already, such as a common system prompt: they are
    not worked on again, but read and held as all others."""
    engine: str | None = None
    """Serving software: vllm, sglang, tensorrt-llm, tgi, neuron-serving, flexgen, zero-inference, airllm. The last
    three are for batch jobs, with weights or cache in host memory or on disk. Left out: vllm, or on AWS's own
    accelerators neuron-serving; for batch jobs those three too, where no device holds the model whole."""
    disaggregate: Literal["compare", "allow", "never"] = "compare"
    """Whether prompts may have replicas of their own, apart from those that decode: compare tells what that would cost,
    allow lets a plan choose it, which no stack builds yet, never leaves it out."""
    speculative: Speculative | None = None
    """Drafts that the model verifies. Left out: none."""
    adapters: Adapters | None = None
    """Low-rank adapters that the model serves side by side. Left out: none."""
    co_served: Annotated[tuple[CoServed, ...], Field(max_length=16)] = ()
    """Further models on the same instances, each on accelerators of its own."""
    fleet: Fleet = Fleet()
    """Replicas beyond those that the load takes, and when they run."""

    @property
    def context_tokens(self) -> int:
        """The longest context a request may use."""
        return self.context_length or self.input_tokens + self.output_tokens

    @property
    def features(self) -> frozenset[str]:
        """What its engine must offer beyond answering prompts."""
        pools = not self.output_tokens or any(not each.output_tokens for each in self.co_served)
        drafts = self.speculative
        own = drafts and (drafts.draft if drafts.draft in (PROMPT_LOOKUP, *OWN_BLOCKS) else "draft")
        asked = {"pooling": pools, "adapters": self.adapters is not None}
        return frozenset({*(name for name, wanted in asked.items() if wanted), *([own] if own else [])})


class Techniques(Section):
    """What the planner may do to the model to make it fit or run faster."""

    accept: Accuracy = Accuracy.EXACT
    """The greatest loss of accuracy that is acceptable."""
    require: tuple[str, ...] = ()
    """Techniques that the plan must use, by name (`berth techniques` lists them)."""
    forbid: tuple[str, ...] = ()
    """Techniques that the plan must not use."""


class InstanceTypes(Section):
    """Instance types by name, with * and ? as wildcards, such as p5*."""

    allow: tuple[str, ...] = ()
    """If given, only these."""
    deny: tuple[str, ...] = ()
    """None of these."""


class Limits(Section):
    """What the plan must stay within."""

    deadline: Seconds | None = None
    """Longest time a training run or a batch job may take. Left out: 30 days."""
    budget: Usd | None = None
    """Most USD: of the whole run of a training or batch job, per month when serving."""
    max_nodes: Annotated[int, Field(ge=1, le=4096)] = 64
    """Most instances."""
    regions: Annotated[tuple[str, ...], Field(min_length=1)] = ("us-east-1", "us-east-2", "us-west-2")
    """AWS regions to choose from."""
    purchase: Annotated[tuple[Purchase, ...], Field(min_length=1)] = (Purchase.ON_DEMAND,)
    """Ways to pay that are acceptable."""
    instance_types: InstanceTypes = InstanceTypes()
    """Instance types to choose from."""

    @property
    def deadline_s(self) -> float:
        """The deadline in seconds; a month where the user names none, so that a plan ends."""
        return self.deadline or 30.0 * DAY_S


class ObjectiveWeights(Section):
    """Objective that weighs cost against time; only the ratio counts."""

    cost: Annotated[float, Field(ge=0, le=1e6)]
    """Weight of money."""
    time: Annotated[float, Field(ge=0, le=1e6)]
    """Weight of time: of the run of a training or batch job, of a request when serving."""


class PinLayout(Section):
    """Degrees of parallelism that the user has already decided; the others stay free."""

    tensor: Degree | None = None
    """Tensor-parallel degree."""
    pipeline: Degree | None = None
    """Pipeline-parallel degree (stages)."""
    virtual: Degree | None = None
    """Model chunks per pipeline stage (interleaved schedule)."""
    context: Degree | None = None
    """Context-parallel degree."""
    expert: Degree | None = None
    """Expert-parallel degree."""
    data: Degree | None = None
    """Data-parallel degree."""


class Pin(Section):
    """What the user has already decided."""

    instance_type: str | None = None
    """EC2 instance type."""
    nodes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Number of instances."""
    layout: PinLayout = PinLayout()
    """Degrees of parallelism."""
    micro_batch: Degree | None = None
    """Sequences per device and pass."""
    recompute: Literal["none", "attention", "selective", "full"] | None = None
    """Activation recompute policy."""
    sharding: Literal["replicated", "zero1", "zero2", "zero3", "fsdp", "fsdp-no-reshard", "fsdp-offload"] | None = None
    """What is sharded over the data-parallel ranks."""


class Storage(Section):
    """Disks and buckets of the stack."""

    root_volume: Bytes = 300 * GIB
    """Size of each node's encrypted root volume."""
    lifecycle: Lifecycle = Lifecycle.EPHEMERAL
    """ephemeral storage goes with the stack; persistent storage stays behind it."""
    file_system: FileSystem | None = None
    """An FSx for Lustre file system that all nodes mount at /fsx. Left out: none."""


class Provision(Section):
    """How the plan is built."""

    target: Target | None = None
    """Kind of stack. Left out: by topology."""
    account: Annotated[str, Field(pattern=r"^[0-9]{12}$")] | None = None
    """The only AWS account that the stack may be deployed to, by its 12 digits. Left out: any."""
    existing: Existing = Existing()
    """What stands in the account already and is used instead of made."""
    cidr: Cidr | None = None
    """Block of addresses of the stack's VPC, or of its subnet in an existing one. Left out: 10.0.0.0/16."""
    zone: Annotated[str, Field(pattern=r"^[a-z]{2,6}[0-9]-(?:[a-z0-9]+-)?az[0-9]+$")] | None = None
    """Availability zone by id, such as use1-az6. Left out: the first zone that offers the type."""
    reservation: (
        Annotated[
            str,
            Field(pattern=r"^(cr-[0-9a-f]{8,17}|open|arn:aws[a-z-]*:resource-groups:[a-z0-9-]+:[0-9]{12}:group/.+)$"),
        ]
        | None
    ) = None
    """On-demand capacity reservation or capacity block to launch into, by id such as cr-0123456789abcdef0, a group of
    reservations by ARN, or `open` for any that matches. Nothing is launched outside it."""
    reservation_end: Moment | None = None
    """When the capacity block ends, such as 2026-12-01T11:30:00Z; the stack goes before EC2 takes the nodes."""
    training_plan: (
        Annotated[
            str,
            Field(pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:training-plan/[A-Za-z0-9-]{1,64}$"),
        ]
        | None
    ) = None
    """SageMaker training plan that a HyperPod cluster runs in, by ARN such as
    arn:aws:sagemaker:us-east-1:111122223333:training-plan/p5-in-june."""
    image: Annotated[str, Field(pattern=r"^ami-[0-9a-f]{8,17}$")] | None = None
    """Machine image by id, such as ami-0123456789abcdef0. Left out: the Deep Learning AMI for the accelerator,
    resolved once into the lock."""
    mig: Annotated[str, Field(pattern=r"^[1-9]g\.[1-9][0-9]{0,2}gb$")] | None = None
    """MIG profile such as 1g.10gb that every GPU is cut into at boot, for jobs that take a part of one each."""
    storage: Storage = Storage()
    """Disks, buckets and the shared file system."""
    serving: Serving | None = None
    """Container, weights and access of the target serving-fleet."""
    time_to_live: Seconds | None = None
    """The stack deletes itself this long after the lock was written."""
    budget: Usd | None = None
    """USD per month at which AWS Budgets sends mail."""
    budget_email: Email | None = None
    """Address that the mail goes to, such as ml@example.com; it is also told when accelerators stand idle."""

    @property
    def reservation_id(self) -> str | None:
        """The reservation that is named by its id; None for a group of them, and for any that matches."""
        return self.reservation if self.reservation and self.reservation.startswith("cr-") else None


class Workload(Section):
    """One model to be trained or served on AWS, or a vector index, alone or beside a served model."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$", max_length=40)]
    """Lower-case letters, digits and single dashes; names the stack and its resources."""
    model: str | InlineShape | None = None
    """A preset (`berth models`), the path of a Hugging Face config.json beside this file, or a shape. Left out: none,
    for a vector index alone."""
    training: Training | None = None
    """Set this to train."""
    inference: Inference | None = None
    """Set this to serve."""
    index: Index | None = None
    """Set this to keep a vector index, alone or beside a served model."""
    techniques: Techniques = Techniques()
    """What the planner may do to the model."""
    limits: Limits = Limits()
    """What the plan must stay within."""
    objective: Literal["cost", "time"] | ObjectiveWeights = "cost"
    """What to minimise: cost, time, or both weighed."""
    pin: Pin = Pin()
    """What is already decided."""
    provision: Provision = Provision()
    """How the plan is built."""

    @property
    def ends(self) -> bool:
        """Whether the job is a run that ends, training or a batch of requests; a service goes on."""
        return self.training is not None or (self.inference is not None and self.inference.requests is not None)

    @property
    def weights(self) -> ObjectiveWeights:
        """The objective as weights."""
        if isinstance(self.objective, ObjectiveWeights):
            return self.objective
        return ObjectiveWeights(cost=float(self.objective == "cost"), time=float(self.objective == "time"))
