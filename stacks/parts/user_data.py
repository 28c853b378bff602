"""What does a node do at its first boot?"""

from __future__ import annotations

from pathlib import Path

from planner.plan import Build
from pricing.units import KIB
from stacks.errors import StackError

SCRIPT = Path(__file__).with_name("first_boot.sh")
# EC2's limit, before base64.
LIMIT_BYTES = 16 * KIB
PROBES = {"NVIDIA": "nvidia", "AWS": "neuron"}


def user_data(*, build: Build, bucket_name: str, efa_devices: int, ready_url: str) -> str:
    """The first-boot script, after the facts of the plan that it checks the node against.

    The same facts stay on the node in /etc/berth/plan.env, for whoever launches the job. Raises StackError
    beyond EC2's limit.
    """
    facts: dict[str, str | int] = {
        "BERTH_WORKLOAD": build.name,
        "BERTH_NODES": build.nodes,
        "BERTH_ACCELERATORS": build.accelerators,
        "BERTH_PROBE": PROBES.get(build.vendor, "none"),
        "BERTH_EFA_DEVICES": efa_devices,
        "BERTH_SCRATCH": "yes" if build.nvme_bytes else "no",
        "BERTH_BUCKET": bucket_name,
    }
    lines = "\n".join(f"{key}={value}" for key, value in facts.items())
    body = SCRIPT.read_text(encoding="utf-8")
    text = f"#!/bin/bash\nready_url='{ready_url}'\nplan='{lines}'\n{body}"
    size = len(text.encode())
    if size > LIMIT_BYTES:
        raise StackError(f"The nodes' user data is {size:,} bytes, which is over EC2's {LIMIT_BYTES:,}.")
    return text
