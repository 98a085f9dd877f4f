"""Which environment a specification means: the shipped one, or what it is built from."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from gristmill.domain.environment import (
    AddedExtension,
    Addition,
    PackageFile,
    Recipe,
    Shipped,
    SoftwareEnvironment,
    recipe_of,
)
from gristmill.domain.errors import Invalid

SHIPPED = Shipped(
    specification_id="own",
    python_version="3.11",
    packages={"numpy": "2.4.6", "pandas": "3.0.1", "fastapi": "0.165.0", "scikit-learn": "1.9.1"},
)
EXTENSION = AddedExtension(name="pe", type="conda_yml", content_key="k")
PREDEFINED = SoftwareEnvironment(
    base_id="24.1",
    base_name="runtime-24.1-py3.11",
    platform="python",
    platform_version="3.11",
    packages={"python": "3.11", "numpy": "1.26", "scikit-learn": "1.3"},
)
OTHER_PYTHON = replace(PREDEFINED, platform_version="3.12")
OWN = replace(PREDEFINED, base_id="own", packages={})
R = replace(PREDEFINED, platform="r", platform_version="4.3")


@pytest.mark.parametrize(
    ("environment", "by_default", "when_built"),
    [(PREDEFINED, True, False), (OTHER_PYTHON, False, False), (OWN, True, True), (R, True, True)],
)
def test_where_runs_of_a_specification_work(
    environment: SoftwareEnvironment, by_default: bool, when_built: bool
) -> None:
    assert SHIPPED.serves(environment) is by_default
    assert replace(SHIPPED, built=True).serves(environment) is when_built
    assert not SHIPPED.serves(replace(environment, extensions=(EXTENSION,)))


def test_a_custom_specification_has_the_libraries_that_ship_and_its_own() -> None:
    custom = replace(PREDEFINED, extensions=(EXTENSION,))
    recipe = recipe_of(custom, [Addition(requirements=["pandas==2.3", "cowsay"])], SHIPPED)
    assert recipe.requirements == ("numpy==2.4.6", "scikit-learn==1.9.1", "pandas==2.3", "cowsay")


def test_what_is_built_from_the_list_has_what_the_runner_needs_beside_it() -> None:
    requirements = recipe_of(OTHER_PYTHON, [], SHIPPED).requirements
    assert {"numpy==1.26.*", "scikit-learn==1.3.*", "pandas", "pyarrow", "joblib"} <= set(requirements)
    assert requirements == recipe_of(PREDEFINED, [], replace(SHIPPED, built=True)).requirements


def test_files_are_installed_or_only_found() -> None:
    wheel = PackageFile(name="numpy-9-py3-none-any.whl", sha256="0", content_key="k")
    custom = replace(PREDEFINED, extensions=(EXTENSION, EXTENSION))
    found = replace(wheel, name="mine-1-py3-none-any.whl")
    recipe = recipe_of(custom, [Addition(files=[wheel]), Addition(files=[found], found_only=True)], SHIPPED)
    assert (recipe.installed, recipe.found) == ((wheel,), (found,))
    assert "numpy==2.4.6" not in recipe.requirements


def test_a_conda_file_for_another_python_is_refused() -> None:
    custom = replace(PREDEFINED, extensions=(EXTENSION,))
    with pytest.raises(Invalid, match=r"pe asks for Python 3\.9, but runtime-24\.1-py3\.11 has 3\.11"):
        recipe_of(custom, [Addition(python="3.9")], SHIPPED)
    with pytest.raises(Invalid, match="specifications of Python only"):
        recipe_of(replace(R, extensions=(EXTENSION,)), [Addition()], SHIPPED)


def test_the_key_is_of_what_is_in_it_and_of_nothing_else() -> None:
    file = PackageFile(name="a.whl", sha256="0", content_key="one upload")
    recipe = Recipe(python_version="3.11", requirements=("numpy",), installed=(file,))
    again = replace(recipe, installed=(replace(file, content_key="the same file in another space"),))
    others = [
        replace(recipe, python_version="3.12"),
        replace(recipe, requirements=("numpy==1",)),
        replace(recipe, installed=(replace(file, sha256="1"),)),
        replace(recipe, installed=(), found=(file,)),
    ]
    assert recipe.key("cpython 3.11.7") == again.key("cpython 3.11.7")
    keys = [
        recipe.key("cpython 3.11.7"),
        recipe.key("cpython 3.11.8"),
        *(other.key("cpython 3.11.7") for other in others),
    ]
    assert len(set(keys)) == len(keys)


def test_a_frozen_environment_survives_its_document() -> None:
    custom = replace(PREDEFINED, extensions=(EXTENSION,))
    assert SoftwareEnvironment.of(asdict(custom)) == custom
