"""Does `berth verify` tell people and programs what is wrong with templates, and end as CI needs it?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.verify.rules import load_rules
from tests.berth.command import Command
from tests.stacks.verify.cases import BREAKING, DATA, GONE, RIGHT, Change, changed

ESCAPE = "\x1b[31m\ud800"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A template with one error, which is named on its line."""
    return written(tmp_path / "broken.json", {f"{DATA}.MetadataOptions.HttpTokens": "optional"})


def written(path: Path, change: Change) -> Path:
    path.write_text(json.dumps(changed(change), indent=1), encoding="utf-8")
    return path


def test_a_right_template_ends_well(berth: Command) -> None:
    """Status 0, and one line that counts what was looked at."""
    answer = berth("verify", RIGHT)
    assert (answer.status, answer.err) == (0, "")
    assert answer.out.splitlines()[-1] == (
        f"1 template, {len(load_rules())} rules: 0 errors, 0 warnings, 5 notes; 0 cannot be known from the template."
    )


def test_warnings_alone_end_well(berth: Command, tmp_path: Path) -> None:
    """Only a rule of severity error makes a template wrong."""
    answer = berth("verify", written(tmp_path / "a.json", {"FlowLog": GONE}))
    assert answer.status == 0
    assert "no flow log is kept" in answer.out and ": 0 errors, 1 warning, " in answer.out


def test_an_error_is_told_with_its_line_and_remedy(berth: Command, broken: Path) -> None:
    """Status 1; the row leads to the line, and reason, remedy and source follow once."""
    answer = berth("verify", broken)
    number = next(
        number for number, line in enumerate(broken.read_text().splitlines(), 1) if '"HttpTokens": "optional"' in line
    )
    rows = [line for line in answer.out.splitlines() if line.startswith("error ")]
    assert answer.status == 1
    assert len(rows) == 1
    assert f"{broken}:{number}: Template.LaunchTemplateData.MetadataOptions.HttpTokens" in rows[0]
    assert rows[0].endswith("imdsv2-required")
    assert answer.out.count("Set MetadataOptions.HttpTokens to required.") == 1
    assert "Traceback" not in answer.out + answer.err


def test_all_files_and_findings_are_told_at_once(berth: Command, broken: Path, tmp_path: Path) -> None:
    """A file that cannot be read hides nothing of the others, and ends with status 2."""
    empty = tmp_path / "empty.yaml"
    empty.touch()
    answer = berth("verify", empty, broken, tmp_path / "none.json", RIGHT)
    assert answer.status == 2
    assert answer.err.splitlines() == [f"{empty}: is empty.", f"{tmp_path / 'none.json'}: no such file or directory."]
    assert "2 templates, " in answer.out and ": 1 error, " in answer.out


def test_programs_read_json(berth: Command, broken: Path) -> None:
    """Every finding is one flat record."""
    answer = berth("verify", "--json", broken)
    told = json.loads(answer.out)
    errors = [each for each in told["findings"] if each["severity"] == "error"]
    assert (answer.status, told["unreadable"], len(errors)) == (1, [], 1)
    assert errors[0] | {"line": 0} == {
        "file": str(broken),
        "line": 0,
        "path": ["Resources", "Template", "Properties", "LaunchTemplateData", "MetadataOptions", "HttpTokens"],
        "resource": "Template",
        "rule": "imdsv2-required",
        "severity": "error",
        "known": True,
        "message": "a token of the metadata service is optional",
        "why": load_rules()["imdsv2-required"].why,
        "change": load_rules()["imdsv2-required"].change,
        "source": load_rules()["imdsv2-required"].source,
    }


def test_code_hosts_read_sarif(berth: Command, broken: Path, tmp_path: Path) -> None:
    """SARIF goes to a file beside the table, or alone to stdout, with rules, levels and lines."""
    target = tmp_path / "found.sarif"
    answer = berth("verify", broken, "--sarif", target)
    assert answer.status == 1 and "imdsv2-required" in answer.out
    run = sarif_of(target.read_text(encoding="utf-8"))
    errors = [each for each in run["results"] if each["level"] == "error"]
    assert [each["ruleId"] for each in errors] == ["imdsv2-required"]
    assert run["tool"]["driver"]["rules"][errors[0]["ruleIndex"]]["id"] == "imdsv2-required"
    place = errors[0]["locations"][0]["physicalLocation"]
    assert place["region"]["startLine"] > 1 and place["artifactLocation"]["uri"] == broken.as_uri()
    alone = berth("verify", broken, "--sarif", "-")
    assert sarif_of(alone.out) == run


def test_what_cannot_be_known_is_open_in_sarif(berth: Command, tmp_path: Path) -> None:
    """It is of kind open and level none, as the format asks."""
    market = {f"{DATA}.InstanceMarketOptions.MarketType": {"Ref": "AWS::StackName"}}
    answer = berth("verify", written(tmp_path / "a.json", market), "--sarif", "-")
    kinds = {(each["kind"], each["level"]) for each in sarif_of(answer.out)["results"]}
    assert answer.status == 0 and kinds == {("open", "none"), ("fail", "note")}


def sarif_of(text: str) -> dict[str, Any]:
    document = json.loads(text)
    assert document["version"] == "2.1.0" and document["$schema"].endswith("sarif-2.1.0.json")
    (run,) = document["runs"]
    found: dict[str, Any] = run
    return found


def test_sarif_that_cannot_be_written_is_told(berth: Command, tmp_path: Path) -> None:
    """The findings are printed all the same."""
    answer = berth("verify", RIGHT, "--sarif", tmp_path / "none" / "found.sarif")
    assert answer.status == 2
    assert "cannot be written: no such file or directory." in answer.err and "1 template" in answer.out


def test_nothing_that_a_terminal_obeys_is_printed(berth: Command, tmp_path: Path) -> None:
    """Names in a stranger's template cannot write to the terminal, nor break the output."""
    file = tmp_path / "odd.json"
    body = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": {"KeyName": "x"}}}
    file.write_text(json.dumps({"Resources": {ESCAPE: body}}), encoding="utf-8")
    for options in ((), ("--json",), ("--sarif", "-")):
        answer = berth("verify", file, *options)
        assert answer.status == 1
        assert "\x1b" not in answer.out and "\\x1b[31m" in answer.out


def test_one_change_of_each_rule_ends_by_its_severity(berth: Command, tmp_path: Path) -> None:
    """The status is 1 for every rule of severity error, and 0 for every other."""
    for name in ("efa-count", "nic-card-exists", "retained-resources", "subnets-overlap"):
        answer = berth("verify", written(tmp_path / "a.json", BREAKING[name][0]))
        assert answer.status == int(load_rules()[name].failing), name
