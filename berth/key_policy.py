"""berth key-policy: what the user's own key must let in before the stack comes up."""

from __future__ import annotations

from berth.options import WorkloadFile


def key_policy(workload: WorkloadFile) -> None:
    """Print what a locked plan's KMS key must allow."""
    import json
    import sys

    from planner.accounts import grant_command, key_statements
    from planner.errors import LockError
    from planner.lock import read_head
    from planner.places import find_workload, lock_path

    path = lock_path(find_workload(workload))
    build = read_head(path).build
    if build.existing.key is None:
        raise LockError(f"{path}: the lock names no key of your own (provision.existing.key); AWS's own need no policy")
    print(json.dumps(key_statements(build), indent=2))
    if command := grant_command(build):
        print(
            "The key is another account's. Once its policy has this, in the account of the stack run:", file=sys.stderr
        )
        print(command, file=sys.stderr)
