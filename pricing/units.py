"""Which numbers turn what people write into base units, and back?

The only module that knows 1024, 1e9 and 3600. Everything inside Berth is in bytes, bytes/s, FLOP/s,
seconds and USD; figures are converted once, where they come in, and once, where they are shown.
"""

from __future__ import annotations

import re
from decimal import Decimal

KIB = 1024
MIB = 1024**2
GIB = 1024**3
TIB = 1024**4

KILO = 10**3
MEGA = 10**6
GIGA = 10**9
TERA = 10**12

BITS_PER_BYTE = 8

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 24 * HOUR_S
WEEK_S = 7 * DAY_S
YEAR_S = 365 * DAY_S
HOURS_PER_DAY = DAY_S // HOUR_S
# AWS quotes monthly figures over 730 hours: 8,760 hours a year over 12 months.
HOURS_PER_MONTH = 730

GBPS = GIGA // BITS_PER_BYTE
"""Bytes per second in one gigabit per second."""

_DURATION_UNITS_S = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "min": float(MINUTE_S),
    "minute": float(MINUTE_S),
    "h": float(HOUR_S),
    "hour": float(HOUR_S),
    "d": float(DAY_S),
    "day": float(DAY_S),
    "w": float(WEEK_S),
    "week": float(WEEK_S),
}
_COUNT_UNITS = {"": 1, "k": KILO, "m": MEGA, "b": GIGA, "g": GIGA, "t": TERA}
_BYTE_UNITS = {
    "b": 1,
    "kb": KILO,
    "mb": MEGA,
    "gb": GIGA,
    "tb": TERA,
    "kib": KIB,
    "mib": MIB,
    "gib": GIB,
    "tib": TIB,
}
# A comma stands between groups of three only, so that a decimal comma is refused and not read as thousands.
# Exponents of more than three digits would make integers that fill the memory.
_QUANTITY = re.compile(
    r"\s*((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9][0-9_]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)\s*([A-Za-z]*)\s*"
)

# From here on three digits round up to the next unit: 999.6k is shown as 1M, not as 1e+03k.
_ROUNDS_UP = 0.9995


def _split(text: str) -> tuple[Decimal, str] | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    return Decimal(match[1].replace("_", "").replace(",", "")), match[2].lower()


def parse_duration_s(text: str) -> float:
    """Seconds in a duration such as `300ms`, `36h` or `30 days`.

    Raises ValueError, with the accepted units, for anything else; a bare number has no unit.
    """
    parts = _split(text)
    if parts is not None:
        number, unit = parts
        seconds = _DURATION_UNITS_S.get(unit) or _DURATION_UNITS_S.get(unit.removesuffix("s"))
        if seconds is not None:
            return float(number) * seconds
    raise ValueError(
        f"{text!r} is not a duration; write it with a unit (us, ms, s, min, h, d or w), such as 300ms, 36h or 30d"
    )


def parse_count(text: str) -> int:
    """A whole number such as `15T`, `300B`, `1.5e12`, `4M`, `8k` or `100_000` (B is 1e9).

    Raises ValueError for anything else, or where the number is not whole.
    """
    parts = _split(text)
    if parts is not None and parts[1] in _COUNT_UNITS:
        number = parts[0] * _COUNT_UNITS[parts[1]]
        if number == number.to_integral_value():
            return int(number)
    raise ValueError(f"{text!r} is not a count; write a whole number, such as 20B, 1.5T or 8192")


def parse_bytes(text: str) -> int:
    """Bytes in a size such as `640GiB` or `1.2 TB`; a bare number is refused.

    Raises ValueError for anything without a unit of bytes.
    """
    parts = _split(text)
    if parts is not None and parts[1] in _BYTE_UNITS:
        return int(parts[0] * _BYTE_UNITS[parts[1]])
    raise ValueError(f"{text!r} is not a size; write it with a unit, such as 640GiB or 1.2TB")


def show_bytes(count: float) -> str:
    """A size in binary units to three digits, such as `82.4 GiB`; figures below 1 KiB in bytes."""
    size = abs(count)
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{count / unit:,.{1 if size / unit < 1000 else 0}f} {name}"
    return f"{count:.0f} B"


def show_gib(count: float) -> str:
    """A size in GiB to one decimal, for columns that compare."""
    return f"{count / GIB:,.1f} GiB"


def show_mib(count: float) -> str:
    """A size in MiB to one decimal, where GiB hide the difference."""
    return f"{count / MIB:,.1f} MiB"


def show_count(count: float) -> str:
    """A count in short scale to three digits, such as `70.6B` or `15T`; as `6.3e+24` beyond the trillions."""
    if abs(count) >= KILO * TERA * _ROUNDS_UP:
        return f"{count:.3g}"
    for unit, name in ((TERA, "T"), (GIGA, "B"), (MEGA, "M"), (KILO, "k")):
        if abs(count) >= unit * _ROUNDS_UP:
            return f"{count / unit:.3g}{name}"
    return f"{count:g}"


def show_duration(seconds: float) -> str:
    """A duration in the unit that a person would choose, such as `12.4 days` or `310 ms`."""
    for unit, name in ((DAY_S, "days"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit * (1.5 if unit == DAY_S else 1):
            return f"{seconds / unit:,.1f} {name}"
    if seconds >= _ROUNDS_UP:
        return f"{seconds:.2f} s"
    if seconds >= 1e-3 * _ROUNDS_UP:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds * 1e6:.3g} us"


def show_usd(amount: Decimal | float) -> str:
    """Money in USD: cents below 1,000, whole dollars above, four digits below ten cents."""
    value = abs(float(amount))
    sign = "-" if amount < 0 else ""
    if value >= 1000:
        return f"{sign}${value:,.0f}"
    if 0 < value < 0.1:
        return f"{sign}${value:.4f}"
    return f"{sign}${value:,.2f}"


def show_rate(per_second: float) -> str:
    """A rate of tokens or requests to three digits with thousands, such as `12,400`; never with an exponent."""
    return f"{per_second:,.0f}" if per_second >= 100 else f"{Decimal(f'{per_second:.3g}'):f}"


def show_requests(per_second: float) -> str:
    """A rate of requests with its unit, such as `20 requests/s` and `1 request/s`."""
    shown = show_rate(per_second)
    return f"{shown} request{'s' * (shown != '1')}/s"
