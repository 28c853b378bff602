"""Is a template read as CloudFormation reads it, and whatever else is no template told of?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stacks.errors import TemplateError
from stacks.verify.reading import read_file, read_text
from stacks.verify.template import Template

BOMB = "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
UNREADABLE = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "binary": (bytes(range(256)), "is not text in UTF-8"),
    "an image": (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not text in UTF-8"),
    "a list": (b"[1, 2]", "no Resources"),
    "a word": (b"hello", "no Resources"),
    "a number": (b"12", "no Resources"),
    "no resources": (b'{"Outputs": {}}', "no Resources"),
    "resources in a list": (b'{"Resources": []}', "no Resources"),
    "a type that is no text": (b'{"Resources": {"A": {"Type": 5}}}', "the resource 'A' has no Type"),
    "a resource without a type": (b"Resources: {A: {Properties: {}}}", "the resource 'A' has no Type"),
    "a resource that is a list": (b'{"Resources": {"A": []}}', "the resource 'A' has no Type"),
    "half of JSON": (b'{"Resources": {\n "A": ', "line 2: is not JSON"),
    "deep JSON": (b'{"Resources": ' + b"[" * 100_000, "nested too deep"),
    "deep JSON that closes": (b'{"Resources": ' + b"[" * 300 + b"]" * 300 + b"}", "more than 100 levels"),
    "a number too long": (b'{"Resources": {}, "A": ' + b"9" * 5000 + b"}", "too long"),
    "deep YAML": (
        b"Resources:\n" + b"".join(b" " * depth + b"a:\n" for depth in range(1, 300)),
        "more than 100 levels",
    ),
    "deep flow": (b"Resources: " + b"[" * 5000, "more than 100 levels"),
    "half of YAML": (b"Resources: {A: ", "is not YAML"),
    "a tab": (b"Resources:\n\tA: 1", "line 2: is not YAML"),
    "two documents": (b"Resources: {}\n---\nResources: {}\n", "more than one YAML document"),
    "aliases that explode": (f"Resources: {{}}\n{BOMB}".encode(), "more than 1,000,000 values"),
    "an alias of nothing": (b"Resources: *nobody", "names no anchor"),
    "an alias of itself": (b"Resources: &a {A: *a}", "names no anchor"),
    "a resource twice": (b"Resources:\n  A: {Type: X}\n  A: {Type: Y}\n", "line 3: 'A' is written twice"),
    "a property twice": (b'{"Resources": {"A": {"Type": "X", "Type": "Y"}}}', "'Type' is written twice"),
    "no number": (b'{"Resources": {"A": {"Type": "X", "Size": NaN}}}', "it has no NaN"),
    "a key that is a list": (b"Resources: {? [1] : 2}", "a key is not a text"),
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_is_no_template_is_told_of(content: bytes, reason: str, tmp_path: Path) -> None:
    """One sentence names the file and what is wrong with it."""
    file = tmp_path / "template"
    file.write_bytes(content)
    with pytest.raises(TemplateError) as caught:
        read_file(file)
    assert len(caught.value.findings) == 1
    assert caught.value.findings[0].startswith(f"{file}: ")
    assert reason in caught.value.findings[0]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file, a folder and a name that is none are told of as well."""
    for name, reason in (
        (tmp_path / "none.json", "no such file"),
        (tmp_path, "is a directory"),
        (Path("\0"), "no name"),
    ):
        with pytest.raises(TemplateError, match=reason):
            read_file(name)


def test_a_byte_order_mark_is_no_content() -> None:
    """Editors on Windows write one."""
    assert read_text("x", '\ufeff{"Resources": {}}'.encode()).document == {"Resources": {}}


SHORT = """
Resources:
  A:
    Type: T
    Properties:
      Date: 2010-09-09
      Name: !Sub "${AWS::StackName}-a"
      Zone: !Select [0, !GetAZs ""]
      Arn: !GetAtt B.Arn.Part
      Both: !If [Wide, !Ref B, !Ref AWS::NoValue]
      Flag: yes
      Size: 010
      Octal: "8"
      Nothing: ~
      Text: |
        true
"""
LONG: dict[str, Any] = {
    "Date": "2010-09-09",
    "Name": {"Fn::Sub": "${AWS::StackName}-a"},
    "Zone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
    "Arn": {"Fn::GetAtt": ["B", "Arn.Part"]},
    "Both": {"Fn::If": ["Wide", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]},
    "Flag": True,
    "Size": "010",
    "Octal": "8",
    "Nothing": None,
    "Text": "true\n",
}


def test_short_forms_are_written_out() -> None:
    """YAML's short functions say the same as their long forms; dates and numbers with a leading zero stay texts."""
    assert read_text("x", SHORT.encode()).document["Resources"]["A"]["Properties"] == LONG


def test_every_value_has_its_line() -> None:
    """JSON and YAML tell the line of each property, through lists and functions."""
    source = read_text("x", SHORT.encode())
    assert source.line(("Resources", "A", "Properties", "Zone")) == 8
    assert source.line(("Resources", "A", "Properties", "Zone", "Fn::Select", 1)) == 8
    text = json.dumps({"Resources": {'q"uote': {"Type": "T", "L": [1, {"a": [], "b": "]}{[,:"}, {"c": 1}]}}}, indent=1)
    lines = text.splitlines()
    found = read_text("x", text.encode())
    for path, start in (
        (('q"uote',), '"q\\"uote"'),
        (('q"uote', "L"), '"L"'),
        (('q"uote', "L", 1, "b"), '"b"'),
        (('q"uote', "L", 2, "c"), '"c"'),
    ):
        line = found.line(("Resources", *path))
        assert line is not None and lines[line - 1].strip().startswith(start)


def test_a_place_that_is_not_there_has_the_line_around_it() -> None:
    """What is missing is told of where it should stand."""
    source = read_text("x", SHORT.encode())
    assert source.line(("Resources", "A", "Properties", "None", "At", 3)) == 5


def test_aliases_are_followed() -> None:
    """A few repeated parts are no bomb."""
    text = "Resources:\n  A: &a {Type: T, Properties: {B: 1}}\n  C: *a\n"
    template = Template(read_text("x", text.encode()))
    assert [each.at("B").number for each in template.of("T")] == [1, 1]
