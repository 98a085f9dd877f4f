"""Whole runs in a process of their own: result, exit code, log, variables, limits, cancelling."""

from __future__ import annotations

import ast
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.make import eventually
from tests.unit.runner.directories import Directory, doubling_regressor, stored
from tests.unit.runner.processes import SOURCES, ran, runner

from gristmill_runner.protocol import Result, read_result, write_spec

RUNNER = SOURCES / "gristmill_runner"


def script(tmp_path: Path, source: str, **spec: Any) -> Directory:
    (tmp_path / "main.py").write_text(source)
    directory = Directory(tmp_path / "run", kind="python_script", asset_path=str(tmp_path / "main.py"), **spec)
    return directory.to_file("result")


def test_model_run_completes(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "run", asset_path=str(stored(doubling_regressor(), tmp_path / "m")))
    code, result, _ = ran(directory.with_rows([[4]], ["x"]))
    assert (code, result["outcome"], result["version"]) == (0, "completed", 1)
    assert result["python"] == ".".join(map(str, sys.version_info[:3]))
    assert directory.predictions() == [[pytest.approx(8.0)]]


def test_function_that_raises_tells_its_traceback_in_log_and_cause(tmp_path: Path) -> None:
    (tmp_path / "code.py").write_text("def score(payload):\n    print('before')\n    return 1 / 0\n")
    directory = Directory(tmp_path / "run", kind="function", asset_path=str(tmp_path / "code.py"))
    code, result, log = ran(directory.with_rows([[1]]))
    assert code == 1
    assert result["cause"]["code"] == "user_code_failed"
    assert result["cause"]["message"] == "ZeroDivisionError: division by zero"
    assert result["cause"]["traceback"].splitlines()[1].strip() == f'File "{tmp_path}/code.py", line 3, in score'
    assert log.startswith("before\n")
    assert result["cause"]["traceback"] in log


def test_unreadable_specification_is_a_protocol_error(tmp_path: Path) -> None:
    directory = Directory(tmp_path, kind="model")
    directory.spec["version"] = 99
    code, result, _ = ran(directory)
    assert (code, result["cause"]["code"]) == (4, "protocol")


def test_script_has_its_files_and_its_output_is_zipped(tmp_path: Path) -> None:
    source = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["BATCH_OUTPUT_DIR"])
out.joinpath("rows.csv").write_text(pathlib.Path(os.environ["BATCH_INPUT_DIR"], "in.csv").read_text())
out.joinpath("deep").mkdir()
out.joinpath("deep/said.json").write_text(json.dumps({
    "payload": json.load(open(os.environ["JOBS_PAYLOAD_FILE"])), "cwd": os.getcwd(), "work": os.environ["WORKDIR"],
    "mine": os.environ["MINE"], "argv": sys.argv, "name": __name__, "beside": __import__("beside").VALUE}))
print("done", os.environ["HOME"])
"""
    variables = {"MINE": "yes", "BATCH_OUTPUT_DIR": "/nowhere", "JOBS_PAYLOAD_FILE": "/nowhere"}
    directory = script(tmp_path, source, environment_variables=variables).with_file("in.csv", "a\n1\n")
    (tmp_path / "beside.py").write_text("VALUE = 7\n")
    (directory.path / "payload.json").write_text('{"scoring": {}}')
    code, result, log = ran(directory)
    assert (code, result["outputs"]) == (0, ["outputs/result"]), log
    with zipfile.ZipFile(directory.path / "outputs/result") as archive:
        assert sorted(archive.namelist()) == ["deep/said.json", "rows.csv"]
        said = json.loads(archive.read("deep/said.json"))
    assert said["cwd"] == said["work"]
    assert (said["payload"], said["mine"], said["name"], said["beside"]) == ({"scoring": {}}, "yes", "__main__", 7)
    assert said["argv"] == [str(tmp_path / "main.py")]
    assert log.startswith("done /")


def test_script_that_fails_keeps_its_output(tmp_path: Path) -> None:
    source = (
        "import os\nopen(os.environ['BATCH_OUTPUT_DIR'] + '/part', 'w').write('half')\nraise ValueError('no more')\n"
    )
    directory = script(tmp_path, source)
    code, result, log = ran(directory)
    assert (code, result["outcome"], result["outputs"]) == (1, "failed", ["outputs/result"])
    assert result["cause"]["message"] == "ValueError: no more"
    assert "main.py" in log
    assert zipfile.ZipFile(directory.path / "outputs/result").namelist() == ["part"]


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("import sys; sys.exit(0)", 0, None),
        ("import sys; sys.exit()", 0, None),
        ("import sys; sys.exit(5)", 1, "the script exited with code 5"),
        ("import sys; sys.exit('sorry')", 1, "the script exited: sorry"),
    ],
)
def test_script_exit_codes_count(tmp_path: Path, source: str, code: int, message: str | None) -> None:
    returned, result, _ = ran(script(tmp_path, source))
    assert (returned, result.get("cause", {}).get("message")) == (code, message)


def test_empty_output_directory_is_a_warning(tmp_path: Path) -> None:
    _, result, _ = ran(script(tmp_path, "print('nothing')"))
    assert result["outcome"] == "completed"
    assert result["warning"].startswith("BATCH_OUTPUT_DIR is empty")


def test_a_script_of_which_no_output_was_asked_may_leave_none(tmp_path: Path) -> None:
    directory = script(tmp_path, "print('nothing')")
    directory.spec["output"] = {"kind": "inline"}
    write_spec(directory.path, directory.spec)
    _, result, _ = ran(directory)
    assert (result["outcome"], result.get("warning")) == ("completed", None)


def test_script_lives_until_its_threads_and_hooks_are_over(tmp_path: Path) -> None:
    source = """
