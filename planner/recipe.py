"""Which optimizations are on, and what do they make of the model?

A Recipe is the state of all of them. A Technique is one of them: a record with a function from Recipe to
Recipe. Memory, time and cost read the recipe only; none of them asks whether a technique is on.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct


class Accuracy(StrEnum):
    """What an optimization costs in accuracy, from nothing upward; accepting one accepts those before it."""

    EXACT = "exact"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    APPROXIMATE = "approximate"

    @property
    def rank(self) -> int:
        """Place in the order, 0 for no loss."""
        return list(Accuracy).index(self)


class Job(StrEnum):
    """What is done with the model."""

    TRAINING = "training"
    INFERENCE = "inference"


class Group(StrEnum):
    """Questions that a recipe answers once each; a recipe has at most one technique of a group."""

    PRECISION = "precision"
    ADAPTER = "adapter"
    BASE_WEIGHTS = "base weights"
    OPTIMIZER = "optimizer"
    SHARDING = "sharding"
    RECOMPUTE = "recompute"
    LOSS = "loss"
    STEP = "step"
    ACTIVATIONS = "activations"
    KV_CACHE = "kv cache"
    ATTENTION = "attention"
    SEQUENCE = "sequence"
    SCHEDULE = "schedule"
    TRAINED_LAYERS = "trained layers"
    OPTIMIZER_PLACE = "optimizer place"
    WEIGHTS_PLACE = "weights place"
    CACHE_PLACE = "cache place"


class Recompute(StrEnum):
    """What of the forward pass is done again in the backward pass.

    Per-op selective recompute keeps attention and every second product (torchtitan); selective recompute of
    attention alone does the scores again (Megatron-LM's), which flash attention does by itself.
    """

    NONE = "none"
    ATTENTION = "attention"
    SELECTIVE = "selective"
    FULL = "full"


class Place(StrEnum):
    """Where a state lives between uses."""

    DEVICE = "device"
    HOST = "host"
    DISK = "disk"


class Schedule(StrEnum):
    """In which order a pipeline works off micro-batches. Interleaving is the layout's virtual degree."""

    GPIPE = "gpipe"
    ONE_F_ONE_B = "1f1b"
    ZERO_BUBBLE = "zero-bubble"


class AdapterTargets(StrEnum):
    """Which matrices have adapters."""

    ALL_LINEAR = "all-linear"
    ATTENTION = "attention"
    QUERY_VALUE = "query-value"
    QUERY_KEY_VALUE = "query-key-value"
    MLP = "mlp"
    QUERY_KEY_VALUE_MLP = "query-key-value-mlp"
    QUERY_VALUE_OUTPUT_MLP = "query-value-output-mlp"


class AdapterKind(StrEnum):
    """How adapters act on a frozen model."""

    LOW_RANK = "low-rank"
    DORA = "dora"
    """Low-rank adapters and a trained magnitude of every output (arXiv 2402.09353)."""
    BOTTLENECK = "bottleneck"
    """Two dense layers after attention and after the MLP (arXiv 1902.00751)."""
    PREFIX = "prefix"
    """Trained keys and values in front of each block's own (arXiv 2101.00190)."""
    PROMPT = "prompt"
    """Trained embeddings in front of the prompt (arXiv 2104.08691)."""
    SCALE = "scale"
    """Trained factors on keys, values and inner rows (IA3, arXiv 2205.05638)."""
    BIAS = "bias"
    """The model's own biases (BitFit, arXiv 2106.10199)."""
    GROUP_SCALE = "group-scale"
    """The scales of packed weights (PEQA, arXiv 2305.14152)."""


class Adapter(Struct, frozen=True, kw_only=True):
    """What is trained on a frozen model: by default low-rank adapters of `rank` on the matrices of `targets`.

    `tokens` are those of a prefix or prompt, `group` the weights that share a trained scale. `outer` says that
    copies of embeddings and head are trained too. `parameters` is how many are trained in all where that is
    known; 0 to count them.
    """

    rank: int = 16
    targets: AdapterTargets = AdapterTargets.ALL_LINEAR
    kind: AdapterKind = AdapterKind.LOW_RANK
    tokens: int = 20
    group: int = 128
    outer: bool = False
    parameters: int = 0


class Recipe(Struct, frozen=True, kw_only=True):
    """How parameters, gradients, states, activations and caches are kept. Bytes per element.

    `block_weight_bytes` is what a weight inside the blocks takes, scales included; `outer_weight_bytes` a weight of the
    embeddings, the head and the norms; `dense_weight_bytes` what a weight outside the routed experts takes where only
    the experts are narrow (gpt-oss, Kimi K2), None where all are alike. `gradient_bytes`, `master_bytes` and
    `optimizer_bytes` are per trained parameter; `reduce_bytes` is what of a gradient travels, where it is not
    `gradient_bytes`. The `*_sharded` flags say what the data-parallel ranks divide among them; `gathers_weights` that
    blocks are gathered before use, each `gathered_weight_bytes` an element.
    `dequantizes` says that a block's weights are unpacked before use, `keeps_packed_inputs` that its products keep
    their inputs though frozen (bitsandbytes). `cast_weight_bytes` is a 16-bit copy that autocast keeps of each float32
    weight until the backward pass. `adapter` is None where all weights are trained, or where nothing is.

    `reshards` says that gathered weights are let go after the forward pass. `trained_share` is the part of the
    blocks that is trained where the rest is frozen layer by layer; `projected_rank` the rank that optimizer states
    of matrices are projected to (GaLore), 0 for whole ones; `factored` says that the second moment is kept as a row
    and a column (Adafactor); `outer_optimizer_bytes` is what embeddings, head and norms take where the optimizer
    treats them otherwise (Muon), `orthogonalizes` that the blocks' momenta are made orthogonal before they are used.
    `step_in_backward` says that each gradient is used up where it arises.
    `loss_chunks` is into how many parts the loss is cut; `loss_fuses_head` says that the head's product is done part
    by part with it, so that logits are never whole (Liger); `score_share` which part of the attention scores is kept,
    0 under flash attention. `expert_capacity` is the room of an expert over the mean of what routers send, 0 where no
    token is ever dropped. `sequence_sharded` says that tensor ranks share norms and residuals along the sequence.

    `*_place` is where states live between uses; what is on the host or on disk passes through the device in pieces.
    Weights come one block ahead, or with `streams_layers` one at a time, embedding and head like blocks (AirLLM).
    An optimizer's step is done where its states are, unless `pages_optimizer`: then they come to the device for it,
    page by page, as far as there is no room for all of them (bitsandbytes' paged optimizers).
    """

    compute_dtype: str = "bf16"
    activation_bytes: float = 2.0
    block_weight_bytes: float = 2.0
    outer_weight_bytes: float = 2.0
    dense_weight_bytes: float | None = None
    gathered_weight_bytes: float = 2.0
    gradient_bytes: float = 2.0
    reduce_bytes: float | None = None
    master_bytes: float = 4.0
    optimizer_bytes: float = 8.0
    weights_sharded: bool = False
    gradients_sharded: bool = False
    optimizer_sharded: bool = False
    gathers_weights: bool = False
    dequantizes: bool = False
    keeps_packed_inputs: bool = False
    cast_weight_bytes: float = 0.0
    adapter: Adapter | None = None
    recompute: Recompute = Recompute.NONE
    reshards: bool = True
    trained_share: float = 1.0
    projected_rank: int = 0
    factored: bool = False
    outer_optimizer_bytes: float | None = None
    orthogonalizes: bool = False
    step_in_backward: bool = False
    loss_chunks: int = 1
    loss_fuses_head: bool = False
    score_share: float = 0.0
    expert_capacity: float = 0.0
    sequence_sharded: bool = True
    schedule: Schedule = Schedule.ONE_F_ONE_B
    weights_place: Place = Place.DEVICE
    optimizer_place: Place = Place.DEVICE
    activations_place: Place = Place.DEVICE
    kv_place: Place = Place.DEVICE
    streams_layers: bool = False
    pages_optimizer: bool = False
    kv_bytes: float = 2.0
    accuracy: Accuracy = Accuracy.EXACT
    techniques: tuple[str, ...] = ()

    @property
    def streams(self) -> bool:
        """Whether a served model's weights or cache come to the device from elsewhere."""
        return {self.weights_place, self.kv_place} != {Place.DEVICE}

    @property
    def shared_weight_bytes(self) -> float:
        """Bytes of a weight inside the blocks but outside the routed experts."""
        return self.block_weight_bytes if self.dense_weight_bytes is None else self.dense_weight_bytes

    @property
    def reduced_bytes(self) -> float:
        """Bytes of a gradient that data-parallel ranks exchange."""
        return self.gradient_bytes if self.reduce_bytes is None else self.reduce_bytes


class Technique(Struct, frozen=True, kw_only=True):
    """One optimization. `baseline` marks what a group is without optimizing: it adds no rung of its own.

    `gist` says in a few words what it does; `source` is the paper or manual that its numbers come from.
    `unasked` says whether the planner may choose it where the user is silent. `excludes` names techniques that it
    cannot be had with, beside those of its own group, and fields of the layout that must be 1 with it; `needs` are
    sets of techniques of which a recipe must have one each. In the jobs of `untimed` predicted times do not know
    what it costs.
    """

    name: str
    group: Group
    jobs: frozenset[Job]
    accuracy: Accuracy
    apply: Callable[[Recipe], Recipe]
    gist: str
    source: str
    baseline: bool = False
    unasked: bool = True
    excludes: frozenset[str] = frozenset()
    needs: tuple[frozenset[str], ...] = ()
    untimed: frozenset[Job] = frozenset()
