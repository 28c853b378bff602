"""Does the verifier find what linters let pass?"""

from __future__ import annotations

from pathlib import Path

import cfnlint  # type: ignore[import-untyped]

from stacks.verify.check import check
from stacks.verify.reading import read_file

TRAP = Path(__file__).with_name("trap.yaml")
# One for each thing that is wrong with it on purpose.
SET = {
    "an efa-only primary interface": "efa-only-not-primary",
    "two interfaces in one place": "nic-place-unique",
    "a card that there is not": "nic-card-exists",
    "a misspelt kind": "interface-type-known",
    "a public address for several interfaces": "public-ip-with-several-nics",
    "a Capacity Block without its id": "capacity-block-reservation",
    "groups in two places": "security-groups-in-two-places",
    "a group that EFA cannot pass": "efa-security-group-pair",
    "EFA on a file system of the first generation": "fsx-efa",
    "a file system too small for EFA": "fsx-efa-capacity",
    "a throughput that there is not": "fsx-throughput-grid",
    "Slurm without a controller": "hyperpod-slurm-roles",
}


def test_linters_let_it_pass() -> None:
    """cfn-lint finds no error in the template, which is why there is a verifier."""
    found = cfnlint.lint(TRAP.read_text(encoding="utf-8"), config=cfnlint.ManualArgs(regions=["us-east-1"]))
    assert [str(each) for each in found if each.rule.severity == "error"] == []


def test_every_trap_is_found() -> None:
    """Each thing that was broken on purpose is an error, on its line."""
    errors = [each for each in check(read_file(TRAP)) if each.failing]
    assert {each.rule.id for each in errors} == {*SET.values(), "imdsv2-required"}
    lines = TRAP.read_text(encoding="utf-8").splitlines()
    told = {each.rule.id: lines[(each.line or 0) - 1] for each in errors}
    assert told["interface-type-known"].strip() == "InterfaceType: efaonly"
    assert told["capacity-block-reservation"].strip() == "MarketType: capacity-block"
    assert told["fsx-efa-capacity"].strip() == "StorageCapacity: 1200"
