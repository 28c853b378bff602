"""Does `berth lock` keep today's plan, and refuse what would replace what runs?"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from planner.built import Image
from planner.lock import read_head, read_lock
from planner.places import lock_path
from tests.berth.command import AMI, Command
from tests.planner.market_builders import TRAINING, written

OTHER = TRAINING + "pin: {instance_type: g5.xlarge}\n"
BUDGET = TRAINING + "provision: {budget: 9, budget_email: ml@example.com}\n"
PARAMETER = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id"


def image_of(file: Path) -> Image:
    """The image that the lock of a workload names."""
    return read_head(lock_path(file)).build.image


def test_the_lock_is_written_beside_the_workload(berth: Command, folder: Path) -> None:
    """The command names the file that it has written and the plan in it."""
    file = written(folder / "workloads", TRAINING)
    answer = berth("lock", "tiny.yaml", "--offline")
    plan = read_lock(lock_path(file)).plan
    assert plan is not None
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.startswith(f"workloads/tiny.plan.json: {plan.chosen.nodes} x {plan.chosen.instance_type} (")
    assert sorted(each.name for each in (folder / "workloads").iterdir()) == ["tiny.plan.json", "tiny.yaml"]


def test_what_would_replace_nodes_is_refused(berth: Command, folder: Path, asked: list[tuple[str, str]]) -> None:
    """Without --replace the old lock stays byte for byte; with it the change is told and written."""
    file = written(folder, TRAINING)
    berth("lock", file)
    before = lock_path(file).read_bytes()
    written(folder, OTHER)
    refused = berth("lock", file)
    assert (refused.status, refused.out) == (1, "")
    assert "would replace what stands:" in refused.err
    assert "\n  instance type: " in refused.err
    assert re.search(r"\n  \w+ \(AWS::EC2::\w+\) is (made anew|deleted)", refused.err)
    assert refused.err.endswith("to go on, run `berth lock` with --replace.\n")
    assert "Nothing was written." in refused.err
    assert lock_path(file).read_bytes() == before
    going_on = berth("lock", file, "--replace")
    assert going_on.status == 0
    assert "changes: instance type: " in going_on.err
    assert re.search(r"replaces: \w+ \(AWS::EC2::\w+\) is (made anew|deleted)", going_on.err)
    assert read_head(lock_path(file)).build.instance_type == "g5.xlarge"


@pytest.mark.parametrize("options", [[], ["--replace"]], ids=["plain", "replace"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TRAINING.replace("tiny", "small"), "name: tiny -> small"),
        (TRAINING + "provision: {zone: use1-az4}\n", "zone id: use1-az1 -> use1-az4"),
        (TRAINING + "limits: {regions: [us-west-2]}\n", "region: us-east-1 -> us-west-2"),
    ],
    ids=["name", "zone", "region"],
)
def test_what_would_leave_a_stack_behind_is_refused(
    berth: Command, folder: Path, asked: list[tuple[str, str]], text: str, words: str, options: list[str]
) -> None:
    """Another name, zone or region is refused even with --replace; no image is asked for, and nothing is written."""
    file = written(folder, TRAINING)
    berth("lock", file)
    before, looked_up = lock_path(file).read_bytes(), list(asked)
    written(folder, text)
    answer = berth("lock", file, *options)
    assert (answer.status, answer.out) == (1, "")
    assert f"\n  {words}\n" in answer.err
    assert "would be left behind, still billed:\n" in answer.err
    assert answer.err.endswith(f"run `cdk destroy` first, then delete {lock_path(file)} and lock again.\n")
    assert lock_path(file).read_bytes() == before
    assert asked == looked_up


def test_a_harmless_change_is_told_and_written(berth: Command, folder: Path, asked: list[tuple[str, str]]) -> None:
    """A budget needs no --replace."""
    file = written(folder, TRAINING)
    berth("lock", file)
    written(folder, BUDGET)
    answer = berth("lock", file)
    assert answer.status == 0
    assert answer.err == "changes: budget usd: none -> 9.00\nchanges: budget email: none -> ml@example.com\n"
    assert str(read_head(lock_path(file)).build.budget_usd) == "9.00"


@pytest.mark.parametrize("options", [[], ["--offline"]], ids=["online", "offline"])
def test_locking_again_changes_nothing(
    berth: Command, folder: Path, asked: list[tuple[str, str]], options: list[str]
) -> None:
    """The same plan is not written twice, and without network an image that is pinned stays pinned."""
    file = written(folder, TRAINING)
    berth("lock", file)
    before = lock_path(file).read_bytes()
    assert berth("lock", file, *options).err == ""
    assert lock_path(file).read_bytes() == before


def test_a_lock_of_another_berth_is_moved_on(berth: Command, folder: Path, asked: list[tuple[str, str]]) -> None:
    """A plan that cannot be read is written anew; what is built stays, so that nothing is refused or told."""
    file = written(folder, TRAINING)
    berth("lock", file)
    before = json.loads(lock_path(file).read_text(encoding="utf-8"))
    lock_path(file).write_text(json.dumps(before | {"plan": {"novel": 1}}), encoding="utf-8")
    answer = berth("lock", file)
    assert (answer.status, answer.err) == (0, "")
    after = json.loads(lock_path(file).read_text(encoding="utf-8"))
    assert after == before | {"locked_at": after["locked_at"]}


def test_a_folder_in_place_of_the_lock_is_told(berth: Command, folder: Path) -> None:
    """What cannot be written is a finding."""
    file = written(folder, TRAINING)
    lock_path(file).mkdir()
    answer = berth("lock", file)
    assert (answer.status, answer.out) == (1, "")
    assert answer.err == f"{lock_path(file)}: the lock cannot be read: Is a directory\n"


def test_the_image_is_pinned_once(
    berth: Command, folder: Path, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first lock looks the image up; later ones keep it, though a newer one is out by then."""
    file = written(folder, TRAINING)
    assert berth("lock", file).err == ""
    assert image_of(file) == Image(parameter=PARAMETER, id=AMI)
    assert asked == [(PARAMETER, "us-east-1")]
    monkeypatch.setattr("pricing.aws.images.resolve_image", lambda parameter, region: "ami-newer")
    written(folder, BUDGET)
    assert "image" not in berth("lock", file).err
    assert image_of(file) == Image(parameter=PARAMETER, id=AMI)
    written(folder, OTHER)
    assert "image" not in berth("lock", file, "--replace").err
    assert image_of(file) == Image(parameter=PARAMETER, id=AMI)


