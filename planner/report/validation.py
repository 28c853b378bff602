"""How does a validation read in a terminal?"""

from __future__ import annotations

from collections import Counter

from planner.validation import Validation


def print_validation(found: Validation) -> None:
    """Prints a line for every row, then the summary of each kind."""
    for item in found.rows:
        edge = " above the band" if item.upper is not None and item.measured > item.upper else ""
        print(
            f"{item.id:16} {item.kind:11} {item.predicted:12,.2f} predicted {item.measured:12,.2f} measured"
            f"  {item.error:+7.1%}  {item.unit}{f' {item.memory_kind}' if item.memory_kind else ''}{edge}"
        )
    for run in found.oom:
        verdict = "fits: UNSAFE" if run.fits else "does not fit"
        print(
            f"{run.id:16} {'oom':11} {run.predicted_gib:12,.2f} predicted {run.device_gib:12,.2f} on the device"
            f"  {verdict}"
        )
    for (kind, reason), count in Counter((item.kind, item.reason) for item in found.skipped).items():
        print(f"skipped {count} rows for {kind}: {reason}")
    for note in found.notes:
        print(note)
    print()
    print(f"{'kind':12} {'rows':>5} {'mean':>7} {'median':>7} {'bias':>7} {'p90':>7} {'in 10 %':>8} {'in 20 %':>8}")
    for kind, figures in found.summary().items():
        if figures["count"]:
            print(
                f"{kind:12} {figures['count']:5} {figures['mean']:7.1%} {figures['median']:7.1%}"
                f" {figures['bias']:+7.1%} {figures['p90']:7.1%}"
                f" {figures['within_10']:8.0%} {figures['within_20']:8.0%}"
            )
        for memory_kind, part in figures.get("by_memory_kind", {}).items():
            print(f"  {memory_kind}: {part['count']} rows, mean {part['mean']:.1%}, bias {part['bias']:+.1%}")
        if "unsafe" in figures:
            above = f", {figures['above_band']} above the upper edge of the band" if "above_band" in figures else ""
            print(f"{kind:12} unsafe rows: {figures['unsafe']} of {figures['count'] + len(found.oom)}{above}")
