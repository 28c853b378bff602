"""Which command does the user want, and how does a failure read?"""

from __future__ import annotations

import gc
import os
import sys

import typer

from berth import (
    calibrate,
    catalog,
    catalog_check,
    catalog_refresh,
    estimate,
    init,
    key_policy,
    launch,
    lock,
    models,
    plan,
    prices_refresh,
    prices_show,
    schema,
    simulate,
    techniques,
    validate,
    verify,
)
from pricing.errors import BerthError

app = typer.Typer(
    name="berth",
    help="Finds a machine-learning model its place on AWS.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("plan")(plan.plan)
app.command("lock")(lock.lock)
app.command("launch")(launch.launch)
app.command("key-policy")(key_policy.key_policy)
app.command("init")(init.init)
app.command("estimate")(estimate.estimate)
app.command("simulate")(simulate.simulate)
app.command("validate")(validate.validate)
app.command("calibrate")(calibrate.calibrate)
app.command("verify")(verify.verify)
app.command("schema")(schema.schema)
app.command("models")(models.models)
app.command("techniques")(techniques.techniques)

catalog_app = typer.Typer(help="List instance types; refresh or check the bundled facts.")
catalog_app.callback(invoke_without_command=True)(catalog.catalog)
catalog_app.command("refresh")(catalog_refresh.refresh)
catalog_app.command("check")(catalog_check.check)
app.add_typer(catalog_app, name="catalog")

prices_app = typer.Typer(help="Show known prices, or ask AWS for new ones.", no_args_is_help=True)
prices_app.command("show")(prices_show.show)
prices_app.command("refresh")(prices_refresh.refresh)
app.add_typer(prices_app, name="prices")


# What a command loads it needs until its end: looking through it at every 700 new objects is a tenth of a plan's time.
NEW_OBJECTS = 100_000


def run() -> None:
    """Runs a command. Expected failures are findings on stderr and exit status 1; others keep their traceback."""
    gc.set_threshold(NEW_OBJECTS)
    try:
        try:
            app()
        finally:
            # Here, since what fails at exit is told by Python itself, and not for users.
            if sys.stdout:
                sys.stdout.flush()
    except BerthError as error:
        print(*error.findings, sep="\n", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        # Files are told of by those who read and write them; what has no name is stdout.
        if error.filename is not None:
            raise
        # What is left in the buffer would fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # A reader (head, less) that has seen enough needs no message.
        if not isinstance(error, BrokenPipeError):
            print(f"stdout cannot be written: {error.strerror}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    run()
