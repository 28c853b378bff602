"""Do the bundled component prices hold, dated and whole, and what is missing stay missing?"""

from __future__ import annotations

import csv
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from pricing.bundle_components import component_rows, load_components
from pricing.catalog import DATA
from pricing.errors import CatalogError
from pricing.price import Component

BUNDLE_DATE = date(2026, 11, 23)
HEADER = "component,region,price,currency,starts_at,as_of,source"
# No public source was found that states these at all.
NOWHERE = {
    Component.FSX_LUSTRE_PERSISTENT_500_GIB_MONTH,
    Component.FSX_LUSTRE_PERSISTENT_1000_GIB_MONTH,
    Component.PCS_SMALL_CONTROLLER_HOUR,
    Component.PCS_MEDIUM_CONTROLLER_HOUR,
    Component.PCS_LARGE_CONTROLLER_HOUR,
}


def priced(folder: Path, *rows: str) -> Path:
    """A bundle with some rows."""
    (folder / "component_prices.csv").write_text("\n".join((HEADER, *rows, "")))
    return folder


def test_the_table_is_sorted_and_free_of_duplicates() -> None:
    """It can be compared line by line, and no two rows speak of the same thing and day."""
    with (DATA / "component_prices.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    keys = [(row["component"], row["region"], Decimal(row["starts_at"]), row["as_of"]) for row in rows]
    assert ",".join(rows[0]) == HEADER
    assert keys == sorted(set(keys))


def test_each_row_is_complete() -> None:
    """A region, a currency of its partition, a past date and a source that can be found."""
    for row in component_rows():
        assert re.fullmatch(r"(us-gov|[a-z]{2})-[a-z]+-[0-9]", row.region), row
        assert (row.currency == "CNY") == row.region.startswith("cn-"), row
        assert date(2023, 1, 1) <= row.provenance.as_of <= BUNDLE_DATE, row
        assert len(row.provenance.source) > 20, row


def test_bands_start_at_nothing_and_fall() -> None:
    """Every component is priced from the first unit on, and more use is never dearer."""
    by_subject: dict[tuple[str, str], list[tuple[Decimal, Decimal]]] = {}
    for row in load_components():
        by_subject.setdefault((row.component, row.region), []).append((row.starts_at, row.price))
    for bands in by_subject.values():
        assert bands[0][0] == 0
        assert bands == sorted(set(bands))
        assert [price for _, price in bands] == sorted((price for _, price in bands), reverse=True)


def test_what_no_source_states_is_absent() -> None:
    """Components without a public figure are unknown everywhere, and the others known somewhere."""
    assert {row.component for row in load_components()} == set(Component) - NOWHERE


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2"])
def test_a_plan_s_network_and_storage_are_priced(region: str) -> None:
    """What every stack builds has a price in the regions that are planned in by default, Ohio's gaps aside."""
    needed = {
        Component.EBS_GP3_GIB_MONTH,
        Component.S3_STANDARD_GIB_MONTH,
        Component.NAT_GATEWAY_HOUR,
        Component.NAT_GATEWAY_GIB,
        Component.PUBLIC_ADDRESS_HOUR,
        Component.TRANSFER_OUT_GIB,
        Component.LOGS_INGESTED_GIB,
        Component.EKS_CLUSTER_HOUR,
        Component.FSX_LUSTRE_SCRATCH_GIB_MONTH,
    }
    assert needed <= {row.component for row in load_components() if row.region == region}


def test_the_newest_source_wins_whole(tmp_path: Path) -> None:
    """A newer source's one band replaces an older one's two: halves are not mixed."""
    priced(
        tmp_path,
        "transfer-out-gib,us-east-1,0.09,USD,0,2024-09-25,old",
        "transfer-out-gib,us-east-1,0.085,USD,10240,2024-09-25,old",
        "transfer-out-gib,us-east-1,0.08,USD,0,2026-01-01,new",
        "transfer-out-gib,us-west-2,0.09,USD,0,2024-09-25,old",
    )
    assert [(row.region, f"{row.price:f}", int(row.starts_at)) for row in load_components(tmp_path)] == [
        ("us-east-1", "0.08", 0),
        ("us-west-2", "0.09", 0),
    ]
    assert len(component_rows(tmp_path)) == 4


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        ("s3-glacier,us-east-1,0.1,USD,0,2026-01-01,t", "component: 's3-glacier' is not a valid Component"),
        ("alarm-month,us-east-1,0,USD,0,2026-01-01,t", "price: '0' is not a positive amount"),
        ("alarm-month,us-east-1,0.1,USD,-1,2026-01-01,t", "starts_at: '-1' is no use"),
        ("alarm-month,us-east-1,0.1,USD,NaN,2026-01-01,t", "starts_at: 'NaN' is no use"),
        ("alarm-month,us-east-1,0.1,USD,0,spring,t", "as_of: Invalid isoformat string: 'spring'"),
        ("alarm-month,us-east-1", "not one cell per column"),
    ],
)
def test_faults_name_line_and_column(tmp_path: Path, row: str, finding: str) -> None:
    """A faulty row is an error with its place, never a free component."""
    with pytest.raises(CatalogError, match=r"^component_prices\.csv, line 2: ") as caught:
        load_components(priced(tmp_path, row))
    assert finding in str(caught.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """A table without one of the columns is refused with its name."""
    (tmp_path / "component_prices.csv").write_text("component,region\nalarm-month,us-east-1\n")
    with pytest.raises(CatalogError, match=r"component_prices\.csv has no column 'price'"):
        load_components(tmp_path)
