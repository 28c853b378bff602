"""How does a test start the AWS on loopback, and run the CDK against it?"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from msgspec import Struct

from tests.support.loopback import ACCOUNT, REGION
from tests.support.node import BIN

ROOT = Path(__file__).parents[2]
START_S = 60
# A deployment takes seconds; a hang must not take the rest of the run.
COMMAND_S = 180
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_SESSION_TOKEN": "testing"}


class Aws(Struct, frozen=True, kw_only=True):
    """An AWS on loopback. `home` holds whatever its clients write, and goes with the test."""

    endpoint: str
    home: Path

    def client(self, service: str) -> Any:
        """A boto3 client of the service."""
        return boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        ).client(service, endpoint_url=self.endpoint)

    def cdk(self, *arguments: str) -> str:
        """Runs the CDK as a user would, and returns what it printed; a failure fails the test with it."""
        done = subprocess.run(
            [BIN / "cdk", *arguments],
            cwd=ROOT,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_S,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def environment(self) -> dict[str, str]:
        """Nothing of the caller's but the path and jsii's unpacked libraries, which take long to unpack."""
        libraries = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
        return {
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "JSII_RUNTIME_PACKAGE_CACHE_ROOT": os.environ.get("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(libraries)),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "CI": "true",
        }


@contextmanager
def loopback_aws(home: Path) -> Iterator[Aws]:
    """An AWS of the test's own, bootstrapped for the CDK, which ends with the block."""
    command = [sys.executable, "-m", "tests.support.aws_server"]
    with (
        (home / "aws_server.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True) as server,
    ):
        try:
            aws = Aws(endpoint=f"http://localhost:{_port(server)}", home=home)
            aws.cdk("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--output", str(home / "bootstrap.out"))
            yield aws
        finally:
            server.terminate()


def _port(server: subprocess.Popen[str]) -> int:
    """The port that the server prints once it listens."""
    assert server.stdout is not None
    ready, _, _ = select.select([server.stdout], [], [], START_S)
    line = server.stdout.readline() if ready else ""
    assert line.strip().isdigit(), f"The server printed no port within {START_S} s; its log says why."
    return int(line)
