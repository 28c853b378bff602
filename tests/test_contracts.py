"""Does the project keep the rules that it gave itself?"""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from planner.framework import load_frameworks
from planner.models import find_preset
from planner.recipe import Job
from planner.techniques import load_techniques
from pricing.catalog import load_instance_types

ROOT = Path(__file__).parent.parent
PACKAGES = ("pricing", "planner", "stacks", "berth")
MODULES = [ROOT / "app.py", *(file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py")))]
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
DOCUMENTS = [ROOT / "README.md", ROOT / "planner" / "data" / "starter.yaml", *sorted(ROOT.glob("workloads/*.yaml"))]

# Modules whose behaviour shows in those that use them.
TESTED_WITH = {
    "planner/job_words.py": "planner/test_choose.py",
    "planner/asked.py": "planner/test_eligible.py",
    "planner/answering.py": "planner/test_candidate.py",
    "planner/batch_candidate.py": "planner/test_search_batch.py",
    "planner/batch_setting.py": "planner/test_search_batch.py",
    "planner/simulate_batch.py": "berth/test_simulate.py",
    "planner/simulated_batch.py": "berth/test_simulate.py",
    "planner/streamed_simulation.py": "planner/test_streamed_time.py",
    "planner/surroundings.py": "planner/test_usage.py",
    "planner/serving_fields.py": "planner/test_serving_faults.py",
    "planner/fleet_faults.py": "planner/test_served.py",
    "planner/standing_faults.py": "planner/test_provision_faults.py",
    "planner/provisioning.py": "planner/test_workload.py",
    "planner/fields.py": "planner/test_workload.py",
    "berth/options.py": "berth/test_catalog.py",
    "planner/architecture.py": "planner/test_model_config.py",
    "planner/architectures/encoders.py": "planner/test_model_config.py",
    "planner/architectures/experts.py": "planner/test_model_config.py",
    "planner/architectures/hybrids.py": "planner/test_model_config.py",
    "planner/architectures/layer_types.py": "planner/test_model_config.py",
    "planner/block_time.py": "planner/test_training_time.py",
    "planner/carried.py": "planner/test_reach.py",
    "planner/choose_answers.py": "planner/test_choose.py",
    "planner/crossval.py": "planner/test_reach.py",
    "planner/decide.py": "berth/test_plan.py",
    "planner/fleet_fields.py": "planner/test_workload.py",
    "planner/fleet_record.py": "planner/test_fleet_plan.py",
    "planner/described.py": "planner/test_estimate.py",
    "planner/faults.py": "planner/test_load.py",
    "planner/fitting.py": "planner/test_calibrating.py",
    "planner/serving_memory_fit.py": "planner/test_reach.py",
    "planner/in_flight.py": "planner/test_memory.py",
    "planner/index_fields.py": "planner/test_index_size.py",
    "planner/index_lock.py": "berth/test_plan_index.py",
    "planner/measured_answers.py": "planner/test_validation.py",
    "planner/measured_serving.py": "planner/test_reach.py",
    "planner/measured_training.py": "planner/test_validation.py",
    "planner/pinned.py": "planner/test_estimate.py",
    "planner/pinned_choices.py": "planner/test_estimate.py",
    "planner/pinned_faults.py": "planner/test_estimate.py",
    "planner/pinned_file.py": "planner/test_estimate.py",
    "planner/inline_fields.py": "planner/test_inline_shape.py",
    "planner/places.py": "planner/test_load.py",
    "planner/plan.py": "planner/test_candidate.py",
    "planner/recipe.py": "planner/test_recipes.py",
    "planner/replica_clock.py": "planner/test_simulation.py",
    "planner/report/estimate.py": "berth/test_estimate.py",
    "planner/report/measured_columns.py": "berth/test_schema.py",
    "planner/report/simulation.py": "berth/test_simulate.py",
    "planner/report/vector_index.py": "berth/test_plan_index.py",
    "planner/report/validation.py": "berth/test_validate.py",
    "planner/scores.py": "planner/test_validation.py",
    "planner/replica.py": "planner/test_serving.py",
    "planner/search.py": "planner/test_search_training.py",
    "planner/serving_answers.py": "planner/test_serving_reach.py",
    "planner/serving_crossval.py": "planner/test_serving_step_fit.py",
    "planner/serving_runs.py": "planner/test_serving_reach.py",
    "planner/states.py": "planner/test_memory.py",
    "planner/setting.py": "planner/test_training_time.py",
    "planner/simulate.py": "berth/test_simulate.py",
    "planner/step_time.py": "planner/test_serving.py",
    "planner/step_work.py": "planner/test_serving.py",
    "planner/sweeps.py": "planner/test_time_reach.py",
    "planner/time_bands.py": "planner/test_time_reach.py",
    "planner/time_crossval.py": "planner/test_time_reach.py",
    "planner/time_effects.py": "planner/test_time_fitting.py",
}

# Tests that have a module of their own for one side of what they test.
FURTHER_TESTS = {
    "berth/test_plan_prices.py": "berth/plan.py",
    "berth/test_process.py": "berth/main.py",
    "planner/test_reach.py": "planner/carried.py",
    "planner/test_serving_floor.py": "planner/serving_modes.py",
    "planner/test_serving_reach.py": "planner/carried.py",
    "planner/test_digest.py": "planner/lock.py",
    "planner/test_optimum.py": "planner/choose.py",
    "planner/test_slice_plans.py": "planner/sliced.py",
    "planner/test_time_reach.py": "planner/carried.py",
    "planner/test_ways_to_pay.py": "planner/choose.py",
}

LONGEST_MODULE = 400
LONGEST_MEDIAN_MODULE = 120
# Nine of ten functions are no longer than this.
LONGEST_FUNCTION = 35


def functions(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


def test_the_import_contracts_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Dependencies run one way only, and every module has its place."""
    monkeypatch.chdir(ROOT)
    status = lint_imports(no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.relative_to(ROOT / "tests")))
def test_every_test_states_its_promise(file: Path) -> None:
    """Each test function opens with one sentence, and each test module with the question that it answers."""
    question = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    assert question
    silent = []
    for function in functions(file):
        if function.name.startswith("test_"):
            promise = ast.get_docstring(function) or ""
            if not promise.endswith((".", "?", "`")) or "\n\n" in promise:
                silent.append(function.name)
    assert silent == []


@pytest.mark.parametrize("file", MODULES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_module_is_too_long(file: Path) -> None:
    """A module is read in one sitting, and its docstring says which question it answers."""
    assert lines(file) <= LONGEST_MODULE
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def test_modules_and_functions_are_short() -> None:
    """The median module has at most 120 lines, and nine of ten functions at most 35."""
    assert statistics.median(map(lines, MODULES)) <= LONGEST_MEDIAN_MODULE
    lengths = [(each.end_lineno or 0) - each.lineno + 1 for file in MODULES for each in functions(file)]
    assert statistics.quantiles(lengths, n=10)[-1] <= LONGEST_FUNCTION


def test_tests_mirror_the_tree() -> None:
    """Each test module of the planner and the command line is named after the module or package that it tests."""
    strays = []
    for file in TESTS:
        place = file.relative_to(ROOT / "tests")
        tested = ROOT / place.parent / file.name.removeprefix("test_")
        mirrored = tested.exists() or tested.with_suffix("").is_dir() or str(place) in FURTHER_TESTS
        if place.parts[0] in ("planner", "berth") and not mirrored:
            strays.append(str(place))
    assert strays == []
    assert [name for name in FURTHER_TESTS.values() if not (ROOT / name).exists()] == []


def test_every_module_is_tested() -> None:
    """No module of the planner and the command line goes without tests: its own, its package's, or those named."""
    own = {file.relative_to(ROOT / "tests").with_name(file.name.removeprefix("test_")) for file in TESTS}
    untested = []
    for file in MODULES:
        place = file.relative_to(ROOT)
        package = Path(f"{place.parent}.py")
        tested = place in own or package in own or str(place) in TESTED_WITH
        if place.parts[0] in ("planner", "berth") and functions(file) and not tested:
            untested.append(str(place))
    assert untested == []
    assert [name for name in TESTED_WITH.values() if not (ROOT / "tests" / name).exists()] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_what_documents_name_exists(file: Path) -> None:
    """Models, techniques, frameworks, engines and instance types in examples are those that there are."""
    text = file.read_text(encoding="utf-8")
    for name in re.findall(r"^ *model: ([\w./-]+)", text, re.MULTILINE):
        assert find_preset(name)
    for name in re.findall(r"^ *# *framework: ([\w-]+)|^ *framework: ([\w-]+)", text, re.MULTILINE):
        assert load_frameworks()["".join(name)].job is Job.TRAINING
    for name in re.findall(r"^ *#? *engine: ([\w-]+)", text, re.MULTILINE):
        assert load_frameworks()[name].job is Job.INFERENCE
    for names in re.findall(r"^ *#? *(?:require|forbid): \[(.*?)\]", text, re.MULTILINE):
        assert set(filter(None, names.split(", "))) <= load_techniques().keys()
    for name in re.findall(r"instance_type: ([\w.-]+)", text):
        assert name in load_instance_types()
