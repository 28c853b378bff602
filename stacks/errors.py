"""Which failures does a user cause, or can a user mend, when a plan becomes a stack?"""

from __future__ import annotations

from pricing.errors import BerthError


class StackError(BerthError):
    """A plan asks for something that EC2 or CloudFormation would refuse, or would do differently."""


class TemplateError(BerthError):
    """A file that should be a CloudFormation template cannot be read as one."""
