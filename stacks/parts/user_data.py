"""What does a node do at its first boot?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote

from msgspec import Struct

from planner.plan import Build
from pricing.units import KIB
from stacks.errors import StackError

BOOT = Path(__file__).with_name("boot")
# EC2's limit, before base64.
LIMIT_BYTES = 16 * KIB
BOUNDARY = "==BERTH=="
PROBES = {"NVIDIA": "nvidia", "AWS": "neuron"}


class Boot(Struct, frozen=True, kw_only=True):
    """What only the stack knows of a node's boot.

    Nodes report to `ready_url`, or by a signal to the resource `signals` of their stack where that is set. `agent` is
    the parameter with the CloudWatch agent's settings, `shared` what is mounted at /fsx, `log_group` and `key_secret`
    are the engine's.
    """

    bucket_name: str
    efa_devices: int
    agent: str
    ready_url: str = ""
    stack: str = ""
    signals: str = ""
    shared: str = ""
    log_group: str = ""
    key_secret: str = ""


def user_data(build: Build, boot: Boot) -> str:
    """The first-boot script, after the facts of the plan that it checks the node against.

    The same facts stay on the node in /etc/berth/plan.env, for whoever launches the job. Raises StackError
    beyond EC2's limit.
    """
    steps = dict(_steps(build, boot))
    told = {**_told(build, boot), "plan": lines(_facts(build, boot)), "steps": " ".join(steps)}
    text = script(told, "start", *steps.values(), "signal" if boot.signals else "wait", "end")
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise StackError(f"The nodes' user data is {size:,} bytes, which is over EC2's {LIMIT_BYTES:,}.")
    return text


def _steps(build: Build, boot: Boot) -> Iterator[tuple[str, str]]:
    """What is done, in order: the function, and the script that defines it."""
    # First, so that what fails after it can be read in the log.
    yield "start_agent", "agent"
    yield "watch_node", "watch"
    yield "as_planned", "check"
    if build.mig:
        yield "cut_accelerators", "cut"
    if build.nvme_bytes:
        yield "mount_scratch", "scratch"
    if boot.shared:
        yield "mount_shared", "shared"
    if build.fleet:
        yield "serve", "serve"


def node_facts(build: Build, *, efa_devices: int) -> Mapping[str, str | int]:
    """What every node is told of the plan; free of quotes and blanks, since shells read it."""
    return {
        "BERTH_WORKLOAD": build.name,
        "BERTH_REGION": build.region,
        # A node that serves works alone: another number of them must not start each anew.
        "BERTH_NODES": 1 if build.fleet else build.nodes,
        "BERTH_ACCELERATORS": build.accelerators,
        "BERTH_PROBE": PROBES.get(build.vendor, "none"),
        "BERTH_EFA_DEVICES": efa_devices,
    }


def script(told: Mapping[str, str], *pieces: str) -> str:
    """A shell script of pieces of `boot`, after what it is told as variables."""
    return "".join(("#!/bin/bash\n", *(f"{key}={quote(value)}\n" for key, value in told.items()), *map(_piece, pieces)))


def multipart(text: str) -> str:
    """A script as the one part of what EKS puts its own parts to (EKS user guide, launch templates)."""
    return (
        f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{BOUNDARY}"\n\n--{BOUNDARY}\n'
        f'Content-Type: text/x-shellscript; charset="us-ascii"\n\n{text}\n--{BOUNDARY}--\n'
    )


def lines(facts: Mapping[str, str | int]) -> str:
    """Facts as the file that shells read."""
    return "\n".join(f"{key}={value}" for key, value in facts.items())


def _facts(build: Build, boot: Boot) -> Mapping[str, str | int]:
    """What stays on the node."""
    engine = build.fleet.engine if build.fleet else None
    return {
        **node_facts(build, efa_devices=boot.efa_devices),
        "BERTH_SCRATCH": "yes" if build.nvme_bytes else "no",
        "BERTH_BUCKET": boot.bucket_name,
        "BERTH_SHARED": boot.shared,
        "BERTH_AGENT": boot.agent,
        "BERTH_MIG": build.mig.profile if build.mig else "",
        "BERTH_MIG_INSTANCES": build.mig.instances if build.mig else 0,
        "BERTH_METRICS": engine.metrics if engine else "",
        "BERTH_WAITING": quote(engine.waiting) if engine else "",
        "BERTH_RUNNING": quote(engine.running) if engine else "",
        "BERTH_TOKENS": quote(engine.tokens) if engine else "",
    }


def _told(build: Build, boot: Boot) -> Mapping[str, str]:
    """What the script alone must know."""
    if not boot.signals:
        return {"ready_url": boot.ready_url}
    fleet = build.fleet
    assert fleet is not None
    return {
        "stack": boot.stack,
        "resource": boot.signals,
        "weights": fleet.weights or "",
        "weights_path": fleet.weights_path or "",
        "engine_image": fleet.engine.image,
        "engine_command": " ".join(fleet.engine.command),
        "engine_port": str(fleet.engine.port),
        "engine_health": fleet.engine.health_path,
        "registry_secret": fleet.registry_secret or "",
        "key_secret": boot.key_secret,
        "log_group": boot.log_group,
    }


def _piece(name: str) -> str:
    return (BOOT / f"{name}.sh").read_text(encoding="utf-8")
