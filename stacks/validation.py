"""Does what was just synthesized keep the verifier's rules?

A CDK validation plugin: the CDK runs it at the end of every synthesis, prints what it reports, and fails.
"""

from __future__ import annotations

from pathlib import Path

import jsii
from aws_cdk import (
    App,
    IPolicyValidationContext,
    IPolicyValidationPlugin,
    PolicyValidationPluginReport,
    PolicyViolatingResource,
    PolicyViolation,
    Validations,
)

from stacks.errors import StackError, TemplateError
from stacks.verify.check import Finding, check
from stacks.verify.reading import read_file
from stacks.verify.report import lines, printable
from stacks.verify.rules import load_rules


@jsii.implements(IPolicyValidationPlugin)
class Verifier:
    """The verifier as the CDK knows it; `errors` are the rules of severity error that the last synthesis broke."""

    def __init__(self) -> None:
        self.errors: list[Finding] = []

    @property
    def name(self) -> str:
        return "berth-verify"

    @property
    def version(self) -> None:
        return None

    @property
    def rule_ids(self) -> None:
        return None

    def validate(self, context: IPolicyValidationContext) -> PolicyValidationPluginReport:
        """What is broken in the templates of `context`, by rules of severity error alone."""
        self.errors = [each for path in context.template_paths for each in _errors(Path(path))]
        return PolicyValidationPluginReport(success=not self.errors, violations=[_violation(e) for e in self.errors])


def add_verifier(app: App) -> Verifier:
    """Makes every synthesis of the app verify its templates."""
    verifier = Verifier()
    Validations.of(app).add_plugins(verifier)
    return verifier


def synth_verified(app: App, verifier: Verifier) -> None:
    """Synthesizes the app. Raises StackError where a template breaks a rule of severity error.

    Under its command line the CDK prints what is broken, and fails, by itself. Without it, it raises a JavaScript
    error, and may be ended before it has printed.
    """
    try:
        app.synth()
    except RuntimeError as failure:
        if not verifier.errors or "ValidationFailed" not in str(failure):
            raise
        raise StackError([*lines(verifier.errors), "The synthesized stack must not be deployed."]) from None


def _errors(path: Path) -> list[Finding]:
    rules = {name: rule for name, rule in load_rules().items() if rule.failing}
    try:
        return [each for each in check(read_file(path), rules) if each.failing]
    except TemplateError:
        # The CDK has just written it: a stack without resources, which says elsewhere what it lacks.
        return []


def _violation(finding: Finding) -> PolicyViolation:
    return PolicyViolation(
        rule_name=finding.rule.id,
        severity=finding.rule.severity.value,
        description=printable(f"{finding.place}: {finding.message}; {finding.rule.why}."),
        fix=f"{finding.rule.change} ({finding.rule.source})",
        violating_resources=[
            PolicyViolatingResource(
                resource_logical_id=finding.resource or "",
                template_path=finding.file,
                locations=["/".join(map(str, finding.path[2:])) or "/"],
            )
        ],
    )
