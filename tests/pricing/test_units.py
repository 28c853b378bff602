"""Do figures keep their meaning on the way in and on the way out?"""

from __future__ import annotations

from decimal import Decimal

import pytest

from pricing import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("300ms", 0.3),
        ("50 us", 5e-5),
        ("2.5 s", 2.5),
        ("90min", 5_400),
        ("1 hour", 3_600),
        ("36h", 129_600),
        ("30 days", 2_592_000),
        ("2w", 1_209_600),
        ("1,000 hours", 3_600_000),
    ],
)
def test_durations_are_read_with_their_unit(text: str, seconds: float) -> None:
    """A duration in any accepted unit becomes seconds."""
    assert units.parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["30", "", "5 months", "-3h", "1.5.2h", "1,5h", "h", "nan s"])
def test_other_durations_are_refused(text: str) -> None:
    """A duration without a known unit is refused and quoted, with examples of what is accepted."""
    with pytest.raises(
        ValueError, match=r"is not a duration; write it with a unit \(us, ms, s, min, h, d or w\), such as 300ms"
    ):
        units.parse_duration_s(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("8192", 8192),
        ("15T", 15 * 10**12),
        ("1.5T", 1_500_000_000_000),
        ("70.6b", 70_600_000_000),
        ("4M", 4_000_000),
        ("8k", 8_000),
        ("100_000", 100_000),
        ("100,000", 100_000),
        ("1.5e12", 1_500_000_000_000),
    ],
)
def test_counts_are_read_in_short_scale(text: str, count: int) -> None:
    """A count becomes an exact integer; B and G are both 1e9."""
    assert units.parse_count(text) == count


@pytest.mark.parametrize("text", ["1.5", "0.0001k", "1,5T", "15 tokens", "8 GiB", "-4", "1e-3", ""])
def test_other_counts_are_refused(text: str) -> None:
    """What is not a whole number is refused and quoted; a decimal comma is not read as thousands."""
    with pytest.raises(ValueError, match="is not a count; write a whole number"):
        units.parse_count(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("640GiB", 640 * 2**30),
        ("1.2 TB", 1_200_000_000_000),
        ("22888 MiB", 22_888 * 2**20),
        ("80 gb", 80 * 10**9),
        ("4KiB", 4_096),
        ("0.5 TiB", 2**39),
        ("12 B", 12),
    ],
)
def test_sizes_are_read_in_binary_and_decimal_units(text: str, size: int) -> None:
    """A size becomes bytes; GiB is 2**30 and GB is 1e9."""
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["640", "640G", "1,2 TB", "80 GBps", ""])
def test_bare_sizes_are_refused(text: str) -> None:
    """A size without a unit of bytes is refused and quoted."""
    with pytest.raises(ValueError, match="is not a size; write it with a unit"):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1_023, "1023 B"),
        (1_024, "1.0 KiB"),
        (85_520_809_984, "79.6 GiB"),
        (1_000 * 2**30, "1,000 GiB"),
        (1_536 * 2**30, "1.5 TiB"),
        (-(2**31), "-2.0 GiB"),
    ],
)
def test_sizes_are_shown_in_binary_units(size: int, text: str) -> None:
    """A size is shown in the largest binary unit that it fills."""
    assert units.show_bytes(size) == text


def test_gib_columns_keep_one_decimal() -> None:
    """Sizes that are compared in a column stay in GiB whatever they are."""
    assert [units.show_gib(size) for size in (2**20, 2**41)] == ["0.0 GiB", "2,048.0 GiB"]


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (12, "12"),
        (999, "999"),
        (8_192, "8.19k"),
        (999_600, "1M"),
        (70_553_706_496, "70.6B"),
        (999_900_000_000, "1T"),
        (15 * 10**12, "15T"),
        (6.3e24, "6.3e+24"),
    ],
)
def test_counts_are_shown_to_three_digits(count: float, text: str) -> None:
    """A count that rounds up to the next unit is shown in it, never as 1e+03 of the smaller one."""
    assert units.show_count(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.4 * 86_400, "12.4 days"),
        (30 * 3_600, "30.0 h"),
        (90, "1.5 min"),
        (2.5, "2.50 s"),
        (0.9999, "1.00 s"),
        (0.31, "310 ms"),
        (0.0009999, "1 ms"),
        (42e-6, "42 us"),
    ],
)
def test_durations_are_shown_in_a_fitting_unit(seconds: float, text: str) -> None:
    """A duration is shown in the unit that a person would choose."""
    assert units.show_duration(seconds) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (Decimal("55.04"), "$55.04"),
        (Decimal("0.0213"), "$0.0213"),
        (0, "$0.00"),
        (1_234_567.8, "$1,234,568"),
        (Decimal(-2500), "-$2,500"),
        (-0.5, "-$0.50"),
    ],
)
def test_money_is_shown_at_a_useful_precision(amount: Decimal | float, text: str) -> None:
    """Money keeps cents where they matter, and a minus stands before the currency."""
    assert units.show_usd(amount) == text


@pytest.mark.parametrize(
    ("rate", "text"), [(12_400.4, "12,400"), (99.5, "99.5"), (0.01234, "0.0123"), (4.44e-6, "0.00000444")]
)
def test_rates_are_shown_to_three_digits(rate: float, text: str) -> None:
    """A rate above a hundred is whole, below it keeps three digits."""
    assert units.show_rate(rate) == text


@pytest.mark.parametrize(("rate", "text"), [(1.0, "1 request/s"), (0.5, "0.5 requests/s"), (2000, "2,000 requests/s")])
def test_one_request_is_no_plural(rate: float, text: str) -> None:
    """A rate of requests has its unit, in the number that it reads as."""
    assert units.show_requests(rate) == text


def test_network_rates_are_decimal() -> None:
    """A gigabit per second is 125 million bytes per second."""
    assert units.GBPS == 125_000_000
