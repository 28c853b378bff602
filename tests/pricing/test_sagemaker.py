"""Is a HyperPod node's price its own, and never another use's?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from pricing.bundle_prices import load_sagemaker_prices
from pricing.offer import Payment, Provenance, Purchase
from pricing.price import PriceRow
from pricing.sagemaker import HYPERPOD, component_of, hyperpod_price, named


def row(component: str, price: str, as_of: str = "2026-09-16", region: str = "us-east-1") -> PriceRow:
    source = named(component, "a test") if component else "a test: of old"
    return PriceRow(
        instance_type="ml.g5.8xlarge",
        region=region,
        purchase=Purchase.ON_DEMAND,
        payment=Payment.UNSTATED,
        price_per_hour_per_node=Decimal(price),
        currency="USD",
        operating_system="linux",
        zone_id="",
        provenance=Provenance(source=source, as_of=date.fromisoformat(as_of)),
    )


def test_a_source_keeps_its_component() -> None:
    """What `named` puts in, `component_of` finds; a source without one has none."""
    assert component_of(row(HYPERPOD, "3.06")) == HYPERPOD
    assert component_of(row("", "3.06")) == ""


def test_the_newest_price_of_a_node_holds() -> None:
    """A later Hosting price does not supersede the node's, nor does another region's."""
    rows = [
        row(HYPERPOD, "3.90", "2025-01-01"),
        row(HYPERPOD, "3.06"),
        row("Hosting", "2.99", "2026-10-01"),
        row("", "2.98", "2026-10-01"),
        row(HYPERPOD, "2.97", "2026-10-01", region="us-west-2"),
    ]
    found = hyperpod_price(rows, "g5.8xlarge", "us-east-1")
    assert found is not None and found.price_per_hour_per_node == Decimal("3.06")
    assert hyperpod_price(rows, "ml.g5.8xlarge", "us-east-1") == found


def test_an_unknown_price_is_none() -> None:
    """Where only other uses are priced, a node's price is unknown."""
    assert hyperpod_price([row("Training", "3.06")], "g5.8xlarge", "us-east-1") is None


def test_the_bundle_knows_few_nodes() -> None:
    """Of the bundle's prices those that name the component are HyperPod's; the benchmark tool's name none."""
    rows = load_sagemaker_prices()
    known = hyperpod_price(rows, "p4d.24xlarge", "us-west-2")
    assert known is not None and known.price_per_hour_per_node == Decimal("25.91001756")
    assert hyperpod_price(rows, "p5.48xlarge", "us-east-1") is None
    assert {component_of(each) for each in rows} == {"", HYPERPOD}
