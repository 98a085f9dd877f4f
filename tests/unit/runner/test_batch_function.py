"""Functions that take references: how ``generate_batch`` is found, what it is given, and what becomes of its files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.unit.runner.directories import Directory

from gristmill_runner.failure import RunFailed

SERVICE = """
def deployable_ai_service(context, greeting="hello"):
    def generate(request):
        return {"body": request}

    def generate_batch(input_data_references: list[dict], output_data_reference: dict | None) -> None:
        import json, os, pathlib
        told = {"refs": input_data_references, "out": output_data_reference, "greeting": greeting,
                "token": context.generate_token(), "space": context.get_space_id()}
        pathlib.Path(os.environ["BATCH_OUTPUT_DIR"], "told.json").write_text(json.dumps(told))

    return generate, generate_batch
"""
REFERENCES = [{"type": "connection_asset", "connection": {"id": "c"}, "location": {"bucket": "b"}}]


def service(tmp_path: Path, source: str, **spec: Any) -> Directory:
    (tmp_path / "code.py").write_text(source)
    variables = {"USER_ACCESS_TOKEN": "t", "SPACE_ID": "s"}
    directory = Directory(
        tmp_path / "run", kind="function", asset_path=str(tmp_path / "code.py"), platform_variables=variables, **spec
    )
    payload = {"scoring": {"input_data_references": REFERENCES, "output_data_reference": {"location": {"name": "o"}}}}
    (directory.path / "payload.json").write_text(json.dumps(payload))
    return directory


def told(directory: Directory, archive: str) -> dict[str, Any]:
    with zipfile.ZipFile(directory.path / archive) as packed:
        found: dict[str, Any] = json.loads(packed.read("told.json"))
    return found


def test_it_is_given_the_references_the_context_and_the_deployments_parameters(tmp_path: Path) -> None:
    directory = service(tmp_path, SERVICE, parameters={"greeting": "ahoy"}, output={"kind": "file", "path": "o"})
    result = directory.run()
    assert (result["outcome"], result["outputs"]) == ("completed", ["outputs/o"])
    assert told(directory, "outputs/o") == {
        "refs": REFERENCES,
        "out": {"location": {"name": "o"}},
        "greeting": "ahoy",
        "token": "t",
        "space": "s",
    }


def test_one_that_stands_by_itself_and_leaves_nothing_completes_without_a_warning(tmp_path: Path) -> None:
    directory = service(tmp_path, "def generate_batch(references, reference):\n    assert references\n")
    result = directory.run()
    assert (result["outcome"], result["outputs"], "warning" in result) == ("completed", [], False)


def test_what_it_returns_is_named(tmp_path: Path) -> None:
    directory = service(tmp_path, "def generate_batch(references, reference):\n    return {'rows': 3}\n")
    result = directory.run()
    assert result["cause"]["code"] == "reply_shape"
    assert "a dict: {'rows': 3}" in result["cause"]["message"]


def test_what_it_wrote_before_it_failed_is_kept(tmp_path: Path) -> None:
    source = SERVICE.replace("write_text(json.dumps(told))", "write_text(json.dumps(told)); raise ValueError('no')")
    directory = service(tmp_path, source, output={"kind": "file", "path": "o"})
    result = directory.run()
    assert (result["outcome"], result["cause"]["code"]) == ("failed", "user_code_failed")
    assert told(directory, "outputs/o")["greeting"] == "hello"


def test_a_maker_that_does_not_return_it_is_refused(tmp_path: Path) -> None:
    source = "def make(context):\n    def generate_batch(a, b): pass\n    return None\n"
    with pytest.raises(RunFailed, match="does not return it"):
        service(tmp_path, source).run()


def test_rows_still_go_to_score(tmp_path: Path) -> None:
    source = SERVICE + "\n\ndef score(payload):\n    return {'predictions': [{'values': [[1]]}]}\n"
    directory = service(tmp_path, source).with_rows([[1]], ["x"])
    directory.run()
    assert directory.predictions() == [[1]]
