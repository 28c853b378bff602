"""How much memory does a copy of a vector index take, and how fast could it be scanned?

The published sizing formulas, of FAISS (github.com/facebookresearch/faiss/wiki, Faiss indexes, and Guidelines to
choose an index) and of OpenSearch (docs.opensearch.org, Methods and engines; Faiss product quantization).
"""

from __future__ import annotations

import math

from planner.index_fields import TRAINING_VECTORS_PER_LIST, Index
from pricing.units import GIB

COMPONENT_BYTES = {"float32": 4.0, "float16": 2.0, "int8": 1.0, "binary": 1 / 8}
# FAISS: M * 2 * 4 bytes of links a vector on the lowest level, which has nearly all of them.
LINK_BYTES = 2 * 4
USUAL_LINKS = 16
# FAISS keeps a 64-bit id with each code; OpenSearch counts 24 bytes beside it.
FAISS_ID_BYTES, OPENSEARCH_ID_BYTES = 8, 24
FLOAT_BYTES = 4
CODE_VALUES = 256
# OpenSearch's own overhead, and the segments that it counts with where nobody knows them.
OPENSEARCH_OVERHEAD = 0.1
OPENSEARCH_SEGMENTS = 300
# The heap takes half of the memory up to 32 GiB; of the rest the circuit breaker leaves half to indexes
# (knn.memory.circuit_breaker.limit, 50% by default).
LARGEST_HEAP_BYTES = 32 * GIB
BREAKER_SHARE = 0.5
# Of a machine that FAISS has alone; a fifth for the system, results and growth is assumed, no source states it.
FAISS_SHARE = 0.8
# FAISS's guidelines: lists by the number of vectors below which they are for; below a million 4 times the root.
_LISTS = ((10**6, None), (10**7, 65_536), (10**8, 262_144), (math.inf, 1_048_576))


def index_lists(index: Index) -> int:
    """Lists of ivf-pq: those asked for, or those of FAISS's guidelines that so many vectors can train."""
    if index.lists is not None:
        return index.lists
    most = max(index.vectors // TRAINING_VECTORS_PER_LIST, 1)
    usual = next(lists for below, lists in _LISTS if index.vectors < below)
    return min(usual or round(4 * math.sqrt(index.vectors)), most)


def index_terms(index: Index) -> dict[str, float]:
    """Bytes of one copy, by cause."""
    opensearch = index.engine == "opensearch"
    count, width = index.vectors, index.dimensions
    if index.method == "ivf-pq":
        # A segment has centroids and code books of its own.
        segments = OPENSEARCH_SEGMENTS if opensearch else 1
        terms = {
            "codes": float(count * (index.code_bytes or 0)),
            "ids": float(count * (OPENSEARCH_ID_BYTES if opensearch else FAISS_ID_BYTES)),
            "centroids of lists": float(segments * index_lists(index) * width * FLOAT_BYTES),
            "code books": float(segments * CODE_VALUES * width * FLOAT_BYTES),
        }
    else:
        terms = {"vectors": count * width * COMPONENT_BYTES[index.dtype]}
        if index.method == "hnsw":
            terms["links"] = float(count * (index.m or USUAL_LINKS) * LINK_BYTES)
    if opensearch:
        terms["overhead"] = OPENSEARCH_OVERHEAD * sum(terms.values())
    return terms


def usable_bytes(index: Index, memory_bytes: int) -> float:
    """What an index may take of a machine's memory."""
    if index.engine == "opensearch":
        return BREAKER_SHARE * (memory_bytes - min(memory_bytes / 2, LARGEST_HEAP_BYTES))
    return FAISS_SHARE * memory_bytes


def formula(index: Index) -> str:
    """The formula that `index_terms` follows, with its source."""
    if index.engine == "opensearch":
        says = {
            "flat": "1.1 * bytes of a vector",
            "hnsw": "1.1 * (bytes of a vector + 8 * M)",
            "ivf-pq": "1.1 * ((code + 24) * vectors + 300 segments * (256 + lists) * 4 * dimensions)",
        }
        return f"{says[index.method]}; OpenSearch documentation, memory estimation"
    says = {
        "flat": "bytes of a vector",
        "hnsw": "bytes of a vector + M * 2 * 4",
        "ivf-pq": "code + 8 of id a vector, and (256 + lists) * 4 * dimensions once",
    }
    return f"{says[index.method]}; FAISS wiki, Faiss indexes and Guidelines to choose an index"


def scanned_bytes(index: Index) -> float | None:
    """Bytes that one query reads, where a formula says: all of flat, the share of lists that ivf-pq visits.

    None for a graph, whose walk no formula gives, and for ivf-pq without `probes`.
    """
    if index.method == "flat":
        return index.vectors * index.dimensions * COMPONENT_BYTES[index.dtype]
    if index.method == "ivf-pq" and index.probes is not None:
        lists = index_lists(index)
        codes = index.vectors * ((index.code_bytes or 0) + FAISS_ID_BYTES)
        return codes * min(index.probes / lists, 1.0) + lists * index.dimensions * FLOAT_BYTES
    return None
