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
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from planner.load import Loaded
    from planner.plan import Plan

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


class Cost(Struct, frozen=True, kw_only=True):
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


def bench_bundle() -> None:
    """Prints how long the bundled market of three regions takes to load, all imports done and nothing cached."""
    code = """
import time
from pricing.basis import Prices
from pricing.market import load_market
from pricing.offer import Purchase
start = time.perf_counter()
load_market(("us-east-1", "us-east-2", "us-west-2"), (Purchase.ON_DEMAND,), prices=Prices.BUNDLED)
print(time.perf_counter() - start)
"""
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True) for _ in range(RUNS)
    ]
    print(f"loading the bundle: {1000 * statistics.median(float(run.stdout) for run in runs):.0f} ms (at most 60)")


# Questions whose search takes longest, with the seconds that each may take.
SEARCHES = {
    "llama-3.1-70b, every type, 1 to 64 nodes": ("llama-3.1-70b", 8192, 512, "limits: {max_nodes: 64}", 1.0),
    "gpt3-175b, 64 x A100": (
        "gpt3-175b",
        2048,
        1536,
        "pin: {nodes: 8}\nlimits: {instance_types: {allow: [p4d.24xlarge, p4de.24xlarge]}}",
        1.0,
    ),
    "mixtral-8x22b, every type, 1 to 64 nodes": ("mixtral-8x22b", 4096, 1024, "limits: {max_nodes: 64}", 3.0),
    "deepseek-v3, every type, 1 to 256 nodes": ("deepseek-v3", 4096, 1024, "limits: {max_nodes: 256}", 3.0),
    "llama-3.1-405b, every type, 1 to 256 nodes": ("llama-3.1-405b", 8192, 1024, "limits: {max_nodes: 256}", 3.0),
}


def bench_searches() -> None:
    """Prints how many candidates each search decides on in how long, all loading done, and what a plain loop would.

    Covered are all legal combinations, evaluated those that fit, whose time was computed; the others were ruled out by
    what their techniques combine with and by memory, which no price can mend. Seconds are those of the whole decision,
    prices and reasons included; rates are those of the search in it.
    """
    from datetime import UTC, datetime

    from planner.calibration import load_calibration
    from planner.decide import decide
    from planner.load import load_workload
    from pricing.basis import Prices

    calibration = load_calibration()

    def decided(loaded: Loaded) -> tuple[Plan, float]:
        start = time.perf_counter()
        plan = decide(loaded, calibration, datetime.now(UTC), Prices.BUNDLED).plan
        return plan, time.perf_counter() - start

    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "workload.yaml"
        for question, (model, tokens, batch, limits, most_s) in SEARCHES.items():
            job = f"{{method: pretrain, tokens: 1B, sequence_length: {tokens}, global_batch: {batch}}}"
            file.write_text(f"name: bench\nmodel: {model}\ntraining: {job}\n{limits}\n", encoding="utf-8")
            loaded = load_workload(file)
            decided(loaded)
            plan, seconds = min((decided(loaded) for _ in range(3)), key=lambda found: found[1])
            alone_s = _search_s(loaded)
            rate, best = plan.covered / alone_s, plan.chosen
            print(
                f"{question}: {plan.covered:,} candidates covered, {plan.timed:,} evaluated, in {seconds:.2f} s "
                f"(at most {most_s:.1f}), {alone_s:.2f} s of them search: {rate:,.0f} a second, "
                f"{rate * _loop_s_per_candidate(loaded):,.0f} times a plain loop's; best {best.nodes} x "
                f"{best.instance_type}"
            )


def _search_s(loaded: Loaded) -> float:
    """Seconds of the search alone, the quickest of three."""
    from planner.calibration import load_calibration
    from planner.choose import job_of, pins_of
    from planner.eligible import contenders
    from planner.search import Scope
    from planner.search_training import TrainingJob, search_training
    from pricing.basis import Prices
    from pricing.market import load_market

    workload, shape = loaded.workload, loaded.shape
    limits, job = workload.limits, job_of(workload, shape)
    assert isinstance(job, TrainingJob)
    able, _ = contenders(workload, shape, load_market(limits.regions, limits.purchase, prices=Prices.BUNDLED))
    scope = Scope(
        shape=shape,
        machines=tuple(item.machine for item in able),
        options=tuple(item.options for item in able),
        calibration=load_calibration(),
        max_nodes=limits.max_nodes,
        pins=pins_of(workload),
    )
    times = []
    for _ in range(3):
        start = time.perf_counter()
        search_training(scope, job)
        times.append(time.perf_counter() - start)
    return min(times)


def _loop_s_per_candidate(loaded: Loaded, count: int = 300) -> float:
    """Seconds in which a plain loop over the same formulas decides on a candidate: its memory, its time if it fits."""
    from planner.calibration import load_calibration
    from planner.framework import load_frameworks
    from planner.legal import Space, legal_layouts
    from planner.memory import peak_bytes, training_memory
    from planner.recipes import allowed_options
    from planner.training_time import step_time
    from pricing.catalog import load_instance_types

    training, calibration = loaded.workload.training, load_calibration()
    assert training
    machine, framework = load_instance_types()["p5.48xlarge"], load_frameworks()["megatron"]
    space = Space(
        shape=loaded.shape,
        sequence_tokens=training.sequence_length,
        global_batch=training.global_batch,
        framework=framework,
        devices_per_node=machine.devices,
        max_nodes=16,
        pins={},
    )
    grid = legal_layouts(space)
    recipe = allowed_options(loaded.workload, framework)[0].recipe
    memory = calibration.memory_factors(machine.accelerator.vendor, framework.software.name)
    factors = calibration.time_factors(framework.software.name, machine.accelerator.name)
    every = max(len(grid) // count, 1)
    layouts = [grid.row(row) for row in range(0, len(grid), every)]
    start = time.perf_counter()
    for layout in layouts:
        need = training_memory(loaded.shape, recipe, layout, training.sequence_length, framework, memory)
        if memory.band.high * peak_bytes(need) <= machine.device_memory_bytes:
            step_time(loaded.shape, recipe, layout, training.sequence_length, machine, factors)
    return (time.perf_counter() - start) / len(layouts)


def bench_simulation() -> None:
    """Prints how long a million requests to the 8B example take to simulate, planning included."""
    command = ["berth", "simulate", "--offline", "--requests", "1000000", "serve8b"]
    cost = measure(command, ROOT)
    print(f"{' '.join(command)}: {cost.wall_s:.0f} s (at most 60), {cost.peak_mib:.0f} MiB")


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
    bench_bundle()
    bench_searches()
    bench_simulation()
    bench_synth()
    bench_verify()
