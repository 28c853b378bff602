"""Which vector index does the user want kept in memory?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from planner.fields import Count, Rate, Section

# Vectors that k-means needs for each list (FAISS wiki, Guidelines to choose an index: 30 to 256 times the lists).
TRAINING_VECTORS_PER_LIST = 30


class Index(Section):
    """Vectors among which the nearest are found, held in memory by one fleet of instances."""

    method: Literal["flat", "hnsw", "ivf-pq"]
    """flat compares with every vector; hnsw walks a graph; ivf-pq keeps short codes in lists (approximate)."""
    vectors: Count
    """Vectors in the index."""
    dimensions: Annotated[int, Field(ge=1, le=65_536)]
    """Components of a vector, as the embedding model makes them."""
    dtype: Literal["float32", "float16", "int8", "binary"] = "float32"
    """Type of a stored component; ivf-pq keeps codes in its place."""
    m: Annotated[int, Field(ge=2, le=512)] | None = None
    """Links per vector of hnsw (M). Left out: 16."""
    code_bytes: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Bytes of a code of ivf-pq: sub-vectors of 8 bits each, which must divide dimensions."""
    lists: Count | None = None
    """Lists of ivf-pq. Left out: as many as FAISS's guidelines say for so many vectors."""
    probes: Count | None = None
    """Lists that a query of ivf-pq visits; needed to know a rate."""
    replicas: Annotated[int, Field(ge=0, le=100)] = 1
    """Further copies of the index, each on instances of its own."""
    shards: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Most instances that a copy is spread over; each answers every query. Left out: the fewest that hold one."""
    queries_per_second: Rate | None = None
    """Load. Checked where a published formula allows it: on GPUs whose memory bandwidth is known."""
    engine: Literal["faiss", "opensearch"] = "faiss"
    """Whose sizing formula: the library by itself, or an OpenSearch cluster with its heap and circuit breaker."""
    hardware: Literal["memory", "gpu"] | None = None
    """memory-optimised instances or GPUs only. Left out: whichever is cheaper."""


def index_faults(index: Index) -> Iterator[tuple[tuple[str, ...], str]]:
    """What cannot be, with the field's path under `index`."""
    coded = index.method == "ivf-pq"
    if index.m is not None and index.method != "hnsw":
        yield ("m",), f"{index.method} has no graph; leave m out, or set index.method to hnsw"
    for name in ("code_bytes", "lists", "probes"):
        if getattr(index, name) is not None and not coded:
            yield (name,), f"{index.method} has no lists of codes; leave it out, or set index.method to ivf-pq"
    if coded and index.code_bytes is None:
        yield ("code_bytes",), "ivf-pq needs the size of a code, such as 64; larger codes find more of the nearest"
    if coded and index.code_bytes is not None and index.dimensions % index.code_bytes:
        yield ("code_bytes",), f"{index.code_bytes} bytes do not divide {index.dimensions} dimensions"
    if coded and index.lists is not None and index.vectors < TRAINING_VECTORS_PER_LIST * index.lists:
        least = TRAINING_VECTORS_PER_LIST * index.lists
        yield (
            ("lists",),
            f"{index.lists:,} lists need {least:,} vectors or more to be trained, and there are "
            + (f"{index.vectors:,}; ask for fewer lists"),
        )
    if index.hardware == "gpu" and index.method == "hnsw":
        yield ("hardware",), "FAISS has no HNSW on GPUs; choose flat or ivf-pq, or memory"
    if index.hardware == "gpu" and index.engine == "opensearch":
        yield ("hardware",), "OpenSearch searches in host memory; choose faiss, or memory"
    if index.dtype == "binary" and index.method == "ivf-pq":
        yield ("dtype",), "codes are made of numbers, not of bits; choose float32, float16 or int8"
