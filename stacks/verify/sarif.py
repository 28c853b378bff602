"""How do findings read in SARIF 2.1.0, which code hosts show beside the lines?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stacks.verify.check import Finding
from stacks.verify.report import printable
from stacks.verify.rule import Rule, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
VERSION = "2.1.0"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(findings: Iterable[Finding], rules: Mapping[str, Rule], version: str) -> dict[str, Any]:
    """One run of the verifier. What cannot be known is of kind `open`, whose level the format wants to be none."""
    index = {name: number for number, name in enumerate(rules)}
    driver = {
        "name": "berth verify",
        "semanticVersion": version,
        "rules": [_described(rule) for rule in rules.values()],
    }
    results = [_result(each, index[each.rule.id]) for each in findings]
    return {"$schema": SCHEMA, "version": VERSION, "runs": [{"tool": {"driver": driver}, "results": results}]}


def _described(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.id.replace("-", " ")},
        "fullDescription": {"text": f"{rule.why}."},
        "help": {"text": rule.change},
        "helpUri": rule.source,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.file)}}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line}
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "kind": "open" if finding.open else "fail",
        "level": "none" if finding.open else _LEVELS[finding.rule.severity],
        "message": {"text": printable(f"{finding.place}: {finding.message}. {finding.rule.change}")},
        "locations": [
            {
                "physicalLocation": place,
                "logicalLocations": [{"fullyQualifiedName": printable(finding.place)}],
            }
        ],
    }


def _uri(file: str) -> str:
    from pathlib import Path
    from urllib.parse import quote

    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix(), errors="replace")
