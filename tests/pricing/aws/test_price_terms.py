"""Do the terms of a price list become the prices that a plan pays, and no others?"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from pricing.aws.price_terms import Rate, Term, is_wanted, key, listing
from pricing.offer import Payment, Purchase
from pricing.records import replace

REGION = "us-east-1"
TODAY = date(2026, 9, 11)
TYPES = {"p5.48xlarge", "g4dn.metal"}
PLAIN = {
    "instancetype": "p5.48xlarge",
    "regioncode": REGION,
    "locationtype": "AWS Region",
    "productfamily": "Compute Instance",
    "operatingsystem": "Linux",
    "preinstalledsw": "NA",
    "licensemodel": "No License required",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "operation": "RunInstances",
}
METAL = {"instancetype": "g4dn.metal", "productfamily": "Compute Instance (bare metal)"}


def term(
    *rates: tuple[str, str], currency: str = "USD", sku: str = "A", product: dict[str, str] | None = None, **terms: str
) -> Term:
    """A term of a plain p5.48xlarge with rates (unit, price); on demand unless `terms` say how it is reserved."""
    return Term(
        sku=sku,
        product=PLAIN | (product or {}),
        kind="Reserved" if terms else "OnDemand",
        conditions=terms,
        effective="2026-09-01T00:00:00Z",
        rates=tuple(Rate(unit=unit, price=price, currency=currency) for unit, price in rates),
        source="AWS Price List",
    )


def reserved(*rates: tuple[str, str], lease: str = "1yr", option: str = "No Upfront", klass: str = "standard") -> Term:
    return term(*rates, leasecontractlength=lease, purchaseoption=option, offeringclass=klass)


@pytest.mark.parametrize(
    ("of_the_api", "of_the_file"),
    [
        ("preInstalledSw", "Pre Installed S/W"),
        ("operatingSystem", "Operating System"),
        ("capacitystatus", "CapacityStatus"),
        ("marketoption", "MarketOption"),
        ("usagetype", "usageType"),
        ("regionCode", "Region Code"),
    ],
)
def test_an_attribute_has_one_key(of_the_api: str, of_the_file: str) -> None:
    """GetProducts and the file spell the same attribute in two ways."""
    assert key(of_the_api) == key(of_the_file)


@pytest.mark.parametrize(
    "change",
    [
        {"instancetype": "m5.large"},
        {"regioncode": "us-east-1-atl-2"},
        {"locationtype": "AWS Local Zone"},
        {"productfamily": "Dedicated Host"},
        {"operatingsystem": "RHEL"},
        {"preinstalledsw": "SQL Std"},
        {"licensemodel": "Bring your own license"},
        {"licensemodel": "License Included - Infrastructure"},
        {"tenancy": "Dedicated"},
        {"tenancy": "Host"},
        {"capacitystatus": "UnusedCapacityReservation"},
        {"capacitystatus": "AllocatedCapacityReservation"},
        {"capacitystatus": ""},
        {"marketoption": "CapacityBlock"},
        {"marketoption": "", "operation": "RunInstances:CB"},
        {**METAL, "tenancy": "Host"},
    ],
)
def test_every_other_product_is_left_out(change: dict[str, str]) -> None:
    """One attribute that differs from a plain instance's makes it another product."""
    assert not is_wanted(PLAIN | change, REGION, TYPES)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"operatingsystem": "Windows", "operation": "RunInstances:0002"},
        {"preinstalledsw": ""},
        {"regioncode": ""},
        METAL,
        {**METAL, "tenancy": "Dedicated"},
    ],
)
def test_plain_instances_and_whole_machines_are_wanted(change: dict[str, str]) -> None:
    """Both systems, the file's empty cells, and bare metal of either tenancy."""
    assert is_wanted(PLAIN | change, REGION, TYPES)


@pytest.mark.parametrize(
    ("lease", "option", "hourly", "fee", "price"),
    [
        ("1yr", "No Upfront", "33.6260000000", None, "33.626"),
        # 16 + 140,160 / 8,760 and 11 + 289,080 / 26,280
        ("1yr", "Partial Upfront", "16.0000000000", "140160", "32"),
        ("3yr", "Partial Upfront", "11.0000000000", "289080", "22"),
        ("1yr", "All Upfront", "0.0000000000", "280320", "32"),
        ("3 yr", "All Upfront", None, "551880", "21"),
    ],
)
def test_fees_are_folded_into_the_hour(
    lease: str, option: str, hourly: str | None, fee: str | None, price: str
) -> None:
    """The effective price is the hourly part plus the fee over all hours of the term, not the larger of the two."""
    rates = [(unit, each) for unit, each in (("Quantity", fee), ("Hrs", hourly)) if each is not None]
    (row,) = listing([reserved(*rates, lease=lease, option=option)], REGION, TODAY).rows
    assert row.price_per_hour_per_node == Decimal(price)
    assert row.purchase is (Purchase.RESERVED_1YR if lease == "1yr" else Purchase.RESERVED_3YR)
    assert row.payment is Payment(option.lower().replace(" ", "-"))


