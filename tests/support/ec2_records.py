"""What did EC2 answer to DescribeInstanceTypes? (as moto carries it)"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import moto

_RECORDS = Path(moto.__file__).parent / "ec2" / "resources" / "instance_types.json.gz"

EC2: dict[str, dict[str, Any]] = json.loads(gzip.decompress(_RECORDS.read_bytes()))
"""EC2's record of each instance type."""
