"""Which sizes of FSx for Lustre are sold?"""

from __future__ import annotations

# FSx for Lustre user guide, managing storage capacity: persistent SSD file systems, and those with EFA by MB/s per TiB.
SMALLEST_GIB, STEP_GIB = 1200, 2400
EFA_STEPS_GIB = {125: 38_400, 250: 19_200, 500: 9_600, 1000: 4_800}
