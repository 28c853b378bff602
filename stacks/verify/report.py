"""How do findings read: for people, and for programs?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from stacks.verify.check import Finding
from stacks.verify.rule import Severity


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings for people: by rule, each rule's reason and remedy once; what cannot be known at the end."""
    for _, group in groupby(findings, key=lambda each: (each.open, each.rule.id)):
        found = list(group)
        rule = found[0].rule
        if found[0].open:
            yield from (f"{where(each)}: not checked: {_sentence(each)} [{rule.id}]" for each in found)
            continue
        yield from (f"{where(each)}: {rule.severity}: {_sentence(each)} [{rule.id}]" for each in found)
        yield f"    why: {rule.why}."
        yield f"    change: {rule.change}"
        yield f"    source: {rule.source}"


def summary(files: int, findings: Iterable[Finding], rules: int) -> str:
    """One line: how many rules, files and findings of each severity."""
    counts: dict[str, int] = {severity.value: 0 for severity in Severity} | {"not checked": 0}
    for each in findings:
        counts["not checked" if each.open else each.rule.severity.value] += 1
    words = (("error", "errors"), ("warning", "warnings"), ("info", "notes"), ("not checked", "cannot be known"))
    told = ", ".join(
        f"{counts[key]} {word[:-1] if counts[key] == 1 and key in 'error warning' else word}" for key, word in words
    )
    return f"{rules} rules on {files} {'template' if files == 1 else 'templates'}: {told}."


def records(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings for programs: one flat record each."""
    return [
        {
            "file": printable(each.file),
            "line": each.line,
            "path": [printable(key) if isinstance(key, str) else key for key in each.path],
            "resource": printable(each.resource) if each.resource else None,
            "rule": each.rule.id,
            "severity": each.rule.severity.value,
            "known": not each.open,
            "message": printable(each.message),
            "why": each.rule.why,
            "change": each.rule.change,
            "source": each.rule.source,
        }
        for each in findings
    ]


def where(finding: Finding) -> str:
    """The file, the line where it has one, and the path."""
    line = "" if finding.line is None else f":{finding.line}"
    return printable(f"{finding.file}{line}: {finding.place}")


def printable(text: str) -> str:
    """The text without what a terminal would obey, or an encoding refuse."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _sentence(finding: Finding) -> str:
    return printable(finding.message)
