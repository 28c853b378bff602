"""How does a table of figures fit a narrow terminal, without cutting an amount?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.table import Table


def figures_table(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    figures: Collection[str],
    *,
    whole: Collection[str] = (),
    bold: Collection[int] = (),
) -> Table:
    """Rows under titles: columns titled as in `figures` or `whole` keep their width, the others fold; nothing is cut.

    Figures are aligned at their right; `bold` are the places of rows that stand out.
    """
    table = Table(box=None, pad_edge=False, header_style="dim")
    for place, title in enumerate(titles):
        widest = max((len(row[place]) for row in rows), default=0)
        kept = title in figures or title in whole
        justify = "right" if title in figures else "left"
        table.add_column(title, justify=justify, overflow="fold", min_width=widest if kept else None)  # type: ignore[arg-type]
    for place, row in enumerate(rows):
        table.add_row(*row, style="bold" if place in bold else None)
    return table
