"""Which command does the user want, and how does a failure read?"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from importlib import import_module

import typer

from pricing.errors import BerthError

# In the order in which help lists them; each is a function in a file of its name.
COMMANDS = (
    "plan",
    "lock",
    "launch",
    "key-policy",
    "init",
    "estimate",
    "simulate",
    "validate",
    "calibrate",
    "verify",
    "schema",
    "models",
    "techniques",
)


def catalog_app() -> typer.Typer:
    """`berth catalog` with its own commands."""
    from berth import catalog, catalog_check, catalog_refresh

    group = typer.Typer(help="List instance types; refresh or check the bundled facts.")
    group.callback(invoke_without_command=True)(catalog.catalog)
    group.command("refresh")(catalog_refresh.refresh)
    group.command("check")(catalog_check.check)
    return group


def prices_app() -> typer.Typer:
    """`berth prices` with its own commands."""
    from berth import prices_refresh, prices_show

    group = typer.Typer(help="Show known prices, or ask AWS for new ones.", no_args_is_help=True)
    group.command("show")(prices_show.show)
    group.command("refresh")(prices_refresh.refresh)
    return group


GROUPS: dict[str, Callable[[], typer.Typer]] = {"catalog": catalog_app, "prices": prices_app}


def app() -> None:
    """Runs the command that the arguments name.

    The others are loaded where none of all is named, for help and for what is misspelt: it takes a twentieth of a
    plan's time.
    """
    every = typer.Typer(name="berth", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    every.callback()(berth)
    known = (*COMMANDS, *GROUPS)
    for name in [each for each in sys.argv[1:2] if each in known] or known:
        if name in GROUPS:
            every.add_typer(GROUPS[name](), name=name)
        else:
            function = name.replace("-", "_")
            every.command(name)(getattr(import_module(f"berth.{function}"), function))
    every()


def berth() -> None:
    """Finds a machine-learning model its place on AWS."""


# What a command loads it needs until its end: looking through it at every 700 new objects is a tenth of a plan's time.
NEW_OBJECTS = 100_000


def run() -> None:
    """Runs a command. Expected failures are findings on stderr and exit status 1; others keep their traceback."""
    gc.set_threshold(NEW_OBJECTS)
    # None is used, and looking for them among all installed packages takes a fiftieth of a plan's time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # No matrix here is large enough to share, and to start a thread for every core costs as much as to load NumPy.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        try:
            app()
        finally:
            # The process ends: what it holds need not be looked through once more.
            gc.freeze()
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
