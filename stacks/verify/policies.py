"""What do the template's policies allow, and to whom?"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from stacks.verify.template import Node, Resource, Template

# Types whose policies grant their bearer access to other things.
_IDENTITY = ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group")
_DOCUMENTS = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy")


class Statement(Struct, frozen=True):
    """One statement of a policy."""

    node: Node

    @property
    def allows(self) -> bool:
        """Whether it allows, rather than denies."""
        return self.node.at("Effect").text == "Allow"

    @property
    def actions(self) -> tuple[str, ...]:
        """Its actions, in small letters, with `*` for what is not known."""
        return tuple(node.known_text.lower() for node in one_or_more(self.node.at("Action")))

    @property
    def on_everything(self) -> bool:
        """Whether one of its resources is every resource."""
        return any(node.text == "*" for node in one_or_more(self.node.at("Resource")))

    @property
    def conditional(self) -> bool:
        """Whether it holds under a condition only."""
        return bool(self.node.at("Condition").entries) or self.node.at("Condition").open

    @property
    def for_everyone(self) -> bool:
        """Whether its principal is anybody."""
        principal = self.node.at("Principal")
        named = one_or_more(principal) + one_or_more(principal.at("AWS"))
        return any(node.text == "*" for node in named)


def one_or_more(node: Node) -> tuple[Node, ...]:
    """The items of a list, or the value that stands alone in its place."""
    if isinstance(node.value, list):
        return node.items
    return () if node.missing or isinstance(node.value, dict) else (node,)


def statements(document: Node) -> Iterator[Statement]:
    """The statements of a policy document."""
    stated = document.at("Statement")
    for node in stated.items or ((stated,) if isinstance(stated.value, dict) else ()):
        yield Statement(node)


def granted(template: Template) -> Iterator[Statement]:
    """Every statement that grants a role, user or group something."""
    for resource in template.of(*_IDENTITY):
        for policy in resource.at("Policies").items:
            yield from statements(policy.at("PolicyDocument"))
    for resource in template.of(*_DOCUMENTS):
        yield from statements(resource.at("PolicyDocument"))


def trusted(template: Template) -> Iterator[tuple[Resource, Statement]]:
    """Every statement that says who may take a role."""
    for resource in template.of("AWS::IAM::Role"):
        for statement in statements(resource.at("AssumeRolePolicyDocument")):
            yield resource, statement


def managed(template: Template) -> Iterator[tuple[Resource, Node]]:
    """Every managed policy that a role, user or group bears."""
    for resource in template.of(*_IDENTITY):
        for node in resource.at("ManagedPolicyArns").items:
            yield resource, node
