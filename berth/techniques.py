"""berth techniques: what may a plan do to a model?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from planner.degrees import Degree
    from planner.recipe import Technique


def techniques(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One technique or degree to tell all about.")
    ] = None,
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
    from planner.degrees import DEGREES
    from planner.errors import PlannerError
    from planner.known_as import KNOWN_AS
    from planner.techniques import load_techniques
    from pricing.wording import close_match

    degrees = {item.name: item for item in DEGREES}
    # As options of command lines are written.
    asked = name if name in KNOWN_AS or name in load_techniques() else name.replace("-", "_")
    if asked not in {*KNOWN_AS, *load_techniques(), *degrees}:
        known = [*load_techniques(), *degrees, *KNOWN_AS]
        raise PlannerError([f"{name!r:.60} is not a known technique{close_match(name, known)}"])
    if asked in KNOWN_AS:
        print(f"{asked}: {KNOWN_AS[asked].where}")
    for each in KNOWN_AS[asked].names if asked in KNOWN_AS else (asked,):
        _print(each, _of_degree(degrees[each]) if each in degrees else _of_technique(load_techniques()[each]))


def _print(name: str, lines: dict[str, str]) -> None:
    print(name)
    for label, text in lines.items():
        if text:
            print(f"  {label:9} {text}")


def _of_degree(item: Degree) -> dict[str, str]:
    """What there is to say of one degree; none costs accuracy."""
    from planner.framework import load_frameworks
    from planner.known_as import KNOWN_AS
    from planner.recipe import Accuracy
    from planner.techniques import load_techniques

    # Every framework counts sequences and passes.
    having = [each.name for each in load_frameworks().values() if item.name in each.degrees]
    return {
        "what": item.gist,
        "as": "degree of the layout, which the search chooses",
        "accuracy": Accuracy.EXACT,
        "asked by": item.asked,
        "software": ", ".join(having) or "all that train",
        "excludes": ", ".join(each.name for each in load_techniques().values() if item.name in each.excludes),
        "rule": item.rule,
        "known as": ", ".join(name for name, known in KNOWN_AS.items() if known.names == (item.name,)),
        "source": item.source,
    }


def _of_technique(item: Technique) -> dict[str, str]:
    from planner.framework import load_frameworks
    from planner.known_as import KNOWN_AS

    having = [each.name for each in load_frameworks().values() if item.name in each.techniques]
    return {
        "what": item.gist,
        "for": " and ".join(sorted(item.jobs)),
        "as": item.group,
        "accuracy": item.accuracy,
        "chosen": "where it pays" if item.unasked else "only where the workload asks for it",
        "software": ", ".join(having) or "none that Berth plans for; `berth estimate` prices its memory",
        "excludes": ", ".join(sorted(item.excludes)),
        "needs": " and ".join(" or ".join(sorted(each)) for each in item.needs),
        "known as": ", ".join(name for name, known in KNOWN_AS.items() if item.name in known.names),
        "time": f"not known to the prediction of {' and '.join(sorted(item.untimed))}" if item.untimed else "",
        "source": item.source,
    }
