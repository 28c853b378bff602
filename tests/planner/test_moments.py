"""Does an optimizer keep as much of each parameter as its paper says?"""

from __future__ import annotations

import pytest

from planner.inline_shape import InlineShape
from planner.models import load_preset
from planner.moments import moment_bytes
from planner.recipe import Recipe
from planner.techniques import load_techniques
from tests.planner.builders import DENSE, SHAPES

# GaLore's 7B: Llama 2 7B's widths, its own vocabulary.
GALORE_7B = InlineShape.checked(
    {"layers": 32, "hidden": 4096, "ffn": 11008, "heads": 32, "vocab": 32000, "context_tokens": 2048}, "galore"
).to_shape("galore-7b")


def optimizer(name: str, **changes: float) -> Recipe:
    """The plain recipe under an optimizer."""
    return load_techniques()[name].apply(Recipe(**changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "inside", "ends"),
    [
        ("adamw", 8, 8),
        ("adamw-bf16", 4, 4),
        ("adamw-8bit", 2 * (1 + 4 / 256), 2 * (1 + 4 / 256)),
        ("adamw-4bit", 2 * (0.5 + 4 / 128), 2 * (0.5 + 4 / 128)),
        ("lion", 4, 4),
        ("muon", 4, 8),
        ("sgd", 0, 0),
    ],
)
def test_what_is_kept_of_each_parameter(name: str, inside: float, ends: float) -> None:
    """Moments of every parameter alike, but for Muon's at the ends, which AdamW trains."""
    for shape in SHAPES:
        found = moment_bytes(shape, optimizer(name))
        assert (found.inside, found.ends) == (inside, ends)


def test_adafactor_keeps_a_row_and_a_column() -> None:
    """A matrix of 512 x 1536 has 2,048 float32 factors; an 8B keeps less than 0.01 byte a parameter."""
    found = moment_bytes(DENSE, optimizer("adafactor"))
    sides = {(512, 512): 2, (512, 128): 2, (512, 1536): 3}
    factors = sum(count * 4 * (rows + columns) for (rows, columns), count in sides.items())
    weights = sum(count * rows * columns for (rows, columns), count in sides.items())
    assert found.inside == pytest.approx(factors / weights)
    assert found.ends == pytest.approx(4 * (8192 + 512) / (8192 * 512))
    large = moment_bytes(load_preset("llama-3.1-8b"), optimizer("adafactor"))
    assert 0 < large.inside < 0.01


def test_galore_keeps_what_its_section_four_says() -> None:
    """A matrix of m x n takes 2nr moments and mr of projection, with m the shorter side; ends are trained whole."""
    found = moment_bytes(DENSE, optimizer("galore", projected_rank=64))
    sides = {(512, 512): 2, (128, 512): 2, (512, 1536): 3}
    kept = sum(count * 64 * (8 * long + 2 * short) for (short, long), count in sides.items())
    weights = sum(count * short * long for (short, long), count in sides.items())
    assert found.inside == pytest.approx(kept / weights)
    assert found.ends == 8


def test_galore_saves_two_thirds_of_a_7b() -> None:
    """The abstract's 65.5 % less optimizer memory: 7B, rank 1024, moments and projections in bf16."""
    made = Recipe(optimizer_bytes=4.0, projected_rank=1024)
    found = moment_bytes(GALORE_7B, made)
    blocks = GALORE_7B.block_parameters
    kept = found.inside * blocks + found.ends * (GALORE_7B.parameters - blocks)
    assert 1 - kept / (4 * GALORE_7B.parameters) == pytest.approx(0.655, abs=0.01)


def test_a_rank_beyond_the_matrix_projects_nothing() -> None:
    """Where a rank is no smaller than the shorter side, moments are whole."""
    assert moment_bytes(DENSE, optimizer("galore", projected_rank=4096)).inside == 8
