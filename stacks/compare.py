"""What would CloudFormation make anew, or take away, if the stack of one build became that of another?"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from aws_cdk import App

from planner.plan import Build
from stacks.build import build_stack
from stacks.errors import StackError
from stacks.verify.reading import read_file
from stacks.verify.replaced import Fate, Kind, Replacement, replacements
from stacks.verify.template import Template


def remade(old: Build, new: Build) -> tuple[str, ...]:
    """What is lost of the old build's stack, one sentence each: nodes first, then files and clusters.

    Both templates are synthesized and compared by the create-only properties of every type in them. Raises StackError
    where the new build cannot be a stack.
    """
    with TemporaryDirectory() as folder:
        after = _template(new, Path(folder, "new"))
        try:
            before = _template(old, Path(folder, "old"))
        except StackError as error:
            # Berth has become stricter since: what stands cannot be compared, and must not be lost unasked.
            return (f"the stack that stands cannot be compared: {error.findings[0]}",)
        return tuple(each.words for each in replacements(before, after) if _lost(each))


def _lost(each: Replacement) -> bool:
    """Whether a user has to be asked: of what holds nothing, only a refused change matters."""
    return each.fate is Fate.REFUSED or (each.kind is not Kind.OTHER and each.fate is not Fate.PERHAPS)


def _template(build: Build, folder: Path) -> Template:
    app = App(outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = build_stack(app, build, account=None, warnings=())
    app.synth()
    return Template(read_file(folder / stack.template_file))
