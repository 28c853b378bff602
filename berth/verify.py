"""berth verify: does a template come up, do what it says, and keep what is in it safe?

Ends with 0 when every template is right, with 1 when a rule of severity error is broken, and with 2 when a file cannot
be read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from berth.options import AsJson

BROKEN, UNREADABLE = 1, 2


def verify(
    templates: Annotated[
        list[str],
        typer.Argument(metavar="TEMPLATE...", help="CloudFormation templates, JSON or YAML, whoever wrote them."),
    ],
    as_json: AsJson = False,
    sarif: Annotated[
        str | None, typer.Option("--sarif", metavar="FILE", help="Write SARIF 2.1.0 too; - prints it alone.")
    ] = None,
) -> None:
    """Check CloudFormation templates for what linters let pass."""
    from berth.tables import print_table
    from stacks.errors import TemplateError
    from stacks.verify.check import Finding, check, failing
    from stacks.verify.reading import read_file
    from stacks.verify.report import TITLES, printable, reasons, records, rows, summary
    from stacks.verify.rules import load_rules
    from stacks.verify.sarif import sarif as to_sarif

    found: list[Finding] = []
    unread: list[str] = []
    read = 0
    for name in templates:
        try:
            found += check(read_file(Path(name)))
            read += 1
        except TemplateError as error:
            unread += [printable(finding) for finding in error.findings]
    if sarif is not None:
        _write_sarif(sarif, to_sarif(found, load_rules(), _version()), unread)
    if as_json:
        print(json.dumps({"findings": records(found), "unreadable": unread}, indent=2))
    elif sarif != "-":
        if found:
            print_table(TITLES, rows(found))
            print("", *reasons(found), "", sep="\n")
        print(summary(read, found, len(load_rules())))
    for sentence in unread:
        print(sentence, file=sys.stderr)
    if unread or failing(found):
        raise typer.Exit(UNREADABLE if unread else BROKEN)


def _write_sarif(target: str, document: dict[str, Any], unread: list[str]) -> None:
    text = json.dumps(document, indent=2)
    if target == "-":
        print(text)
        return
    from pricing.files import write_whole

    try:
        write_whole(Path(target), f"{text}\n")
    except OSError as error:
        unread.append(f"{target}: cannot be written: {(error.strerror or 'unknown').lower()}.")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("berth")
    except PackageNotFoundError:
        return "0.0.0"
