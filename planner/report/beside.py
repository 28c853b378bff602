"""How do further models on the same instances read on a terminal?"""

from __future__ import annotations

from planner.plan import Plan, ServedBeside
from pricing.units import show_duration, show_requests, show_usd


def beside_rows(plan: Plan) -> list[tuple[str, str]]:
    """A row for each further model: its replicas, where they stand, what they answer and cost."""
    return [(each.model, _says(each)) for each in plan.beside]


def _says(each: ServedBeside) -> str:
    found, service = each.candidate, each.candidate.service
    assert service is not None
    tensor = f"tensor {found.layout.tensor}, " if found.layout.tensor > 1 else ""
    answers = f"TTFT {show_duration(service.ttft_s)}, TPOT {show_duration(service.tpot_s)}"
    if service.embeds:
        answers = f"an embedding in {show_duration(service.ttft_s)}"
    return (
        f"{service.replicas} replica{'s' if service.replicas > 1 else ''} on {each.devices}; {found.framework}, "
        f"{', '.join(found.techniques)}, {tensor}{show_requests(service.requests_per_s)}, {answers}; "
        f"{show_usd(service.usd_per_month)} a month, {show_usd(service.usd_per_million_tokens)} per million tokens"
    )
