"""Is AWS imported only by who talks to it?"""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from collections.abc import Collection

import pytest

import pricing.aws

EVERY_CALL = [f"pricing.aws.{module.name}" for module in pkgutil.iter_modules(pricing.aws.__path__)]


@pytest.mark.parametrize(
    ("names", "heavy"),
    [(EVERY_CALL, ["boto3", "botocore"]), (["pricing.aws.price_file"], ["urllib.request", "http.client"])],
)
def test_importing_a_call_imports_no_client(names: Collection[str], heavy: Collection[str]) -> None:
    """A plan from the bundle imports what could ask AWS, and must not wait for boto3 or a network library."""
    code = f"import sys, {', '.join(names)}; print([each for each in {heavy} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
