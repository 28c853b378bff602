"""How long does a step wait for what lives on the host or on disk?

Weights and activations stream past while the device computes; what is left of their traffic shows (Ren et al. 2021,
ZeRO-Offload, arXiv 2101.06840; Rajbhandari et al. 2021, ZeRO-Infinity, arXiv 2104.07857). An optimizer on the host
takes the gradients, steps on the processors, and sends the weights back; its states on disk are read and written
around that. Paged states come to the device for the step and go back (Dettmers et al. 2023, arXiv 2305.14314).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from planner.block_time import SELECTIVE_SHARE
from planner.machines import of_machine
from planner.recipe import Place, Recompute
from planner.resident import Resident
from planner.setting import Setting
from planner.work import BlockWork
from pricing.instance_type import InstanceType
from pricing.units import GIGA, TERA

# What copies between pinned host memory and a device reach each way: 25 of PCIe 4.0 x16's 32 GB/s, half of that on 3.0,
# twice on 5.0; Grace reaches its own GPUs over NVLink-C2C (450 GB/s each way, NVIDIA GH200 data sheet).
HOST_BYTES_PER_S = 25 * GIGA
HOST_BYTES_PER_S_OF = {
    **dict.fromkeys(("V100-16GB", "V100-32GB", "T4", "T4g", "M60"), 12 * GIGA),
    **dict.fromkeys(("H100-80GB", "H100-96GB", "H200", "B200", "B300", "RTXPRO6000", "RTXPRO4500"), 50 * GIGA),
    **dict.fromkeys(("GB200", "GB300", "GH200"), 350 * GIGA),
}
# DeepSpeed's CPU Adam steps 1 to 2 billion parameters a second and socket, of 96 virtual processors on p4d and p5.
PARAMETERS_PER_VCPU_S = 1.5 * GIGA / 96
# A node whose processors nobody states has as many for each accelerator as p4d and p5 have.
VCPUS_PER_ACCELERATOR = 24
# Local NVMe moves a gigabyte a second for each terabyte or more (p4d: 16 GB/s of 8 TB); EBS alone half a gigabyte.
DISK_BYTES_PER_S_PER_BYTE, SLOWEST_DISK_BYTES_PER_S = GIGA / TERA, 0.5 * GIGA


def streamed_s(work: BlockWork, setting: Setting, held: Resident, blocks: Any, busy: Any) -> Any:
    """Seconds of a step's streams of weights and activations that `busy` seconds of compute cannot hide.

    `blocks` are those that a device does in a step, all micro-batches counted.
    """
    recipe, layout = setting.recipe, setting.layout
    rate, seconds = of_machine(host_bytes_per_s, setting.machine), 0.0 * busy
    if recipe.weights_place is recipe.activations_place is Place.DEVICE:
        return seconds
    if recipe.weights_place is not Place.DEVICE:
        ranks = layout.data * layout.context if recipe.weights_sharded else 1
        size = (held.dense + held.experts) * recipe.block_weight_bytes / ranks
        through = of_machine(_disk_rate, setting.machine) if recipe.weights_place is Place.DISK else rate
        # Every pass needs the weights once.
        seconds = seconds + 2 * layout.micro_batches * size / np.minimum(through, rate)
    if recipe.activations_place is not Place.DEVICE:
        # What is kept goes out in the forward pass and comes back in the other.
        through = of_machine(_disk_rate, setting.machine) if recipe.activations_place is Place.DISK else rate
        size = 2 * setting.trained * blocks * setting.share * _kept_bytes(work, setting)
        seconds = seconds + size / np.minimum(through, rate)
    return np.maximum(seconds - busy, 0.0)


def stepped_s(setting: Setting, trained: Any, backward_s: Any) -> Any:
    """Seconds that an optimizer off the device takes for the `trained` parameters of one device.

    Gradients go down while the last micro-batch's `backward_s` seconds run.
    """
    recipe, machine = setting.recipe, setting.machine
    if recipe.optimizer_place is Place.DEVICE:
        return 0.0 * trained
    rate = of_machine(host_bytes_per_s, machine)
    if recipe.pages_optimizer:
        # As in memory, no room for them is counted on: all moments cross the wire.
        return 2 * trained * recipe.optimizer_bytes / rate
    down = np.maximum(trained * recipe.reduced_bytes / rate - backward_s, 0.0)
    up = trained * recipe.gathered_weight_bytes / rate
    devices, vcpus = of_machine(lambda one: one.devices, machine), of_machine(_vcpus, machine)
    processors = trained * devices / (vcpus * PARAMETERS_PER_VCPU_S)
    disk = 0.0
    if recipe.optimizer_place is Place.DISK:
        disk = 2 * trained * (recipe.master_bytes + recipe.optimizer_bytes) / of_machine(_disk_rate, machine)
    return down + processors + up + disk


def _kept_bytes(work: BlockWork, setting: Setting) -> float:
    """Bytes of a token that a block keeps: what was written once of all that was moved, or its input alone."""
    written = work.moved_bytes / 2
    return {
        Recompute.FULL: setting.shape.hidden * setting.recipe.activation_bytes,
        Recompute.SELECTIVE: SELECTIVE_SHARE * written,
    }.get(setting.recipe.recompute, written)


def host_bytes_per_s(machine: InstanceType) -> float:
    """Bytes/s of one device to and from the host's memory, each way."""
    chip = machine.accelerator
    return HOST_BYTES_PER_S_OF.get(chip.name, HOST_BYTES_PER_S) / chip.ranks


def _vcpus(machine: InstanceType) -> int:
    return machine.vcpus or VCPUS_PER_ACCELERATOR * machine.accelerators


def _disk_rate(machine: InstanceType) -> float:
    """Bytes/s of one device's part of the node's disks."""
    return max(machine.nvme_bytes * DISK_BYTES_PER_S_PER_BYTE, SLOWEST_DISK_BYTES_PER_S) / machine.devices
