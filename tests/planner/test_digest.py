"""Does the digest of a lock change with the question alone?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import asdict

from planner.calibration import load_calibration
from planner.load import Loaded, load_workload
from planner.lock import Lock, answers, digest_of
from planner.plan import Target
from planner.shape import Attention, ModelShape
from planner.workload import Limits, Workload
from pricing.records import replace
from tests.planner.market_builders import SERVING, TRAINING, slower, written

CONFIG = {
    "model_type": "llama",
    "hidden_size": 512,
    "intermediate_size": 1024,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "vocab_size": 32_000,
    "max_position_embeddings": 4096,
}


def digest(folder: Path, text: str) -> str:
    """The digest of a workload of that text."""
    return digest_of(load_workload(written(folder, text)), load_calibration())


@pytest.mark.parametrize(
    "text",
    [
        "# a comment\n" + TRAINING,
        TRAINING + "\n\n# another\n",
        "\n".join([*TRAINING.splitlines()[2:], *TRAINING.splitlines()[:2]]),
        TRAINING.replace("10M", "10_000_000").replace("lora", "'lora'"),
        TRAINING.replace("llama-3.1-8b", "meta-llama/Llama-3.1-8B"),
        TRAINING.replace("\n", "\r\n"),
        TRAINING + "objective: cost\nlimits: {max_nodes: 64, regions: [us-east-1, us-east-2, us-west-2]}\n",
        TRAINING + "pin: {layout: {}}\ntechniques: {accept: exact}\n",
        TRAINING + "provision: {time_to_live: 3d}\n",
        TRAINING + "provision: {budget: 50, budget_email: ml@example.com}\n",
        TRAINING + "provision: {budget_email: ml@example.com}\n",
        TRAINING + "provision: {storage: {lifecycle: persistent}}\n",
        TRAINING + "provision: {storage: {root_volume: 300GiB}}\n",
    ],
)
def test_what_does_not_decide_does_not_unlock(tmp_path: Path, text: str) -> None:
    """Comments, order, spelling, spelled-out defaults and free provisioning leave the digest as it is."""
    assert digest(tmp_path, text) == digest(tmp_path, TRAINING)


@pytest.mark.parametrize(
    "text",
    [
        TRAINING.replace("tiny", "other"),
        TRAINING.replace("3.1-8b", "3-8b"),
        TRAINING.replace("lora", "full"),
        TRAINING.replace("10M", "11M"),
        TRAINING.replace("2048", "1024"),
        TRAINING.replace("16", "32"),
        TRAINING + "  lora: {rank: 8}\n",
        TRAINING + "  framework: torchtitan\n",
        TRAINING + "  precision: bf16\n",
        TRAINING + "techniques: {accept: quantized}\n",
        TRAINING + "techniques: {forbid: [fsdp]}\n",
        TRAINING + "limits: {deadline: 30d}\n",
        TRAINING + "limits: {budget: 5}\n",
        TRAINING + "limits: {max_nodes: 63}\n",
        TRAINING + "limits: {regions: [us-east-2, us-east-1, us-west-2]}\n",
        TRAINING + "limits: {purchase: [spot]}\n",
        TRAINING + "limits: {instance_types: {deny: [p3*]}}\n",
        TRAINING + "objective: time\n",
        TRAINING + "pin: {nodes: 1}\n",
        TRAINING + "provision: {target: single-instance}\n",
        TRAINING + "provision: {zone: use1-az6}\n",
        TRAINING + "pin: {instance_type: g5.xlarge}\nprovision: {reservation: cr-01234567, zone: use1-az6}\n",
        TRAINING + "provision: {image: ami-01234567}\n",
        TRAINING + "provision: {storage: {root_volume: 301GiB}}\n",
        SERVING,
        SERVING.replace("requests_per_second: 5", "concurrency: 5"),
        SERVING + "  ttft: 2s\n",
    ],
)
def test_what_decides_unlocks(tmp_path: Path, text: str) -> None:
    """Every other key of a workload changes the digest."""
    assert digest(tmp_path, text) != digest(tmp_path, TRAINING)


FLEET = """
provision:
  target: serving-fleet
  serving: {weights: s3://my-models/tiny, certificate: CERTIFICATE, MORE}
""".replace("CERTIFICATE", "arn:aws:acm:us-east-1:123456789012:certificate/0f0e0d0c-0b0a-0908-0706-050403020100")


@pytest.mark.parametrize(
    ("more", "same"),
    [
        ("clients: [10.20.0.0/16]", True),
        ("most_nodes: 9", True),
        ("least_nodes: 1, most_nodes: 4", True),
        ("spare_zone: true", False),
        ("image: example.com/vllm:1", False),
    ],
)
def test_who_may_ask_a_fleet_and_how_far_it_scales_is_free(tmp_path: Path, more: str, same: bool) -> None:
    """Clients and bounds unlock nothing; what nodes run and where they stand does."""
    plain = digest(tmp_path, SERVING + FLEET.replace(", MORE", ""))
    assert (digest(tmp_path, SERVING + FLEET.replace("MORE", more)) == plain) is same


@pytest.mark.parametrize(
    ("file", "locked", "same"),
    [(None, None, True), (None, "efa-cluster", True), ("efa-cluster", None, True), ("single-instance", None, False)],
)
def test_a_target_that_is_the_locks_own_unlocks_nothing(
    tmp_path: Path, lock: Lock, file: str | None, locked: str | None, same: bool
) -> None:
    """Who names the lock's target, in the file or when locking, asks for what is locked; another is another plan."""

    def asked(target: str | None) -> Loaded:
        return load_workload(written(tmp_path, TRAINING + (f"provision: {{target: {target}}}\n" if target else "")))

    factors, built = load_calibration(), replace(lock.build, target=Target.EFA_CLUSTER)
    head = replace(lock, build=built, digest=digest_of(asked(locked), factors))
    assert answers(head, asked(file), factors) is same


def test_the_same_amount_is_the_same_question(tmp_path: Path) -> None:
    """Money, durations and sizes count by value, not by spelling."""
    spellings = ["budget: 2000, deadline: 7d", "budget: 2000.0, deadline: 168h", "budget: 2e3, deadline: 1 week"]
    digests = {digest(tmp_path, f"{TRAINING}limits: {{{each}}}\n") for each in spellings}
    assert len(digests) == 1


def test_an_edited_config_unlocks(tmp_path: Path) -> None:
    """The digest is over the model's shape: a config.json that counts otherwise changes it, its layout does not."""
    config = tmp_path / "config.json"
    text = TRAINING.replace("llama-3.1-8b", "config.json")
    digests: list[str] = []
    for content in (CONFIG, dict(reversed(CONFIG.items())), CONFIG | {"num_hidden_layers": 5}, CONFIG | {"note": 1}):
        config.write_text(json.dumps(content, indent=len(digests)), encoding="utf-8")
        digests.append(digest(tmp_path, text))
    assert digests[0] == digests[1] == digests[3] != digests[2]


def test_another_calibration_unlocks(tmp_path: Path) -> None:
    """A plan that was made on other factors is not today's answer."""
    loaded, known = load_workload(written(tmp_path, TRAINING)), load_calibration()
    assert digest_of(loaded, known) != digest_of(loaded, slower(known))


class LaterAttention(Attention, frozen=True, kw_only=True):
    """Attention as a later Berth may know it."""

    novel: int = 0


class LaterShape(ModelShape, frozen=True, kw_only=True):
    """A shape as a later Berth may know it."""

    novel: str | None = None


class LaterLimits(Limits):
    """Limits as a later Berth may know them."""

    novel: int = 5


class LaterWorkload(Workload):
    """A workload as a later Berth may know it."""

    limits: LaterLimits = LaterLimits()
    novel: tuple[str, ...] = ()


def later(loaded: Loaded, *, attention: int = 0, shape: str | None = None, limits: int = 5, top: str = "") -> Loaded:
    """The workload as a later Berth would load it, with values in its new fields."""
    known, asked = loaded.shape, loaded.workload
    blocks = [replace(run, attention=LaterAttention(**asdict(run.attention), novel=attention)) for run in known.blocks]
    wider = LaterShape(**{**asdict(known), "blocks": tuple(blocks)}, novel=shape)
    given = {name: getattr(asked, name) for name in asked.model_fields_set}
    limited = LaterLimits(**{name: getattr(asked.limits, name) for name in asked.limits.model_fields_set}, novel=limits)
    return replace(
        loaded,
        shape=wider,
        workload=LaterWorkload(**{**given, "limits": limited}, novel=(top,) if top else ()),
    )


@pytest.mark.parametrize("text", [TRAINING, TRAINING + "limits: {max_nodes: 3}\n"])
def test_a_new_field_unlocks_nothing_until_it_is_used(tmp_path: Path, text: str) -> None:
    """Records may grow fields with defaults, at any depth, without a lock being asked for anew; their use is told."""
    loaded, known = load_workload(written(tmp_path, text)), load_calibration()
    digest = digest_of(loaded, known)
    assert digest_of(later(loaded), known) == digest
    used = [
        digest_of(each, known)
        for each in (
            later(loaded, attention=1),
            later(loaded, shape="x"),
            later(loaded, limits=6),
            later(loaded, top="x"),
        )
    ]
    assert len({digest, *used}) == 5
