"""How fast are planning, synthesis and verification? Prints figures and ratios; `make bench` runs it.

Whole processes, timed from outside, the median of several runs after one warm-up. Synthesis is measured in
pairs with a bare CDK app of one VPC, so that a slow machine slows both.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKLOAD = "workloads/train70b.yaml"
RUNS = 7
TEMPLATE_BYTES = 1_000_000

BARE_APP = """
import aws_cdk
from aws_cdk import aws_ec2

# The switches of Berth's own app: the work compared is the same.
app = aws_cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
aws_ec2.Vpc(aws_cdk.Stack(app, "Bare"), "Vpc", max_azs=1)
app.synth()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process took: wall seconds and peak resident MiB of its largest process."""

    wall_s: float
    peak_mib: float


def measure(command: Sequence[str], folder: Path) -> Cost:
    """Runs a command to its end. Raises CalledProcessError where it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    start = time.perf_counter()
    child = subprocess.Popen(
        command, cwd=folder, env=os.environ | {"PATH": path}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.perf_counter() - start
    if status:
        raise subprocess.CalledProcessError(status, command)
    return Cost(wall_s=wall_s, peak_mib=usage.ru_maxrss / 1024)


def bench_plan() -> None:
    """Prints the time and memory of planning the 70B example."""
    command = ["berth", "plan", "--offline", WORKLOAD]
    measure(command, ROOT)
    costs = [measure(command, ROOT) for _ in range(RUNS)]
    wall = statistics.median(cost.wall_s for cost in costs)
    peak = max(cost.peak_mib for cost in costs)
    print(f"{' '.join(command)}: {wall:.2f} s (at most 1.00), {peak:.0f} MiB (at most 300)")


def bench_synth() -> None:
    """Prints the time of synthesizing the locked 70B example against a bare CDK app, in pairs."""
    with tempfile.TemporaryDirectory() as name:
        bare = Path(name)
        (bare / "app.py").write_text(BARE_APP, encoding="utf-8")
        ours = ["cdk", "synth", "--quiet", "--output", str(bare / "ours"), "-c", f"workload={WORKLOAD}"]
        theirs = ["cdk", "synth", "--quiet", "--app", "python app.py", "--output", str(bare / "bare")]
        pairs = [(measure(ours, ROOT).wall_s, measure(theirs, bare).wall_s) for _ in range(RUNS + 1)][1:]
    ratio = statistics.median(mine / other for mine, other in pairs)
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"cdk synth with a lock: {mine:.2f} s against {other:.2f} s bare, ratio {ratio:.2f} (at most 1.50)")


def bench_search() -> None:
    """Prints how many candidates a second the search decides on, all loading done."""
    from datetime import UTC, datetime

    from planner.calibration import load_calibration
    from planner.decide import decide
    from planner.load import load_workload

    loaded, calibration = load_workload(ROOT / WORKLOAD), load_calibration()
    decide(loaded, calibration, datetime.now(UTC))
    start = time.perf_counter()
    plan = decide(loaded, calibration, datetime.now(UTC)).plan
    seconds = time.perf_counter() - start
    print(f"search: {plan.covered:,} candidates in {seconds:.2f} s, {plan.covered / seconds:,.0f} a second")


def bench_verify() -> None:
    """Prints the time of verifying a template of 1 MB, made of a synthesized one many times over."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measure(["cdk", "synth", "--quiet", "--output", str(folder / "out"), "-c", f"workload={WORKLOAD}"], ROOT)
        (template,) = (folder / "out").glob("*.template.json")
        large = folder / "large.json"
        large.write_text(_repeated(template.read_text(encoding="utf-8")), encoding="utf-8")
        # Status 1: hundreds of subnets that overlap.
        command = ["bash", "-c", f"berth verify {large} || test $? = 1"]
        costs = [measure(command, ROOT) for _ in range(RUNS + 1)][1:]
        size = large.stat().st_size
    wall = statistics.median(cost.wall_s for cost in costs)
    print(f"berth verify on {size:,} bytes: {wall:.2f} s (at most 1.00)")


def _repeated(text: str) -> str:
    """A template of 1 MB with the resources of another, each time under other names."""
    resources: dict[str, object] = json.loads(text)["Resources"]
    names = sorted(resources, key=len, reverse=True)
    found: dict[str, object] = {}
    size = 0
    while size < TEMPLATE_BYTES:
        part = json.dumps(resources)
        for name in names:
            part = part.replace(f'"{name}"', f'"{name}{len(found)}"')
        more = json.loads(part)
        found.update(more)
        size += len(json.dumps(more, indent=1))
    return json.dumps({"Resources": found}, indent=1)


if __name__ == "__main__":
    bench_plan()
    bench_search()
    bench_synth()
    bench_verify()
