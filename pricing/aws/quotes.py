"""Which price holds, where a source may state several for one thing?

Exactly one does. Peers take the first, the smallest, the largest or the last of several prices, and each is wrong
for somebody: here, prices that differ leave their subject unknown, and say so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from msgspec import Struct

from pricing.price import Listing, PriceRow

Stated = TypeVar("Stated")

# AWS prints ten digits, and rounds some prices to five (p4d.24xlarge is 21.957642 in one region, 21.95764 in another).
_ROUNDED = Decimal("0.00001")
_DIGITS = Decimal("1e-10")
# More than any fee, and few enough digits to calculate with.
_ABSURD = Decimal("1e15")


class Quote(Struct, frozen=True, kw_only=True):
    """A price, and who says it (`SKU 3D4V8UAYEMB38GU2`). A `spare` one holds only where no other is stated."""

    row: PriceRow
    said_by: str
    spare: bool = False


def settled(quotes: Iterable[Quote], findings: Iterable[str] = ()) -> Listing:
    """One row per subject, in order of subject; after `findings`, one for each subject with differing prices."""
    subjects = defaultdict(list)
    for quote in quotes:
        subjects[quote.row.subject].append(quote)
    rows, found = [], list(findings)
    for _, rivals in sorted(subjects.items()):
        first_choice = [each for each in rivals if not each.spare] or rivals
        if _agree(first_choice):
            rows.append(max((each.row for each in first_choice), key=lambda row: row.price_per_hour_per_node))
        else:
            found.append(_contradiction(first_choice))
    return Listing(rows=tuple(rows), findings=tuple(found))


def in_force(rivals: Sequence[Stated], starts_on: Callable[[Stated], date | None], today: date) -> Sequence[Stated]:
    """Of what is stated for one thing, what holds already; `starts_on` is None where no day is stated."""
    current = [each for each in rivals if (starts_on(each) or today) <= today]
    # A clock that is far behind must not make every price a future one.
    return current or rivals


def amount(text: object) -> Decimal:
    """An amount of money as a price list prints it; zero is one, and means that the price is unknown.

    Raises ValueError for what is no number, is negative or beyond any fee.
    """
    try:
        read = Decimal(str(text))
    except InvalidOperation:
        read = Decimal("NaN")
    if not (read.is_finite() and 0 <= read < _ABSURD):
        raise ValueError(f"{text!r} is not an amount of money")
    return read


def plain(price: Decimal) -> Decimal:
    """A price to ten digits, as AWS gives them, without the zeros at its end."""
    return Decimal(f"{price.quantize(_DIGITS).normalize():f}")


def _agree(quotes: Sequence[Quote]) -> bool:
    prices = [each.row.price_per_hour_per_node for each in quotes]
    return len({each.row.currency for each in quotes}) == 1 and max(prices) - min(prices) <= _ROUNDED


def _contradiction(quotes: Sequence[Quote]) -> str:
    row = quotes[0].row
    said = [f"{each.row.price_per_hour_per_node:f} {each.row.currency} by {each.said_by}" for each in quotes]
    terms = " ".join(filter(None, (row.purchase, row.payment, row.operating_system)))
    return (
        f"{row.instance_type} in {row.region}, {terms}: {', '.join(sorted(said))}; "
        "which of these prices holds is unknown, and none is used."
    )
