"""What is today's plan for a workload file, or for its vector index?"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from planner.calibration import Calibration
from planner.index_record import IndexPlan
from planner.load import Loaded, LoadedIndex
from planner.plan import Decision
from pricing.basis import Prices

if TYPE_CHECKING:
    from pricing.parallel import Watch


def decide(
    loaded: Loaded,
    calibration: Calibration,
    now: datetime,
    prices: Prices = Prices.AUTO,
    watch: Watch | None = None,
) -> Decision:
    """The plan on the market of the workload's regions. `now` is in UTC; `watch` is shown what AWS is asked.

    Raises MarketError for an unknown region, NoFeasiblePlan where nothing does the job.
    """
    # A synth with a lock imports this module and decides nothing: NumPy and the market are loaded when needed.
    from planner.choose import make_plan
    from pricing.market import load_market

    limits, reservation = loaded.workload.limits, loaded.workload.provision.reservation_id
    market = load_market(limits.regions, limits.purchase, prices=prices, reservation=reservation, now=now, watch=watch)
    return make_plan(loaded.workload, loaded.shape, market, calibration, now)


def decide_index(
    loaded: LoadedIndex, now: datetime, prices: Prices = Prices.AUTO, watch: Watch | None = None
) -> IndexPlan:
    """The plan of a vector index alone, on the market of the workload's regions. `now` is in UTC.

    Raises MarketError for an unknown region, NoFeasiblePlan where no instances hold it.
    """
    from planner.choose_index import plan_index
    from pricing.market import load_market

    limits = loaded.workload.limits
    market = load_market(limits.regions, limits.purchase, prices=prices, now=now, watch=watch)
    return plan_index(loaded.workload, market)
