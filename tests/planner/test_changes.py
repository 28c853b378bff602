"""Is every difference between two builds told, and told for what it does?"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from planner.built import Floor, Image
from planner.changes import OF_TYPE, Changes, changes, drift, keeping
from planner.lock import Lock
from planner.plan import Build, Decision
from pricing.records import replace
from tests.planner.locks import (
    AMI,
    AROUND,
    LATER,
    MOVING,
    REPLACING,
    words_of,
)
from tests.planner.market_builders import NOW
from tests.support.fleets import FLEET

JUDGED = {"moving": MOVING, "replacing": REPLACING, "around": AROUND}


@pytest.mark.parametrize("field", Build.__struct_fields__)
def test_every_field_of_a_build_is_judged_once(lock: Lock, field: str) -> None:
    """A change of any field, new ones too, is told in words as moving, replacing or around, and as nothing else."""
    (kind,) = [kind for kind, table in JUDGED.items() if field in table]
    value = JUDGED[kind][field]
    assert getattr(lock.build, field) != value
    found = changes(lock.build, replace(lock.build, **{field: value}))
    (words,) = found.all
    assert found == Changes(**{kind: (words,)})
    first, last = words_of(field, value)
    assert words.startswith(first) and words.endswith(last)


def test_nothing_is_judged_that_is_not_built() -> None:
    """The three tables are the fields of a build, each once."""
    assert sorted([*MOVING, *REPLACING, *AROUND]) == sorted(Build.__struct_fields__)


def test_the_gravest_change_is_told_first(lock: Lock) -> None:
    """All changes together are those that move, those that replace and the rest, in this order."""
    found = changes(lock.build, replace(lock.build, **MOVING, **REPLACING, **AROUND))
    assert found.all == (*found.moving, *found.replacing, *found.around)
    told = len(REPLACING) - len(OF_TYPE)
    assert [len(found.moving), len(found.replacing), len(found.around)] == [len(MOVING), told, len(AROUND)]
    assert changes(lock.build, lock.build).all == ()


def test_what_follows_from_the_type_is_not_told_beside_it(lock: Lock) -> None:
    """Cards, slots and disks of another type are no further changes of the plan's."""
    moved = {name: REPLACING[name] for name in (*OF_TYPE, "instance_type")}
    (words,) = changes(lock.build, replace(lock.build, **moved)).all
    assert words.startswith("instance type: ")


@pytest.mark.parametrize(
    ("before", "after", "replaces"),
    [
        (Image(parameter="/p", id=None), Image(parameter="/p", id=AMI), False),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id=AMI), False),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id="ami-2"), True),
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id=None), True),
        (Image(parameter="/p", id=None), Image(parameter=None, id=AMI), True),
    ],
)
def test_pinning_an_image_is_no_change(lock: Lock, before: Image, after: Image, replaces: bool) -> None:
    """The id of the image that was asked for anyway replaces nothing; another image does."""
    found = changes(replace(lock.build, image=before), replace(lock.build, image=after))
    assert (bool(found.replacing), found.moving, found.around) == (replaces, (), ())


def test_what_changes_around_a_fleet_is_told_in_words(lock: Lock) -> None:
    """Its hours, its share on spot and its load balancer's subnets change under running nodes."""
    old = replace(lock.build, fleet=FLEET)
    hours = (Floor(minute=475, nodes=4), Floor(minute=1080, nodes=2))
    fleet = replace(FLEET, schedule=hours, on_demand_nodes=1, clients=())
    found = changes(old, replace(old, fleet=fleet, existing=replace(old.existing, balancer_subnets=("subnet-1",))))
    assert (found.moving, found.replacing) == ((), ())
    assert "schedule: () -> 4 from 07:55, 2 from 18:00" in found.around and len(found.around) == 4


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ({}, ()),
        ({"expires_at": LATER}, ()),
        ({"image": Image(parameter="/p", id=None)}, ()),
        ({"nodes": 2}, ("nodes: 1 -> 2",)),
        ({"budget_usd": Decimal(5), "nodes": 2}, ("nodes: 1 -> 2", "budget usd: none -> 5")),
        # An image has another id in another region.
        ({"region": "us-west-2"}, ("region: us-east-1 -> us-west-2", f"image: {AMI} -> /p")),
    ],
)
def test_drift_is_what_today_would_change(lock: Lock, today: dict[str, Any], words: tuple[str, ...]) -> None:
    """An image that is pinned already, and an end that moves with the clock, are no drift."""
    locked = replace(lock.build, image=Image(parameter="/p", id=AMI), expires_at=NOW, nodes=1)
    now = replace(lock.build, **{"image": Image(parameter="/p", id=None), "expires_at": LATER, "nodes": 1, **today})
    assert lock.plan
    assert drift(locked, Decision(plan=lock.plan, build=now)) == words


@pytest.mark.parametrize(
    ("before", "today", "kept"),
    [
        (Image(parameter="/p", id=AMI), Image(parameter="/p", id=None), Image(parameter="/p", id=AMI)),
        (Image(parameter="/p", id=AMI), Image(parameter="/q", id=None), Image(parameter="/q", id=None)),
        # EKS keeps the image of its nodes: one of the user's own, before, is not booted there.
        (Image(parameter=None, id=AMI), Image(parameter=None, id=None), Image(parameter=None, id=None)),
        (Image(parameter=None, id=AMI), Image(parameter=None, id="ami-2"), Image(parameter=None, id="ami-2")),
    ],
)
def test_an_image_is_kept_where_it_answers_the_same_question(
    lock: Lock, before: Image, today: Image, kept: Image
) -> None:
    """What was looked up by the same parameter stays; an image of the user's own goes with the word for it."""
    assert lock.plan
    now = Decision(plan=lock.plan, build=replace(lock.build, image=today))
    assert keeping(replace(lock.build, image=before), now).image == kept
