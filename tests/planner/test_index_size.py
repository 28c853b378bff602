"""Are index sizes those of the published formulas and their own examples?"""

from __future__ import annotations

from typing import Any

import pytest

from planner.index_fields import Index, index_faults
from planner.index_size import formula, index_lists, index_terms, scanned_bytes, usable_bytes
from pricing.units import GIB


def index(**fields: Any) -> Index:
    """A million vectors of 256 dimensions, or as given."""
    return Index.model_validate({"method": "hnsw", "vectors": 1_000_000, "dimensions": 256, "m": 16, **fields})


def size(asked: Index) -> float:
    """Bytes of a copy."""
    return sum(index_terms(asked).values())


def test_opensearch_says_so_of_hnsw() -> None:
    """Its documentation's example: 1.1 * (4 * 256 + 8 * 16) * 1,000,000 is 1.267 GB."""
    assert size(index(engine="opensearch")) == pytest.approx(1.267e9, rel=1e-3)


def test_opensearch_says_so_of_ivf_pq() -> None:
    """1.1 * ((8 / 8 * 32 + 24) * vectors + 300 * (2**8 * 4 * 256 + 4 * 512 * 256)) with 512 lists."""
    asked = index(method="ivf-pq", m=None, code_bytes=32, lists=512, engine="opensearch")
    assert size(asked) == pytest.approx(1.1 * (56 * 1e6 + 300 * (256 * 4 * 256 + 4 * 512 * 256)))


def test_faiss_says_so() -> None:
    """d * 4 + M * 2 * 4 bytes a vector of HNSW, d * 4 of flat; code and id of IVF-PQ, with its tables."""
    assert size(index()) == 1_000_000 * (256 * 4 + 16 * 2 * 4)
    assert size(index(method="flat", m=None)) == 1_000_000 * 256 * 4
    asked = index(method="ivf-pq", m=None, code_bytes=32, lists=512)
    assert size(asked) == 1_000_000 * (32 + 8) + (512 + 256) * 4 * 256


@pytest.mark.parametrize(("dtype", "bytes_each"), [("float32", 4), ("float16", 2), ("int8", 1), ("binary", 1 / 8)])
def test_a_component_takes_its_type(dtype: str, bytes_each: float) -> None:
    """Half precision halves the vectors, and leaves the links."""
    terms = index_terms(index(dtype=dtype))
    assert terms == {"vectors": 256e6 * bytes_each, "links": 128e6}


@pytest.mark.parametrize(
    ("vectors", "lists"), [(10_000, 333), (640_000, 3_200), (5_000_000, 65_536), (50_000_000, 262_144)]
)
def test_lists_follow_the_guidelines(vectors: int, lists: int) -> None:
    """4 * sqrt(n) below a million, then as the guidelines say, and never more than there are vectors to train."""
    assert index_lists(index(method="ivf-pq", m=None, code_bytes=32, vectors=vectors)) == lists


def test_opensearch_leaves_half_of_what_the_heap_leaves() -> None:
    """Of 128 GiB the heap takes 32 and the breaker half of the rest; of 16 GiB the heap takes half."""
    asked = index(engine="opensearch")
    assert usable_bytes(asked, 128 * GIB) == 48 * GIB
    assert usable_bytes(asked, 16 * GIB) == 4 * GIB


def test_a_query_reads_what_it_compares_with() -> None:
    """Flat reads all; IVF-PQ the centroids and its share of the lists; a graph's walk has no formula."""
    assert scanned_bytes(index(method="flat", m=None)) == 1_000_000 * 256 * 4
    asked = index(method="ivf-pq", m=None, code_bytes=32, lists=512, probes=16)
    assert scanned_bytes(asked) == 1_000_000 * 40 / 32 + 512 * 256 * 4
    assert scanned_bytes(index()) is None


def test_the_formula_names_its_source() -> None:
    """Every method and engine says where its sizes come from."""
    for method in ("flat", "hnsw", "ivf-pq"):
        assert "FAISS" in formula(index(method=method, m=None, code_bytes=None))
        assert "OpenSearch" in formula(index(method=method, m=None, engine="opensearch"))


@pytest.mark.parametrize(
    ("fields", "path", "says"),
    [
        ({"method": "flat"}, "m", "has no graph"),
        ({"code_bytes": 32}, "code_bytes", "no lists of codes"),
        ({"method": "ivf-pq", "m": None}, "code_bytes", "needs the size of a code"),
        ({"method": "ivf-pq", "m": None, "code_bytes": 100}, "code_bytes", "do not divide 256"),
        ({"method": "ivf-pq", "m": None, "code_bytes": 32, "lists": 50_000}, "lists", "1,500,000 vectors or more"),
        ({"hardware": "gpu"}, "hardware", "no HNSW on GPUs"),
        ({"method": "flat", "m": None, "hardware": "gpu", "engine": "opensearch"}, "hardware", "host memory"),
        ({"method": "ivf-pq", "m": None, "code_bytes": 32, "dtype": "binary"}, "dtype", "not of bits"),
    ],
)
def test_what_cannot_be_is_told(fields: dict[str, Any], path: str, says: str) -> None:
    """Fields that mean nothing together, and indexes that cannot be trained or searched."""
    ((where, text),) = index_faults(index(**fields))
    assert where == (path,)
    assert says in text
