"""Jobs of scripts, notebooks and code packages, from the stored asset to what is left of their runs."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from importlib.metadata import version

import httpx
import nbformat
import psutil
from nbformat.v4 import new_code_cell, new_notebook
from tests.acceptance.code_jobs import asset, ended, job, log, look, results, started
from tests.acceptance.rest import Json, Rest, output, reference
from tests.acceptance.server import Server, are_gone
from tests.make import eventually
from tests.r import needs_r

PYTHON = {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}

SCRIPT = """
import json, os, ssl, urllib.request
from pathlib import Path

def ask(path):
    request = urllib.request.Request(os.environ["RUNTIME_ENV_APSX_URL"] + path)
    request.add_header("Authorization", "Bearer " + os.environ["USER_ACCESS_TOKEN"])
    trust = ssl._create_unverified_context()
    return json.load(urllib.request.urlopen(request, context=trust))

out = Path(os.environ["BATCH_OUTPUT_DIR"])
(out / "rows.csv").write_text((Path(os.environ["BATCH_INPUT_DIR"]) / "in.csv").read_text().upper())
(out / "space.json").write_text(json.dumps(ask("/v2/spaces/" + os.environ["SPACE_ID"])))
(out / "token").write_text(os.environ["USER_ACCESS_TOKEN"])
payload = json.loads(Path(os.environ["JOBS_PAYLOAD_FILE"]).read_text())
print("references", len(payload["scoring"]["input_data_references"]), os.environ["MINE"])
if os.environ["MINE"] == "fail":
    raise ValueError("as you wish")
"""
TREE = """
import subprocess, sys, time
code = "import subprocess, time; subprocess.Popen(['sleep', '300'], start_new_session=True); time.sleep(300)"
subprocess.Popen([sys.executable, "-c", code])
time.sleep(1)
print("all are there", flush=True)
time.sleep(300)
"""


def files(content: bytes) -> dict[str, bytes]:
    """Return the files of a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: Mapping[str, str]) -> bytes:
    """Return a zip of the files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return packed.getvalue()


def notebook(*cells: str) -> bytes:
    """Return a notebook of code cells."""
    made = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=PYTHON)
    return str(nbformat.v4.writes(made)).encode()


def outputs(response: httpx.Response) -> list[str]:
    """Return what each executed cell of a notebook printed."""
    executed = json.loads(response.content)
    cells = [cell for cell in executed["cells"] if cell.get("execution_count")]
    return ["".join("".join(part.get("text", "")) for part in cell["outputs"]) for cell in cells]


def test_a_python_script_reads_its_input_and_its_output_becomes_an_asset(rest: Rest) -> None:
    source = rest.data_asset("in.csv", b"a\nx\n")
    scoring = {"input_data_references": [reference(source)], "output_data_reference": output("script.zip")}
    variables = ["MINE=yes", "SPACE_ID=elsewhere", "BATCH_OUTPUT_DIR=/nowhere"]
    script, _ = asset(rest, "script", "s.py", SCRIPT.encode())
    job_id = job(rest, script, scoring=scoring, env_variables=variables)
    run = started(rest, job_id)
    assert ended(rest, run)["state"] == "Completed", log(rest, run)
    assert "references 1 yes" in log(rest, run)
    # Nothing was built for the first job, and what it ran with is told all the same.
    assert not any("Building" in line for line in log(rest, run))
    assert look(rest, run)["packages"]["numpy"] == version("numpy")
    (made,) = rest.data_assets_named("script.zip")
    left = files(rest.content(made["metadata"]["asset_id"]))
    assert left["rows.csv"] == b"A\nX\n"
    assert json.loads(left["space.json"])["metadata"]["id"] == rest.space_id
    # The run is over, and so is its token.
    stale = rest.http.get("/v2/spaces", headers={"Authorization": f"Bearer {left['token'].decode()}"})
    assert stale.status_code == 401
    assert results(rest, run) == {}


def test_a_script_that_fails_leaves_its_output_too(rest: Rest) -> None:
    source = rest.data_asset("in.csv", b"a\nx\n")
    script, _ = asset(rest, "script", "s.py", SCRIPT.encode())
    job_id = job(rest, script, scoring={"input_data_references": [reference(source)]})
    run = started(rest, job_id, env_variables=["MINE=fail"])
    found = ended(rest, run)
    assert found["state"] == "Failed"
    assert found["failure"] == {"code": "user_code_failed", "message": "ValueError: as you wish"}
    assert files(results(rest, run)["outputs.zip"].content)["rows.csv"] == b"A\nX\n"


def test_l1_what_was_said_and_left_up_to_a_kill_is_there_afterwards(rest: Rest) -> None:
    code = """
