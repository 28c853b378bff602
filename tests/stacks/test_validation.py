"""Does a synthesis fail, and say why, where its template breaks a rule?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import App, CfnResource, Stack

from planner.plan import Build
from stacks.build import build_stack
from stacks.errors import StackError
from stacks.validation import Verifier, add_verifier, synth_verified
from tests.support.builds import G5_SINGLE, P4D_CLUSTER

CDK = Path(__file__).parents[2] / "node_modules" / ".bin" / "cdk"
# An app whose template breaks rules, as the CDK's command line runs it.
BROKEN_APP = """
import sys
from aws_cdk import App
from pricing.errors import BerthError
from stacks.build import build_stack
from stacks.validation import add_verifier, synth_verified
from tests.support.builds import P4D_CLUSTER

app = App(analytics_reporting=False, builtin_cloud_formation_validation=False)
verifier = add_verifier(app)
stack = build_stack(app, P4D_CLUSTER, account=None, warnings=())
template = stack.node.find_child("Template")
template.add_property_override("LaunchTemplateData.MetadataOptions.HttpTokens", "optional")
try:
    synth_verified(app, verifier)
except BerthError as failure:
    print(*failure.findings, sep="\\n", file=sys.stderr)
    sys.exit(1)
"""


def app_at(folder: Path) -> tuple[App, Verifier]:
    app = App(outdir=str(folder), analytics_reporting=False, builtin_cloud_formation_validation=False)
    return app, add_verifier(app)


@pytest.mark.parametrize("build", [G5_SINGLE, P4D_CLUSTER], ids=lambda build: build.name)
def test_a_right_stack_is_synthesized(build: Build, tmp_path: Path) -> None:
    """What Berth builds passes its own verifier, and the report stays empty of it."""
    app, verifier = app_at(tmp_path)
    build_stack(app, build, account=None, warnings=())
    synth_verified(app, verifier)
    assert verifier.errors == []
    assert list(tmp_path.glob("*.template.json"))


def test_a_broken_stack_is_refused_in_sentences(tmp_path: Path) -> None:
    """Every broken rule is told with its line, its reason and what to change, and none as a traceback."""
    app, verifier = app_at(tmp_path)
    stack = build_stack(app, P4D_CLUSTER, account=None, warnings=())
    template = stack.node.find_child("Template")
    assert isinstance(template, CfnResource)
    template.add_property_override("LaunchTemplateData.MetadataOptions.HttpTokens", "optional")
    template.add_property_override("LaunchTemplateData.NetworkInterfaces.0.InterfaceType", "efa-only")
    with pytest.raises(StackError) as caught:
        synth_verified(app, verifier)
    told = "\n".join(caught.value.findings)
    assert [each.rule.id for each in verifier.errors] == ["imdsv2-required", "efa-only-not-primary", "efa-one-per-card"]
    assert "HttpTokens: error: a token of the metadata service is optional [imdsv2-required]" in told
    assert "Set MetadataOptions.HttpTokens to required." in told
    assert "Traceback" not in told and "jsii" not in told


def test_a_stack_without_resources_is_not_judged(tmp_path: Path) -> None:
    """An app that was told no workload fails for that alone, in its own words."""
    app, verifier = app_at(tmp_path)
    Stack(app, "Empty", analytics_reporting=False)
    synth_verified(app, verifier)
    assert verifier.errors == []


def test_a_failure_of_anything_else_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug keeps its own words, also after a rule was broken."""
    app, verifier = app_at(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("TypeError: something else")

    monkeypatch.setattr(App, "synth", fail)
    with pytest.raises(RuntimeError, match="something else"):
        synth_verified(app, verifier)


def test_the_command_line_shows_what_is_broken(tmp_path: Path) -> None:
    """`cdk synth` prints rule, construct and remedy, and ends with an error."""
    (tmp_path / "app.py").write_text(BROKEN_APP, encoding="utf-8")
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root), "CDK_DISABLE_CLI_TELEMETRY": "true"}
    node = shutil.which("node")
    assert node and CDK.exists()
    done = subprocess.run(
        [node, CDK, "synth", "--quiet", "--app", f"{sys.executable} app.py", "--no-notices"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "imdsv2-required" in said and "Set MetadataOptions.HttpTokens to required." in said
    assert "Traceback" not in said
    report = json.loads((tmp_path / "cdk.out" / "validation-report.json").read_text(encoding="utf-8"))
    assert "berth-verify" in json.dumps(report)
