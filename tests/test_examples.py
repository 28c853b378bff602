"""Do the example workloads do what their comments say?"""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.calibration import load_calibration
from planner.decide import decide
from planner.load import load_workload
from planner.lock import digest_of, read_lock
from planner.locked import locked_build
from planner.plan import Decision, Rung
from tests.planner.market_builders import NOW

WORKLOADS = Path(__file__).parent.parent / "workloads"
EXAMPLES = sorted(WORKLOADS.glob("*.yaml"))
LOCKS = sorted(WORKLOADS.glob("*.plan.json"))
SCHEMA = "# yaml-language-server: $schema=workload.schema.json\n"


def decided(name: str) -> Decision:
    """Today's plan of an example, and its build."""
    return decide(load_workload(WORKLOADS / name), load_calibration(), NOW)


def test_the_examples_are_those_promised() -> None:
    """There is one for each shape of the answer, and each is named after its file."""
    names = {file.stem for file in EXAMPLES}
    assert names >= {"train70b", "finetune8b-qlora", "finetune8b-full", "serve8b", "serve70b", "train-gpt3-trn1"}
    assert [load_workload(file).workload.name for file in EXAMPLES] == [file.stem for file in EXAMPLES]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_tells_editors_its_schema(file: Path) -> None:
    """The first line is the schema comment, and the schema lies beside the file."""
    assert file.read_text(encoding="utf-8").startswith(SCHEMA)
    assert (WORKLOADS / "workload.schema.json").exists()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_can_be_planned(file: Path) -> None:
    """Each finds a place on the bundled market, within its own limits."""
    loaded = load_workload(file)
    found = decide(loaded, load_calibration(), NOW).plan
    assert found.workload == file.stem
    assert found.chosen.nodes <= loaded.workload.limits.max_nodes
    if found.chosen.run:
        assert found.chosen.run.run_s <= loaded.workload.limits.deadline_s


def test_a_cheap_gpu_holds_the_qlora_fine_tune() -> None:
    """Fine-tuning 8B with a 4-bit base fits one accelerator of a G instance."""
    chosen = decided("finetune8b-qlora.yaml").plan.chosen
    assert chosen.rung in (Rung.SINGLE_ACCELERATOR, Rung.MORE_OPTIMIZATION)
    assert (chosen.nodes, chosen.accelerators_per_node, chosen.instance_type[0]) == (1, 1, "g")


def test_one_instance_holds_the_full_fine_tune() -> None:
    """Training every weight of 8B takes several GPUs of one instance."""
    chosen = decided("finetune8b-full.yaml").plan.chosen
    assert (chosen.rung, chosen.nodes) == (Rung.ONE_INSTANCE, 1)
    assert chosen.accelerators_per_node > 1


def test_pretraining_70b_takes_a_cluster() -> None:
    """70B on 20 billion tokens needs several nodes with EFA."""
    found = decided("train70b.yaml")
    assert found.plan.chosen.rung is Rung.CLUSTER
    assert found.plan.chosen.nodes > 1
    assert found.build.efa_cards


def test_the_trainium_example_runs_on_trainium() -> None:
    """GPT-3 175B is planned on a cluster of Trainium, with the Neuron framework."""
    chosen = decided("train-gpt3-trn1.yaml").plan.chosen
    assert (chosen.framework, chosen.rung) == ("neuron", Rung.CLUSTER)
    assert chosen.instance_type.startswith("trn1")


@pytest.mark.parametrize(("name", "ttft_s", "tpot_s"), [("serve8b", 0.3, 0.03), ("serve70b", 2.0, 0.06)])
def test_services_answer_in_time(name: str, ttft_s: float, tpot_s: float) -> None:
    """The examples of serving keep the latency that they ask for."""
    service = decided(f"{name}.yaml").plan.chosen.service
    assert service is not None
    assert service.ttft_s <= ttft_s and service.tpot_s <= tpot_s


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_committed_locks_answer_their_workloads(path: Path) -> None:
    """A lock in the repository is of this format and of the workload beside it as it is now."""
    file = path.with_name(path.name.replace(".plan.json", ".yaml"))
    assert read_lock(path).digest == digest_of(load_workload(file), load_calibration())
    assert locked_build(file, decide, load_calibration, NOW).notes == ()