import os, signal
for number in range(1000):
    print("line", number)
open(os.environ["BATCH_OUTPUT_DIR"] + "/part", "w").write("half")
os.symlink("/etc/passwd", os.environ["BATCH_OUTPUT_DIR"] + "/link")
os.kill(os.getpid(), signal.SIGKILL)
"""
    script, _ = asset(rest, "script", "s.py", code.encode())
    run = started(rest, job(rest, script))
    found = ended(rest, run)
    assert found["failure"]["code"] == "killed"
    assert log(rest, run) == [f"line {number}" for number in range(1000)]
    assert files(results(rest, run)["outputs.zip"].content) == {"part": b"half"}


def test_a_script_over_its_time_leaves_its_output(rest: Rest) -> None:
    code = "import os, time\nopen(os.environ['BATCH_OUTPUT_DIR'] + '/part', 'w').write('half')\ntime.sleep(300)"
    script, _ = asset(rest, "script", "s.py", code.encode())
    run = started(rest, job(rest, script, timeout_seconds=2))
    found = ended(rest, run, within=30)
    assert found["failure"]["code"] == "timed_out"
    assert files(results(rest, run)["outputs.zip"].content) == {"part": b"half"}


def test_an_r_script_has_the_same_contract(rest: Rest) -> None:
    needs_r()
    code = """