def test_an_offline_lock_asks_for_no_image(berth: Command, folder: Path, asked: list[tuple[str, str]]) -> None:
    """With --offline the image stays open, silently; the next lock with network pins it and calls that no change."""
    file = written(folder, TRAINING)
    assert berth("lock", file, "--offline").err == ""
    assert berth("lock", file, "--offline").err == ""
    assert (image_of(file), asked) == (Image(parameter=PARAMETER, id=None), [])
    assert berth("lock", file).err == ""
    assert (image_of(file), asked) == (Image(parameter=PARAMETER, id=AMI), [(PARAMETER, "us-east-1")])


@pytest.mark.parametrize("locked", [False, True], ids=["first", "again"])
def test_an_image_that_cannot_be_looked_up_is_a_note(berth: Command, folder: Path, locked: bool) -> None:
    """Without credentials the lock is written all the same; stderr says what it lacks and why."""
    file = written(folder, TRAINING)
    if locked:
        berth("lock", file)
    answer = berth("lock", file)
    assert answer.status == 0
    assert answer.out.startswith(f"{lock_path(file)}: ")
    assert answer.err == (
        f"The image is not pinned. The machine image {PARAMETER} cannot be looked up in us-east-1: no network.\n"
    )
    assert image_of(file) == Image(parameter=PARAMETER, id=None)


def test_the_users_own_image_is_taken_as_it_is(berth: Command, folder: Path, asked: list[tuple[str, str]]) -> None:
    """An image that the workload names is not looked up, and is never taken for a public one."""
    file = written(folder, TRAINING + "provision: {image: ami-01234567}\n")
    assert berth("lock", file).err == ""
    assert (image_of(file), asked) == (Image(parameter=None, id="ami-01234567"), [])


def test_refreshing_the_image_moves_nothing_else(
    berth: Command, folder: Path, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--refresh-ami looks at no price: with --replace the newest image stands in the lock, and the plan as before."""
    file = written(folder, TRAINING)
    berth("lock", file)
    same = berth("lock", file, "--refresh-ami")
    assert (same.status, same.out, same.err) == (0, f"{lock_path(file)}: {AMI}, as before\n", "")
    monkeypatch.setattr("pricing.aws.images.resolve_image", lambda parameter, region: "ami-newer")
    monkeypatch.setattr("planner.decide.decide", None)
    refused = berth("lock", file, "--refresh-ami")
    assert (refused.status, refused.out) == (1, "")
    assert "would replace every node" in refused.err
    going_on = berth("lock", file, "--refresh-ami", "--replace")
    assert (going_on.status, going_on.out) == (0, f"{lock_path(file)}: ami-newer\n")
    assert going_on.err == f"replaces every node: image: {AMI} -> ami-newer\n"


def test_refreshing_needs_the_network(berth: Command, folder: Path) -> None:
    """Offline nobody knows which image is the newest."""
    file = written(folder, TRAINING)
    berth("lock", file, "--offline")
    answer = berth("lock", file, "--refresh-ami", "--offline")
    assert (answer.status, answer.out) == (1, "")
    assert "leave --offline out" in answer.err
