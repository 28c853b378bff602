"""No secret is written into the template."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.verify.rule import Found, Rule, Severity, broken
from stacks.verify.template import Node, Template

_SECRETS = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "an AWS secret key": re.compile(r"(?i)aws_secret_access_key\W{1,4}[A-Za-z0-9/+]{40}\b"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a Hugging Face token": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "an NVIDIA NGC key": re.compile(r"\bnvapi-[A-Za-z0-9_-]{40,}"),
    "a GitHub token": re.compile(r"\b(?:ghp|gho|ghs|github_pat)_[A-Za-z0-9_]{30,}\b"),
    "a Weights & Biases key": re.compile(r"(?i)wandb_api_key\W{1,4}[0-9a-f]{40}\b"),
    # As code writes a text, and as a shell does; what code calls or names is none.
    "a password": re.compile(
        r"(?i)\b(?:password|passwd|api_key|(?:secret|token)(?=\s*=\s*\S*[0-9@!#%^+]))"
        r"(?:\s*=\s*(['\"])(?![$<{*])[^\s'\";&]{8,}\1|=(?=\S*[0-9@!#%^+])[\w@!#%^+/=~-]{8,}(?=[\s'\";&]|$))"
    ),
}
# Any of these must be there before a closer look is worth its time.
_HINT = re.compile(
    r"(?i)AKIA|ASIA|secret|PRIVATE KEY|hf_|nvapi-|gh[pos]_|github_pat|wandb|password|passwd|token|api_key"
)


def _check(template: Template) -> Iterator[Found]:
    for resource in template.resources.values():
        yield from _search(resource.body.at("Properties"))
    for _, parameter in template.section("Parameters").entries:
        yield from _search(parameter)


def _search(top: Node) -> Iterator[Found]:
    stack = [top]
    while stack:
        node = stack.pop()
        stack += node.items
        stack += [inner for _, inner in node.entries]
        text = node.known_text
        if len(text) > 15 and _HINT.search(text):
            for what, form in _SECRETS.items():
                if form.search(text):
                    yield broken(node, f"{what} is written here")


RULE = Rule(
    id="plain-secret",
    severity=Severity.ERROR,
    why="templates and user data are readable to everybody who may describe stacks or instances, and to every process "
    "on the node",
    change="Keep it in Secrets Manager, let the role read it, and fetch it when it is needed; then revoke this one.",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/security-best-practices.html",
    check=_check,
)
