"""How much accelerator memory does the job ask for, on one device or on several?"""

from __future__ import annotations

from planner.calibration import Calibration
from planner.candidate import AnyJob
from planner.eligible import Contender
from planner.layout import Layout
from planner.memory import peak_bytes, training_memory
from planner.need_record import Requirement
from planner.recipe import Recipe
from planner.recipes import Option
from planner.search_training import TrainingJob
from planner.shape import ModelShape


def requirement(
    shape: ModelShape, job: AnyJob, contenders: tuple[Contender, ...], calibration: Calibration
) -> Requirement:
    """The memory that one device would need if it did all the work alone, with the smallest batch."""
    options = {
        (option.framework.name, option.recipe.techniques): option for item in contenders for option in item.options
    }
    needs = [(_alone_bytes(shape, job, option, calibration), option.extra) for option in options.values()]
    return Requirement(
        plain_bytes=min(need for need, extra in needs if extra == min(extra for _, extra in needs)),
        least_bytes=min(need for need, _ in needs),
        largest_device_bytes=max(item.machine.device_memory_bytes for item in contenders),
    )


def _alone_bytes(shape: ModelShape, job: AnyJob, option: Option, calibration: Calibration) -> float:
    if isinstance(job, TrainingJob):
        vendor = min(option.framework.vendors)
        need = training_memory(
            shape,
            option.recipe,
            Layout(micro_batches=job.global_batch),
            job.sequence_tokens,
            option.framework,
            calibration.memory_factors(vendor, option.framework.software.name),
        )
        return float(peak_bytes(need))
    if option.framework.streaming:
        from planner.streamed_memory import device_terms

        vendor = min(option.framework.vendors)
        return float(sum(device_terms(shape, option.recipe, job.load, Layout(), vendor, calibration).values()))
    return _serving_bytes(shape, job.load.context_tokens, option.recipe)


def _serving_bytes(shape: ModelShape, context_tokens: int, recipe: Recipe) -> float:
    outer = shape.parameters - shape.block_parameters
    weights = shape.block_parameters * recipe.block_weight_bytes + outer * recipe.outer_weight_bytes
    return weights + context_tokens * shape.cache_width_per_token * recipe.kv_bytes