@pytest.mark.parametrize(
    "unknown",
    [
        term(("Hrs", "0.0000000000")),
        reserved(("Hrs", "0.0000000000")),
        reserved(("Hrs", "16.0000000000"), ("Quantity", "0"), option="Partial Upfront"),
        reserved(("Hrs", "0.0000000000"), ("Quantity", "140160"), option="Partial Upfront"),
        reserved(("Hrs", "0.0000000000"), ("Quantity", "0"), option="All Upfront"),
    ],
)
def test_a_part_of_zero_is_unknown(unknown: Term) -> None:
    """Where a part that the terms ask for is zero there is no row, and nothing is free or half price."""
    assert listing([unknown], REGION, TODAY).rows == ()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (term(("Hrs", "n/a")), "'n/a' is not an amount"),
        (term(("Hrs", "-1")), "'-1' is not an amount"),
        (term(), "its currencies are []"),
        (term(("Hrs", "5"), currency=""), "its currencies are ['']"),
        (term(("Hrs", "5"), ("Hrs", "6")), "it has 2 prices per hrs"),
        (term(("GB-Mo", "5")), "its units are ['GB-Mo']"),
        (reserved(("Hrs", "16"), option="Partial Upfront"), "its units are ['Hrs']"),
        (reserved(("Quantity", "99"), option="Partial Upfront"), "its units are ['Quantity']"),
        (reserved(("Hrs", "0"), option="All Upfront"), "its units are ['Hrs']"),
    ],
)
def test_a_malformed_term_is_found_and_the_rest_survives(broken: Term, said: str) -> None:
    """It is left out with its SKU and its fault, and the term beside it is a row."""
    found = listing([broken, term(("Hrs", "55.04"), sku="B", product={"operatingsystem": "Windows"})], REGION, TODAY)
    assert [row.operating_system for row in found.rows] == ["windows"]
    (finding,) = found.findings
    assert finding.startswith(f"us-east-1: a price of SKU A is malformed and left out: {said}")


@pytest.mark.parametrize(
    "other",
    [
        reserved(("Hrs", "38"), klass="convertible"),
        reserved(("Hrs", "38"), lease="5yr"),
        reserved(("Hrs", "38"), option="Heavy Utilization"),
    ],
)
def test_other_terms_are_no_finding(other: Term) -> None:
    """Convertible and obsolete terms are neither rows nor faults."""
    found = listing([other], REGION, TODAY)
    assert (found.rows, found.findings) == ((), ())


def test_several_skus_with_distinct_prices_are_shown() -> None:
    """Two plain SKUs at two prices leave the price on demand unknown, and the finding names both."""
    found = listing([term(("Hrs", "55.04"), sku="A"), term(("Hrs", "60.54"), sku="B")], REGION, TODAY)
    assert found.rows == ()
    assert "55.04 USD by SKU A, 60.54 USD by SKU B" in found.findings[0]


def test_a_zero_sku_does_not_contradict() -> None:
    """A SKU at zero beside one with a price leaves the price standing."""
    found = listing([term(("Hrs", "0.0000000000"), sku="A"), term(("Hrs", "55.04"), sku="B")], REGION, TODAY)
    assert [row.price_per_hour_per_node for row in found.rows] == [Decimal("55.04")]
    assert found.findings == ()


def test_a_whole_machine_is_paid_as_shared_where_it_can_be() -> None:
    """Bare metal under dedicated tenancy counts only where no other SKU is there."""
    dedicated = term(("Hrs", "8.606"), sku="D", product={**METAL, "tenancy": "Dedicated"})
    shared = term(("Hrs", "7.824"), sku="S", product=METAL)
    assert [str(row.price_per_hour_per_node) for row in listing([dedicated, shared], REGION, TODAY).rows] == ["7.824"]
    assert [str(row.price_per_hour_per_node) for row in listing([dedicated], REGION, TODAY).rows] == ["8.606"]


def test_rows_say_where_and_since_when() -> None:
    """Source, the day on which it was read, and the day since which the list says that it holds."""
    (row,) = listing([term(("Hrs", "55.04"))], REGION, TODAY).rows
    assert (row.provenance.source, row.provenance.as_of) == ("AWS Price List", TODAY)
    assert row.provenance.effective == date(2026, 9, 1)


def test_a_currency_that_nobody_knows_is_kept() -> None:
    """What a price is stated in is not for this stage to judge."""
    (row,) = listing([term(("Hrs", "9"), currency="XTS")], REGION, TODAY).rows
    assert row.currency == "XTS"


def test_nothing_for_sale_is_said() -> None:
    """A list without any of the types is a finding, since a filter that misses looks just the same."""
    assert listing([], REGION, TODAY).findings == (
        "us-east-1: the price list has none of the instance types asked for.",
    )


def test_a_price_announced_for_later_does_not_yet_count() -> None:
    """Today's price holds until the new one begins; where only later ones are stated, the clock may be off."""
    now = term(("Hrs", "55.04"))
    later = replace(term(("Hrs", "44")), effective="2027-01-01T00:00:00Z")
    for terms in ([now, later], [later, now]):
        found = listing(terms, REGION, TODAY)
        assert [row.price_per_hour_per_node for row in found.rows] == [Decimal("55.04")]
        assert found.findings == ()
    (row,) = listing([later], REGION, TODAY).rows
    assert row.price_per_hour_per_node == Decimal(44)
