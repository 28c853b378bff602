"""Which batch script starts a planned training on a HyperPod cluster that Slurm schedules?"""

from __future__ import annotations

from msgspec.structs import asdict

from planner.hyperpod import PARTITION
from planner.layout import Layout
from planner.plan import Build

# The rendezvous of torchrun; the nodes' group lets every port pass among them.
PORT = 29_500
# NCCL finds EFA by itself; its sockets must not take loopback or containers' bridges, and forked data loaders no huge
# pages (AWS OFI NCCL and EFA notes of awsome-distributed-training, efa-cheatsheet).
NVIDIA = {"NCCL_SOCKET_IFNAME": "^lo,docker,veth", "FI_EFA_USE_HUGE_PAGE": "0"}
# AWS Neuron documentation, multi-node training: the collectives' own rendezvous, one port above.
NEURON = {
    "FI_PROVIDER": "efa",
    "FI_EFA_USE_DEVICE_RDMA": "1",
    "NEURON_RT_ROOT_COMM_ID": f"$head:{PORT + 1}",
}


def sbatch(build: Build, layout: Layout) -> str:
    """A script for `sbatch`, whose arguments are the training program and its own: `sbatch job.sbatch train.py ...`.

    One task a node starts a process for each device of the layout, whose degrees stand in BERTH_TENSOR and so on. Where
    a node fails, HyperPod replaces it and starts the step anew (SageMaker guide, HyperPod auto-resume).
    """
    degrees = {f"BERTH_{name.upper()}": str(value) for name, value in asdict(layout).items()}
    network = NEURON if build.vendor == "AWS" else NVIDIA
    exports = "\n".join(f'export {name}="{value}"' for name, value in (degrees | network).items())
    return f"""#!/bin/bash
#SBATCH --job-name={build.name}
#SBATCH --partition={PARTITION}
#SBATCH --nodes={build.nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --output=%x-%j.out
set -euo pipefail
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
{exports}
srun --auto-resume=1 torchrun \\
  --nnodes={build.nodes} --nproc-per-node={layout.devices // build.nodes} \\
  --rdzv-id="$SLURM_JOB_ID" --rdzv-backend=c10d --rdzv-endpoint="$head:{PORT}" "$@"
"""