import atexit, os, threading, time
def late(): time.sleep(0.2); open(os.environ["BATCH_OUTPUT_DIR"] + "/thread", "w").close()
atexit.register(lambda: open(os.environ["BATCH_OUTPUT_DIR"] + "/hook", "w").close())
threading.Thread(target=late).start()
"""
    directory = script(tmp_path, source)
    ran(directory)
    assert zipfile.ZipFile(directory.path / "outputs/result").namelist() == ["hook", "thread"]


def test_n2_memory_beyond_the_limit_is_told_as_such(tmp_path: Path) -> None:
    directory = script(tmp_path, "hog = [bytearray(2**24) for _ in range(64)]", memory_limit_bytes=256 * 2**20)
    code, result, _ = ran(directory)
    assert (code, result["cause"]["code"]) == (1, "out_of_memory")
    assert "256 MiB" in result["cause"]["message"]


def canceled(directory: Directory) -> tuple[int, Result]:
    process = runner("run", str(directory.saved()))
    eventually(lambda: (directory.path / "work/started").exists(), within=30)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    result = read_result(directory.path)
    assert result is not None
    return process.returncode, result


@pytest.mark.parametrize(
    "rest",
    [
        "time.sleep(60)",
        "\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    print('tidy')",
        "\ntry:\n    time.sleep(60)\nexcept BaseException:\n    raise SystemExit(7)",
    ],
)
def test_termination_cancels(tmp_path: Path, rest: str) -> None:
    source = f"import time\nopen('started', 'w').close()\n{rest}\n"
    code, result = canceled(script(tmp_path, source))
    assert (code, result["outcome"]) == (3, "canceled")
    assert "cause" not in result


def test_interrupt_that_nobody_asked_for_is_a_failure(tmp_path: Path) -> None:
    code, result, _ = ran(script(tmp_path, "raise KeyboardInterrupt"))
    assert (code, result["cause"]["code"]) == (1, "user_code_failed")


def test_serving_goes_on_after_a_run_and_ends_with_its_lifeline(tmp_path: Path) -> None:
    model = stored(doubling_regressor(), tmp_path / "m")
    variables = {"ONCE": "1"}
    first = Directory(tmp_path / "1", asset_path=str(model), environment_variables=variables).with_rows([[1]], ["x"])
    (tmp_path / "code.py").write_text(
        "import os\ndef score(p):\n    return {'predictions': [{'values': [os.environ.get('ONCE'), os.getpid()]}]}\n"
    )
    second = Directory(tmp_path / "2", kind="function", asset_path=str(tmp_path / "code.py")).with_rows([[1]])
    replies, theirs = os.pipe()
    process = runner("serve", str(theirs), stdin=subprocess.PIPE, pass_fds=[theirs])
    os.close(theirs)
    assert process.stdin is not None
    with process, os.fdopen(replies) as answers:
        for directory in (first, second):
            process.stdin.write(f"{directory.saved()}\n")
            process.stdin.flush()
            reply = json.loads(answers.readline())
            assert (reply["exit_code"], reply["reusable"]) == (0, True)
        assert second.predictions() == [None, process.pid]
        process.stdin.close()
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("module", sorted(RUNNER.rglob("*.py")), ids=lambda path: str(path.relative_to(RUNNER)))
def test_every_module_is_written_in_the_oldest_python_that_runs_it(module: Path) -> None:
    ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 9))


def test_the_runner_imports_nothing_but_the_standard_library() -> None:
    modules = [".".join(path.relative_to(RUNNER.parent).with_suffix("").parts) for path in RUNNER.rglob("[a-z]*.py")]
    program = f"import sys; sys.path.insert(0, {str(RUNNER.parent)!r})\n" + "".join(f"import {m}\n" for m in modules)
    subprocess.run([sys.executable, "-I", "-S", "-c", program], check=True)
