"""berth techniques: what may a plan do to a model?"""

from __future__ import annotations

from typing import Annotated

import typer


def techniques(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One technique to tell all about.")] = None,
) -> None:
    """List the techniques and what they cost, or tell all about one."""
    if name is None:
        _list()
    else:
        _tell(name)


def _list() -> None:
    from planner.degrees import DEGREES
    from planner.recipe import Group
    from planner.techniques import load_techniques

    known = load_techniques().values()
    for group in Group:
        for item in (each for each in known if each.group is group):
            asked = "" if item.unasked else "asked"
            print(f"{group:15} {item.name:24} {item.accuracy:12} {asked:6} {item.gist}")
    print()
    print("A plan has one technique of a group at most; those marked `asked` only where the workload names them.")
    print("The search chooses these numbers, unless pin.layout, pin.micro_batch or training.global_batch fix them:")
    for degree in DEGREES:
        print(f"{'degree':15} {degree.name:24} {'exact':12} {'':6} {degree.gist}")


def _tell(name: str) -> None:
    from planner.errors import PlannerError
    from planner.framework import load_frameworks
    from planner.techniques import load_techniques
    from pricing.wording import close_match

    known = load_techniques()
    if name not in known:
        raise PlannerError([f"{name!r:.60} is not a known technique{close_match(name, known)}"])
    item = known[name]
    having = [each.name for each in load_frameworks().values() if name in each.techniques]
    lines = {
        "what": item.gist,
        "for": " and ".join(sorted(item.jobs)),
        "as": item.group,
        "accuracy": item.accuracy,
        "chosen": "where it pays" if item.unasked else "only where the workload asks for it",
        "software": ", ".join(having) or "none that Berth plans for; `berth estimate` prices its memory",
        "excludes": ", ".join(sorted(item.excludes)),
        "needs": " and ".join(" or ".join(sorted(each)) for each in item.needs),
        "time": "" if item.timed else "not known to the prediction",
        "source": item.source,
    }
    print(name)
    for label, text in lines.items():
        if text:
            print(f"  {label:9} {text}")
