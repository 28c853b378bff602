"""cdk's entry: context -> plan -> stack -> synth."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from threading import Thread

from pricing.errors import BerthError


def main() -> None:
    """Synthesizes the stacks of the workloads that `-c workload=FILE,FILE` names, and verifies their templates."""
    # Node takes half a second to start, which the first import of aws_cdk waits for.
    Thread(target=read_ahead, daemon=True).start()
    from aws_cdk import App

    from planner.decide import decide
    from planner.load import target_named
    from planner.locked import locked_build
    from planner.own_calibration import chosen_calibration
    from planner.places import find_workload
    from planner.together import claim_of, refuse_together
    from pricing.aws.images import resolve_image
    from pricing.basis import Prices, prices_named
    from stacks.build import build_stack, no_workload
    from stacks.validation import add_verifier, synth_verified

    # CloudFormation's own validation costs a second a synth; the tests run its rules over every target.
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    verifier = add_verifier(app)
    workload = app.node.try_get_context("workload")
    if workload is None:
        no_workload(app)
    else:
        account = os.environ.get("CDK_DEFAULT_ACCOUNT")  # the CDK command line sets it where it finds credentials
        prices, own, target = (app.node.try_get_context(name) for name in ("prices", "calibration", "target"))
        aim, replan = target_named(target), str(app.node.try_get_context("replan")).lower() == "true"
        files = [find_workload(name.strip()) for name in str(workload).split(",") if name.strip()]
        if len(files) > 1:
            refuse_together([claim_of(file, replan=replan, target=aim) for file in files])
        locked = [
            locked_build(
                file,
                lambda file, factors, now: decide(file, factors, now, prices_named(str(prices or Prices.AUTO))),
                partial(chosen_calibration, own),
                datetime.now(UTC),
                replan=replan,
                resolve=resolve_image if account else None,
                target=aim,
            )
            for file in files
        ]
        for each in locked:
            build_stack(app, each.build, account=account, warnings=each.notes)
    synth_verified(app, verifier)


def read_ahead() -> None:
    """Imports and loads what needs no Node; whatever goes wrong goes wrong again where it is told of."""
    with suppress(Exception):
        import_module("planner.decide")
        import_module("planner.locked")
        import_module("stacks.verify.check").prepare()


try:
    main()
except BerthError as failure:
    print(*failure.findings, sep="\n", file=sys.stderr)
    sys.exit(1)
