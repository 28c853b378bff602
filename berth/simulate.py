"""berth simulate: what would single requests see of the planned fleet?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from berth.options import CalibrationFile, Live, Offline, WorkloadFile
from berth.progress import watched


def simulate(
    workload: WorkloadFile,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="TRACE.csv", help="Recorded requests: arrival_s,input_tokens,output_tokens."),
    ] = None,
    requests: Annotated[
        int | None,
        typer.Option(
            "--requests",
            min=100,
            max=10_000_000,
            help="Requests to draw; 20,000 unless given, of a batch job up to 100,000.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed of what is drawn; 0 unless given.")] = None,
    spread: Annotated[
        float | None,
        typer.Option(
            "--spread", min=0, max=3, help="Standard deviation of drawn lengths over their mean; 0.25 unless given."
        ),
    ] = None,
    gaps_are_idle: Annotated[
        bool, typer.Option("--gaps-are-idle", help="Hours of the trace without a request are no holes in it.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the simulation as JSON.")] = False,
    live: Live = False,
    offline: Offline = False,
    calibration: CalibrationFile = None,
) -> None:
    """Replay requests through the planned fleet, step by step."""
    from datetime import UTC, datetime
    from functools import partial

    from planner.decide import decide
    from planner.load import load_workload
    from planner.own_calibration import chosen_calibration
    from planner.places import find_workload
    from planner.report.headline import headline
    from planner.report.simulation import print_batch_simulation, print_simulation
    from planner.simulate import Drawn, Recorded, simulate_plan
    from pricing.basis import prices_wanted
    from pricing.errors import OptionError

    idle = [
        name for name, given in (("--requests", requests), ("--seed", seed), ("--spread", spread)) if given is not None
    ]
    if trace and idle:
        raise OptionError(f"{' and '.join(idle)}: nothing is drawn where --trace says what came; leave one out.")
    if gaps_are_idle and not trace:
        raise OptionError("--gaps-are-idle: without --trace there are no gaps; leave it out.")
    prices = prices_wanted(live=live, offline=offline)
    now, factors = datetime.now(UTC), chosen_calibration(calibration)
    loaded = load_workload(find_workload(workload))
    stream = (
        Recorded(path=trace, gaps_are_idle=gaps_are_idle)
        if trace
        else Drawn(count=requests, seed=seed, variation=spread)
    )
    decision = decide(loaded, factors, now, prices, watched)
    fleet = f"{loaded.workload.name}: {headline(decision.plan)}"
    if decision.plan.chosen.batch:
        from planner.simulate_batch import simulate_batch

        batch = simulate_batch(loaded, decision, factors, stream)
        found = batch.as_json()
        show = partial(print_batch_simulation, batch, fleet)
    else:
        served = simulate_plan(loaded, decision, factors, stream)
        found = served.as_json()
        others = [each.model for each in decision.plan.beside]
        show = partial(print_simulation, served, fleet, str(stream), others)
    if json:
        import json as encoder

        print(encoder.dumps(found, indent=1))
    else:
        show()