rows <- read.csv(file.path(Sys.getenv("BATCH_INPUT_DIR"), "in.csv"))
write.csv(rows * 2, file.path(Sys.getenv("BATCH_OUTPUT_DIR"), "out.csv"), row.names = FALSE)
if (Sys.getenv("MINE") == "fail") stop("as you wish")
"""
    software = {"name": "runtime-25.1-r4.4"}
    script, _ = asset(rest, "script", "s.R", code.encode(), language={"name": "R"}, software_spec=software)
    source = rest.data_asset("in.csv", b"a\n1\n")
    scoring = {"input_data_references": [reference(source)], "output_data_reference": output("r.zip")}
    job_id = job(rest, script, scoring=scoring)
    run = started(rest, job_id)
    assert ended(rest, run)["state"] == "Completed", log(rest, run)
    (made,) = rest.data_assets_named("r.zip")
    assert files(rest.content(made["metadata"]["asset_id"])) == {"out.csv": b'"a"\n2\n'}
    failed = ended(rest, started(rest, job_id, env_variables=["MINE=fail"]))
    assert failed["failure"] == {"code": "user_code_failed", "message": "Error: as you wish"}


def test_an_r_script_can_be_deployed(rest: Rest) -> None:
    needs_r()
    code = 'cat("done", file = file.path(Sys.getenv("BATCH_OUTPUT_DIR"), "said"))'
    script, _ = asset(rest, "script", "s.R", code.encode(), language={"name": "R"})
    scoring = {"input_data_references": [], "output_data_reference": output("deployed.zip")}
    submitted = rest.submit(rest.deployment(script), scoring)
    assert rest.ended(submitted["metadata"]["id"])["state"] == "completed"
    (made,) = rest.data_assets_named("deployed.zip")
    assert files(rest.content(made["metadata"]["asset_id"])) == {"said": b"done"}


def test_an_environment_that_is_not_there_is_refused_by_its_field(rest: Rest) -> None:
    script, _ = asset(rest, "script", "s.py", b"")
    body = {"job": {"name": "job", "asset_ref": script, "configuration": {"env_id": "nowhere"}}}
    error = rest.call("POST", "/v2/jobs", expect=400, json=body)["errors"][0]
    assert error["target"]["name"] == "configuration.env_id"
    run = started(rest, job(rest, script, env_id="runtime-24.1-py3.11"))
    assert ended(rest, run)["state"] == "Completed", log(rest, run)


def test_a_notebook_that_fails_keeps_what_it_executed(rest: Rest) -> None:
    book, _ = asset(rest, "notebook", "train.ipynb", notebook("print('one')", "print('two')", "1/0", "print('four')"))
    run = started(rest, job(rest, book, parameters={"n": 5}))
    found = ended(rest, run)
    assert found["failure"] == {"code": "user_code_failed", "message": "cell 3: ZeroDivisionError: division by zero"}
    assert found["rows"] == {"done": 3, "total": 5, "unit": "cells"}
    left = results(rest, run)
    assert set(left) == {"train.ipynb", "train.html"}
    assert outputs(left["train.ipynb"])[:3] == ["", "one\n", "two\n"]
    assert b"ZeroDivisionError" in left["train.html"].content
    assert left["train.html"].headers["content-disposition"].startswith("attachment")
    assert "sandbox" in left["train.html"].headers["content-security-policy"]
    assert [line for line in log(rest, run) if line][1:6] == ["Cell 1:", "one", "Cell 2:", "two", "Cell 3:"]


def test_an_executed_notebook_becomes_the_asset_that_was_asked_for(rest: Rest) -> None:
    book, _ = asset(rest, "notebook", "train.ipynb", notebook("import os\nprint(os.environ['MINE'])"))
    scoring = {"output_data_reference": output("executed.ipynb")}
    run = started(rest, job(rest, book, scoring=scoring), env_variables=["MINE=yes"])
    assert ended(rest, run)["state"] == "Completed", log(rest, run)
    (made,) = rest.data_assets_named("executed.ipynb")
    assert json.loads(rest.content(made["metadata"]["asset_id"]))["cells"][0]["outputs"][0]["text"] == ["yes\n"]


def test_a_notebook_in_r_runs_with_its_variables_as_parameters(rest: Rest) -> None:
    needs_r()
    cells = [new_code_cell("mine <- 'default'", metadata={"tags": ["parameters"]}), new_code_cell("cat(mine, 6 * 7)")]
    kernel = {"kernelspec": {"name": "ir", "language": "R", "display_name": "R"}}
    content = str(nbformat.v4.writes(new_notebook(cells=cells, metadata=kernel))).encode()
    book, _ = asset(rest, "notebook", "r.ipynb", content)
    run = started(rest, job(rest, book), env_variables=["mine=given"])
    assert ended(rest, run)["state"] == "Completed", log(rest, run)
    left = results(rest, run)
    assert set(left) == {"r.ipynb", "r.html"}
    assert outputs(left["r.ipynb"])[-1] == "given 42"


def test_a_kernel_that_dies_fails_the_run_at_once(rest: Rest) -> None:
    book, _ = asset(rest, "notebook", "train.ipynb", notebook("print('one')", "import os; os._exit(1)"))
    run = started(rest, job(rest, book))
    found = ended(rest, run, within=30)
    assert found["failure"]["code"] == "kernel_died"
    assert outputs(results(rest, run)["train.ipynb"])[0] == "one\n"


def test_what_is_no_notebook_is_refused_when_it_comes(rest: Rest) -> None:
    for content in (b"no JSON", b"{}", b'{"nbformat": 4, "cells": [], "metadata": {}}'):
        _, answer = asset(rest, "notebook", "train.ipynb", content, expect=400)
        assert answer["errors"][0]["code"] == "invalid_notebook", answer


def test_a_package_runs_with_its_own_modules(rest: Rest) -> None:
    main = "from lib.words import WORD\nopen('beside', 'w').close()\nprint(WORD)\n"
    content = zipped({"main.py": main, "lib/words.py": "WORD = 'own'\n", "readme.txt": "", "note.ipynb": "{}"})
    package, _ = asset(rest, "code_package", "package.zip", content)
    job_id = job(rest, package)
    for entry, reason in ((None, "name the file"), ("gone.py", "is not in"), ("readme.txt", "is neither")):
        error = started(rest, job_id, expect=400, entrypoint=entry)["errors"][0]
        assert error["target"]["name"] == "configuration.entrypoint"
        assert reason in error["message"]
        assert "lib/words.py, main.py, note.ipynb" in error["message"]
    for _ in range(2):
        run = started(rest, job_id, entrypoint="main.py")
        assert ended(rest, run)["state"] == "Completed", log(rest, run)
        assert "own" in log(rest, run)


def test_packages_that_cannot_be_unpacked_safely_are_refused_when_they_come(rest: Rest) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    linked = io.BytesIO()
    with zipfile.ZipFile(linked, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros", "w") as member:
        for _ in range(300):
            member.write(bytes(2**20))
    for content, code in (
        (b"no zip", "invalid_archive"),
        (zipped({"../out.py": ""}), "invalid_archive"),
        (linked.getvalue(), "invalid_archive"),
        (bomb.getvalue(), "archive_too_large"),
    ):
        _, answer = asset(rest, "code_package", "package.zip", content, expect=400)
        assert answer["errors"][0]["code"] == code, answer


def test_d11_a_cancel_ends_the_whole_tree_of_a_script(server: Server, rest: Rest) -> None:
    script, _ = asset(rest, "script", "s.py", TREE.encode())
    _canceled(server, rest, started(rest, job(rest, script)), lambda run: "all are there" in log(rest, run))


def test_d11_a_cancel_ends_a_kernel_and_what_it_started(server: Server, rest: Rest) -> None:
    book, _ = asset(rest, "notebook", "train.ipynb", notebook("print('one')", TREE))
    run = started(rest, job(rest, book))
    _canceled(server, rest, run, lambda run: "all are there" in log(rest, run))
    assert outputs(results(rest, run)["train.ipynb"])[0] == "one\n"


def _canceled(server: Server, rest: Rest, run: Json, is_there: Callable[[Json], bool]) -> None:
    """Cancel a run when it is there; nothing that came with it may stay."""
    eventually(lambda: is_there(run), within=60, every=0.1)
    own = [process for process in server.descendants() if _is_of(process, run["asset_id"])]
    assert any("sleep" in process.name() for process in own), own
    rest.call("POST", f"/v2/jobs/{run['entity']['job_run']['job_ref']}/runs/{run['asset_id']}/cancel", expect=204)
    assert ended(rest, run, within=30)["state"] == "Canceled"
    are_gone(own)


def _is_of(process: psutil.Process, run_id: str) -> bool:
    try:
        return run_id in process.cwd()
    except psutil.Error:
        return False


SERVICE = """
def deployable_ai_service(context, greeting="hello"):
    def generate_batch(input_data_references, output_data_reference):
        import json, os, ssl, urllib.request
        from pathlib import Path

        request = urllib.request.Request(os.environ["RUNTIME_ENV_APSX_URL"] + "/v2/spaces/" + context.get_space_id())
        request.add_header("Authorization", "Bearer " + context.generate_token())
        space = json.load(urllib.request.urlopen(request, context=ssl._create_unverified_context()))
        name = output_data_reference["location"]["name"]
        told = [greeting, space["metadata"]["id"], len(input_data_references), name]
        Path(os.environ["BATCH_OUTPUT_DIR"], "told.json").write_text(json.dumps(told))

    return generate_batch
"""


def test_a_function_that_offers_generate_batch_gets_references_parameters_and_a_token(rest: Rest) -> None:
    deployment = rest.deployment(rest.function(SERVICE), parameters={"greeting": "ahoy"})
    data = rest.data_asset("rows.csv", b"a\n1\n")
    scoring = {"input_data_references": [reference(data)], "output_data_reference": output("told.zip")}
    for _ in range(2):
        status = rest.ended(rest.submit(deployment, scoring)["metadata"]["id"])
        assert status["state"] == "completed", status
    (made, *_) = rest.data_assets_named("told.zip")
    with zipfile.ZipFile(io.BytesIO(rest.content(made["metadata"]["asset_id"]))) as archive:
        assert json.loads(archive.read("told.json")) == ["ahoy", rest.space_id, 1, "told.zip"]
