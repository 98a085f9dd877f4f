"""Requirements files and conda files: what is read, and what is refused with its line."""

from __future__ import annotations

import pytest

from gristmill.domain.conda_file import read_conda
from gristmill.domain.errors import Invalid
from gristmill.domain.requirements import combined, pinned, read_requirements, requirement_name

FILE = "package extension pe"


def test_requirements_are_read_as_pip_reads_them() -> None:
    text = (
        "\ufeff# tools\n\npandas==2.3.1  # pinned\nscikit-learn [extra]>=1.5,<2 ; python_version > '3.9'\n"
        "numpy==1.0 \\\n    --hash=sha256:00\nname @ https://example.com/name.whl#sha256=00\n"
    )
    assert read_requirements(text, where=FILE) == [
        "pandas==2.3.1",
        "scikit-learn [extra]>=1.5,<2 ; python_version > '3.9'",
        "numpy==1.0 --hash=sha256:00",
        "name @ https://example.com/name.whl#sha256=00",
    ]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--extra-index-url https://example.com", "administrator"),
        ("--index-url=https://example.com", "administrator"),
        ("-r other.txt", "another file"),
        ("-e .", "option"),
        ("./mine.whl", "no requirement"),
        ("/etc/passwd", "no requirement"),
        ("mine @ file:///etc/passwd", "on a disk"),
        ("https://example.com/x.whl", "no requirement"),
        ("thing @ https://${TOKEN}@example.com/x.whl", "variable"),
        ("two words", "no requirement"),
    ],
)
def test_what_a_build_cannot_have_is_refused_with_its_line(line: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_requirements(f"# first\npandas\n{line}\n", where=FILE)
    assert refused.value.message.startswith(f"{FILE}, line 3: {line!r}")
    assert word in refused.value.message


@pytest.mark.parametrize("line", ["scikit_Learn", "Scikit.learn==1", "scikit-learn[x]>1", "scikit--learn @ https://x"])
def test_names_have_one_form(line: str) -> None:
    assert requirement_name(line) == "scikit-learn"


def test_listed_versions_become_requirements() -> None:
    listed = {"python": "3.11", "numpy": "1.26", "pandas": "2.3.1", "torch": "2.1+cpu", "joblib": ""}
    assert pinned(listed) == ["joblib", "numpy==1.26.*", "pandas==2.3.1", "torch==2.1+cpu"]


def test_what_is_added_wins_over_the_base() -> None:
    base = ["numpy==1.26.*", "pandas==2.1.*", "xgboost-cpu==3.2.0"]
    assert combined(base, ["Pandas>=2.2"]) == ["numpy==1.26.*", "xgboost-cpu==3.2.0", "Pandas>=2.2"]
    assert combined(base, ["xgboost==2.0"], added_names=["numpy"]) == ["pandas==2.1.*", "xgboost==2.0"]


CONDA = """\
name: mine  # a comment
channels:
  - defaults
dependencies:
  - python=3.11
  - pip>=21
  - pip:
      - regex==2024.1.1
      - "cowsay"
prefix: /opt/x
"""


def test_the_pip_part_of_a_conda_file_is_read() -> None:
    found = read_conda(CONDA, where=FILE)
    assert (found.python, found.requirements) == ("3.11", ("regex==2024.1.1", "cowsay"))
    assert read_conda("name: x\n", where=FILE).requirements == ()
    assert read_conda("dependencies:\n- pip:\n  - a\n- python=3.12.1\n", where=FILE).python == "3.12"


@pytest.mark.parametrize(
    ("text", "number", "word"),
    [
        ("dependencies:\n  - numpy=1.26\n", 2, "conda"),
        ("dependencies:\n  - pip:\n    - a\n  - conda-forge::scipy\n", 4, "conda"),
        ("dependencies: [numpy]\n", 1, "a line of its own"),
        ("dependencies:\n  numpy\n", 2, "a line of its own"),
        ("dependencies:\n  - pip:\n    - -r other.txt\n", 3, "another file"),
        ("variables:\n  A: b\n", 1, "cannot be read"),
        ("- numpy\n", 1, "cannot be read"),
        ("dependencies:\n  - python-dateutil\n", 2, "conda"),
        ("dependencies:\n  - pip-tools\n", 2, "conda"),
    ],
)
def test_what_conda_alone_can_do_is_refused_with_its_line(text: str, number: int, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_conda(text, where=FILE)
    assert f"{FILE}, line {number}: " in refused.value.message
    assert word in refused.value.message
