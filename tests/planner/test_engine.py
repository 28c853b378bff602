"""Is every engine that serves told a plan in its own words, and pinned?"""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from planner.engine import engine, is_keyed, pinned_image
from planner.provisioning import Container, Serving
from planner.techniques import load_techniques

FACTS: dict[str, str | int] = {
    "name": "tiny",
    "tensor": 2,
    "pipeline": 1,
    "replicas": 4,
    "context": 4096,
    "batch": 32,
}
EVERY_ENGINE = pytest.mark.parametrize("name", get_args(Container))


@EVERY_ENGINE
def test_each_container_that_can_be_named_is_known(name: str) -> None:
    """It has a port, a path for its health, and paths for clients that reach neither metrics nor administration."""
    found = engine(name, image=None, facts=FACTS, techniques=())
    assert found.name == name and 0 < found.port < 2**16
    assert found.health_path.startswith("/")
    assert not any(re.fullmatch(path.replace("*", ".*"), "/metrics") for path in found.paths)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\S*metrics", found.metrics)
    assert re.compile(found.waiting)


@EVERY_ENGINE
def test_an_image_is_pinned_or_must_be_named(name: str) -> None:
    """The images of the data file are as the user's own must be: with a version, and not the latest."""
    pinned = pinned_image(name)
    assert bool(pinned) == (name != "nim")
    if pinned:
        assert Serving(image=pinned).image == pinned
    assert engine(name, image="a/b:1", facts=FACTS, techniques=()).image == "a/b:1"


@EVERY_ENGINE
def test_a_command_is_plain_words(name: str) -> None:
    """Every brace is filled in, and no word needs the quotes that user data does not give it."""
    command = engine(name, image=None, facts=FACTS, techniques=load_techniques()).command
    assert all(re.fullmatch(r"[\w./=:-]+", word) for word in command)


@pytest.mark.parametrize(
    ("techniques", "words"),
    [
        (("bf16",), "--dtype bfloat16"),
        (("fp8-weights", "kv-fp8"), "--quantization fp8 --kv-cache-dtype fp8"),
        # What a checkpoint says itself needs no argument.
        (("awq",), "--max-num-seqs 32"),
    ],
)
def test_techniques_become_arguments(techniques: tuple[str, ...], words: Any) -> None:
    """What the plan decided on and the engine must be told stands at the end of its command."""
    assert " ".join(engine("vllm", image=None, facts=FACTS, techniques=techniques).command).endswith(words)


def test_every_technique_that_has_arguments_exists() -> None:
    """No argument hangs on a name that no plan has."""
    told = {"bf16", "fp16", "fp32", "fp8-weights", "nf4-weights", "kv-fp8"}
    assert told <= load_techniques().keys()
    plain = engine("vllm", image=None, facts=FACTS, techniques=()).command
    for technique in told:
        assert len(engine("vllm", image=None, facts=FACTS, techniques=(technique,)).command) == len(plain) + 2


def test_only_vllm_checks_keys() -> None:
    """The others need a load balancer that checks tokens."""
    assert [name for name in get_args(Container) if is_keyed(name)] == ["vllm"]
