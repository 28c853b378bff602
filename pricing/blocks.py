"""In which sizes and lengths does EC2 sell Capacity Blocks? (EC2 user guide, Capacity Blocks for ML)"""

from __future__ import annotations

from pricing.units import MINUTE_S

SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Instances, or UltraServers, of one block."""

DAYS = (*range(1, 15), *range(21, 183, 7))
"""Lengths: by the day up to two weeks, then by the week up to 26."""

ENDS_EARLY_S = 30 * MINUTE_S
"""How long before the end of a block EC2 begins to end its instances."""

ULTRASERVERS = ("u-p6e-gb200x36", "u-p6e-gb200x72", "u-trn2x64")
"""What is bought as blocks beside instance types.

Names as on the Capacity Blocks price page (GB200), in Neuron's architecture guide and in an account's call of
DescribeCapacityBlockOfferings (Trainium2). No source names Trainium3's.
"""
