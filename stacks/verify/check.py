"""Which rules does a template break?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from stacks.verify.facts import load_facts
from stacks.verify.positions import Path
from stacks.verify.reading import Source
from stacks.verify.rule import Rule, Severity
from stacks.verify.rules import load_rules
from stacks.verify.template import Template

_ORDER = list(Severity)


class Finding(Struct, frozen=True, kw_only=True):
    """One rule broken in one place or, where `open`, a place of which the template does not tell whether it is."""

    rule: Rule
    file: str
    line: int | None
    path: Path
    message: str
    open: bool

    @property
    def place(self) -> str:
        """The path in words: the logical id first, then the keys."""
        keys = self.path[1:] if self.path[:1] == ("Resources",) else self.path
        kept = [key for key in keys if key != "Properties"]
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in kept).lstrip(".") or "the template"

    @property
    def resource(self) -> str | None:
        """The logical id of the resource."""
        return str(self.path[1]) if len(self.path) > 1 and self.path[0] == "Resources" else None

    @property
    def failing(self) -> bool:
        """Whether a rule of severity error is broken."""
        return self.rule.failing and not self.open


def check(source: Source, rules: Mapping[str, Rule] | None = None) -> tuple[Finding, ...]:
    """Every finding in a template, each once, the gravest first, then by line."""
    template = Template(source)
    found = {
        (rule.id, each.path, each.message): Finding(
            rule=rule,
            file=source.name,
            line=source.line(each.path),
            path=each.path,
            message=each.message,
            open=each.open,
        )
        for rule in (load_rules() if rules is None else rules).values()
        for each in rule.check(template)
    }
    return tuple(sorted(found.values(), key=_order))


def prepare() -> None:
    """Reads what checking needs, the rules and the catalog, so that the first check is quick."""
    load_rules()
    load_facts()


def failing(findings: Iterable[Finding]) -> bool:
    """Whether any rule of severity error is broken."""
    return any(each.failing for each in findings)


def _order(finding: Finding) -> tuple[bool, int, int, str, str]:
    rank = _ORDER.index(finding.rule.severity)
    return finding.open, rank, finding.line or 0, finding.rule.id, finding.message
