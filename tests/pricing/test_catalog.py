"""Can what Berth knows be looked up by name?"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pricing.catalog import (
    DATA,
    find_accelerator,
    find_instance_type,
    load_accelerators,
    load_instance_types,
)
from pricing.errors import CatalogError


def test_names_lead_to_records() -> None:
    """A known name gives its record, and the accelerator in it is the catalog's own."""
    instance_type = find_instance_type("p5.48xlarge")
    assert instance_type.accelerator is find_accelerator("H100-80GB")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("p5.48xlrge", "p5.48xlarge"),
        ("P5.48XLARGE", "p5.48xlarge"),
        ("g6e.12xl", "g6e.12xlarge"),
        ("trn2u", "trn2u.48xlarge"),
    ],
)
def test_a_misspelt_instance_type_is_recognised(name: str, meant: str) -> None:
    """An unknown name is quoted and the closest known one offered first."""
    with pytest.raises(CatalogError) as caught:
        find_instance_type(name)
    assert str(caught.value).startswith(f"{name} is not a known instance type; did you mean {meant}")
    assert str(caught.value).endswith("?")


def test_part_of_an_accelerator_name_lists_those_that_contain_it() -> None:
    """A family of accelerators is answered with its members."""
    with pytest.raises(
        CatalogError, match=r"^h100 is not a known accelerator; did you mean H100-80GB or H100-96GB or H100-NVL-94GB\?$"
    ):
        find_accelerator("h100")


@pytest.mark.parametrize("name", ["", "quantum computer"])
def test_nothing_is_offered_where_nothing_is_close(name: str) -> None:
    """A name like no other is only quoted."""
    with pytest.raises(CatalogError, match=r" is not a known instance type\.$"):
        find_instance_type(name)


def test_the_catalog_cannot_be_changed() -> None:
    """What is loaded once and shared is read-only."""
    with pytest.raises(TypeError):
        load_instance_types()["x"] = find_instance_type("p5.48xlarge")  # type: ignore[index]


def test_accelerators_that_aws_does_not_sell_are_known() -> None:
    """Measurements on other accelerators can be judged, since their facts are in the catalog too."""
    sold = {each.accelerator.name for each in load_instance_types().values()}
    assert set(load_accelerators()) - sold >= {"RTX4090", "GH200", "H20", "A800-80GB", "A100-80GB-PCIe", "MI300X"}


def test_two_files_may_not_describe_the_same_thing(tmp_path: Path) -> None:
    """A name that stands in two files is refused, with the second file and the names."""
    folder = tmp_path / "accelerators"
    folder.mkdir()
    for copy in ("a.yaml", "b.yaml"):
        shutil.copy(DATA / "accelerators" / "l40s.yaml", folder / copy)
    with pytest.raises(CatalogError, match=r"b\.yaml: L40S, g6e\.xlarge, .* is described by another file already"):
        load_accelerators(tmp_path)
