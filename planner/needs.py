"""Which layouts has each machine, and how much memory do they need?

A layout's need depends on the model, the recipe, the software and the accelerator's vendor, but neither on the number
of devices in a node nor on the type of the products beyond what software keeps of them: it is computed once for each
distinct layout, and read from there for every machine.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping

from msgspec import Struct, field

from planner.layout import LayoutGrid, Mask
from planner.legal import Space, layouts_by_node
from planner.memory import peak_bytes, training_memory
from planner.offload import Elsewhere, keeps_elsewhere, training_elsewhere
from planner.recipes import Option
from planner.search import Demand, Floats, Scope
from pricing.instance_type import InstanceType
from pricing.records import replace


class Layouts(Struct, frozen=True, kw_only=True):
    """The layouts of a framework: each once, and for nodes of so many devices which of them, and these alone."""

    each: LayoutGrid
    on: Mapping[int, Mask]
    grids: Mapping[int, LayoutGrid]


class Needs(Struct):
    """Layouts and what they need, by machine and option; computed when asked for, and kept."""

    searched: Scope
    sequence_tokens: int
    global_batch: int
    _layouts: dict[str, Layouts] = field(default_factory=dict)
    _device: dict[Hashable, Floats] = field(default_factory=dict)
    _elsewhere: dict[Hashable, Elsewhere] = field(default_factory=dict)

    def grid(self, machine: InstanceType, option: Option) -> LayoutGrid:
        """The legal layouts."""
        return self._of(option).grids[machine.devices]

    def device_bytes(self, machine: InstanceType, option: Option) -> Floats:
        """Bytes of the worst device of each layout, at the upper edge of the band."""
        layouts, vendor, software = self._of(option), machine.accelerator.vendor, option.framework.software
        # Which techniques a recipe was made of does not matter to memory (planner.recipe).
        stored = replace(option.recipe, techniques=(), compute_dtype="")
        key = (option.framework.name, vendor, stored, software.products_in(option.recipe.compute_dtype))
        if key not in self._device:
            shape = self.searched.shape
            factors = self.searched.calibration.memory_factors(vendor, software.name, mixture=shape.experts > 0)
            need = training_memory(shape, option.recipe, layouts.each, self.sequence_tokens, option.framework, factors)
            self._device[key] = factors.band.high * peak_bytes(need)
        return self._device[key][layouts.on[machine.devices]]

    def further(self, machine: InstanceType, option: Option) -> tuple[Demand, ...]:
        """Bytes of host memory and of local disk that each layout asks of a node, where it asks for any."""
        if not keeps_elsewhere(option.recipe):
            return ()
        layouts, key = self._of(option), (option.framework.name, option.recipe)
        if key not in self._elsewhere:
            self._elsewhere[key] = training_elsewhere(
                self.searched.shape, option.recipe, layouts.each, self.sequence_tokens, option.framework
            )
        found, on = self._elsewhere[key], layouts.on[machine.devices]
        return (
            Demand(of="of host memory per node", need=found.host[on] * machine.devices, have=machine.host_memory_bytes),
            Demand(of="of local disk per node", need=found.disk[on] * machine.devices, have=machine.nvme_bytes),
        )

    def _of(self, option: Option) -> Layouts:
        name = option.framework.name
        if name not in self._layouts:
            each, on = layouts_by_node(self._space(option), self._sizes(name))
            grids = {size: each.take(mask) for size, mask in on.items()}
            self._layouts[name] = Layouts(each=each, on=on, grids=grids)
        return self._layouts[name]

    def _sizes(self, framework: str) -> Iterable[int]:
        """Devices of the nodes that run a framework."""
        for machine, options in zip(self.searched.machines, self.searched.options, strict=True):
            if any(option.framework.name == framework for option in options):
                yield machine.devices

    def _space(self, option: Option) -> Space:
        return Space(
            shape=self.searched.shape,
            sequence_tokens=self.sequence_tokens,
            global_batch=self.global_batch,
            framework=option.framework,
            devices_per_node=1,
            max_nodes=self.searched.max_nodes,
            pins=self.searched.pins,
        )
