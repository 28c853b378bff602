"""The batch script of a HyperPod cluster."""

from __future__ import annotations

import subprocess

from planner.launch.slurm import sbatch
from planner.layout import Layout
from pricing.records import replace
from tests.support.builds import P4D_CLUSTER

LAYOUT = Layout(tensor=8, pipeline=2, data=2, micro_batches=4)


def test_the_script_asks_for_the_planned_nodes_and_starts_a_process_for_each_device() -> None:
    """Four nodes of eight accelerators run thirty-two processes, and a failed node is replaced while the job waits."""
    text = sbatch(P4D_CLUSTER, LAYOUT)
    assert "#SBATCH --nodes=4\n" in text and "--nnodes=4 --nproc-per-node=8" in text
    assert "srun --auto-resume=1 torchrun" in text
    assert 'export BERTH_TENSOR="8"' in text and 'export BERTH_PIPELINE="2"' in text
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_each_vendor_has_its_own_network_settings() -> None:
    """NCCL's on NVIDIA, Neuron's on Trainium, and neither on the other."""
    ours, neuron = sbatch(P4D_CLUSTER, LAYOUT), sbatch(replace(P4D_CLUSTER, vendor="AWS"), LAYOUT)
    assert "NCCL_SOCKET_IFNAME" in ours and "NEURON_RT_ROOT_COMM_ID" not in ours
    assert 'NEURON_RT_ROOT_COMM_ID="$head:29501"' in neuron and "NCCL" not in neuron
