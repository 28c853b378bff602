"""How do findings read: for people, and for programs?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from stacks.verify.check import Finding

TITLES = ("severity", "where", "what", "rule")


def rows(findings: Iterable[Finding]) -> Iterator[tuple[str, ...]]:
    """The findings as a table for people, under `TITLES`."""
    for each in findings:
        yield _grade(each), where(each), printable(each.message), each.rule.id


def reasons(findings: Iterable[Finding]) -> Iterator[str]:
    """Why each rule that is broken stands, and what to change, each once."""
    for rule in {each.rule.id: each.rule for each in findings if not each.open}.values():
        yield f"{rule.id}: {rule.why}."
        yield f"    {rule.change}"
        yield f"    {rule.source}"


def lines(findings: Sequence[Finding]) -> Iterator[str]:
    """The findings one a line, for logs, and then the reasons."""
    for each in findings:
        yield f"{where(each)}: {_grade(each)}: {printable(each.message)} [{each.rule.id}]"
    yield from reasons(findings)


def summary(files: int, findings: Iterable[Finding], rules: int) -> str:
    """One line: how many rules, files and findings of each severity."""
    counts = Counter(_grade(each) for each in findings)
    told = ", ".join(
        f"{counts[grade]} {word if counts[grade] == 1 else f'{word}s'}"
        for grade, word in (("error", "error"), ("warning", "warning"), ("info", "note"))
    )
    templates = f"{files} template{'' if files == 1 else 's'}"
    return f"{templates}, {rules} rules: {told}; {counts['not known']} cannot be known from the template."


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


def _grade(finding: Finding) -> str:
    return "not known" if finding.open else finding.rule.severity.value
