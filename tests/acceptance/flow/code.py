"""Steps: functions and scripts."""

from __future__ import annotations

import gzip
from pathlib import Path

from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused

step = Steps()
SCRIPT = """import os, shutil, sys, time
from pathlib import Path
print("the script runs")
time.sleep(float(os.environ.get("WAIT_SECONDS", "0")))
if os.environ.get("LEAVES") == "nothing":
    sys.exit()
for file in Path(os.environ["BATCH_INPUT_DIR"]).iterdir():
    shutil.copy(file, os.environ["BATCH_OUTPUT_DIR"])
(Path(os.environ["BATCH_OUTPUT_DIR"]) / "variables.txt").write_text(os.environ["K"])
"""


R_SCRIPT = """
f <- function(x) { x * 2 }
cat(f(21), file = file.path(Sys.getenv("BATCH_OUTPUT_DIR"), "doubled.txt"))
"""


# The client stores its source, with the values of defaults in their places, and knows no annotations.
def deployable(params={"factor": 10}):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, B006
    """Return a scorer of the lengths of rows."""

    def score(payload):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        rows = payload["input_data"][0]["values"]
        return {"predictions": [{"fields": ["n"], "values": [[len(row) * params["factor"]] for row in rows]}]}

    return score


def adding(params={"odd": "no predictions"}):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, B006
    """Return a scorer that answers each element of its input, and in another shape where there are no rows."""

    def score(payload):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        elements = payload["input_data"]
        if elements[0]["values"] == [[0]]:
            return {"answer": params["odd"]}
        return {"predictions": [{"fields": ["sum"], "values": [[sum(map(sum, each["values"]))]]} for each in elements]}

    return score


def service(context=None, params={"greeting": "hello"}):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201, ARG001, B006
    """Return what takes references instead of rows."""

    def generate_batch(input_data_references, output_data_reference):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        import os
        from pathlib import Path

        name = output_data_reference["location"]["name"]
        told = f"{params['greeting']} {len(input_data_references)} {name}"
        Path(os.environ["BATCH_OUTPUT_DIR"], "told.txt").write_text(told)

    return generate_batch


@step("repository.store_function: a callable")
def _(flow: Flow) -> None:
    repository = flow.client.repository
    names = repository.FunctionMetaNames
    meta = {names.NAME: "fn", names.SOFTWARE_SPEC_ID: flow.ids["software"], names.DESCRIPTION: "d"}
    stored = repository.store_function(deployable, meta)
    flow.ids["function"] = repository.get_function_id(stored)
    assert stored["metadata"]["name"] == "fn"


@step("repository: details, list and download of a function")
def _(flow: Flow) -> None:
    repository, function_id = flow.client.repository, flow.ids["function"]
    found = repository.get_function_details(function_id)
    assert function_id in repository.get_function_href(found)
    assert repository.list_functions()["NAME"].tolist() == ["fn"]
    back = repository.download(function_id, "fn.gz")
    source = gzip.decompress(Path(back).read_bytes()).decode()
    assert "def score(payload)" in source, source


@step("repository.update_function with new code, and revisions")
def _(flow: Flow) -> None:
    repository, function_id = flow.client.repository, flow.ids["function"]
    meta = {repository.FunctionMetaNames.NAME: "fn2"}
    repository.update_function(function_id, meta, update_function=deployable)
    assert repository.get_function_details(function_id)["metadata"]["name"] == "fn2"
    repository.create_function_revision(function_id)
    assert len(repository.list_functions_revisions(function_id)) == 1


@step("repository.store_function: a file")
def _(flow: Flow) -> None:
    repository = flow.client.repository
    names = repository.FunctionMetaNames
    path, source = flow.work / "f.py.gz", b"def score(payload):\n    return payload\n"
    path.write_bytes(gzip.compress(source))
    meta = {names.NAME: "fnfile", names.SOFTWARE_SPEC_ID: flow.ids["software"]}
    stored = repository.store_function(str(path), meta)
    back = repository.download(repository.get_function_id(stored), "fnfile.gz")
    assert gzip.decompress(Path(back).read_bytes()) == source


@step("script.store: Python, and its details, list and download")
def _(flow: Flow) -> None:
    script = flow.client.script
    path = flow.file("s.py", "print('the first version')\n")
    names = script.ConfigurationMetaNames
    meta = {names.NAME: "py script", names.SOFTWARE_SPEC_ID: flow.ids["software"], names.DESCRIPTION: "d"}
    stored = script.store(meta, str(path))
    flow.ids["script"] = script.get_id(stored)
    assert flow.ids["script"] in script.get_href(stored)
    assert script.get_details(flow.ids["script"])["entity"]["script"]["language"]["name"] == "python3"
    assert len(script.get_details()["resources"]) == 1
    assert script.list()["NAME"].tolist() == ["py script"]
    back = script.download(flow.ids["script"], str(flow.work / "s_back.py"))
    assert Path(back).read_text() == path.read_text()


@step("script.update with a new file, and revisions")
def _(flow: Flow) -> None:
    script, script_id = flow.client.script, flow.ids["script"]
    path = flow.file("s.py", SCRIPT)
    script.update(script_id, {script.ConfigurationMetaNames.NAME: "py script 2"}, str(path))
    assert script.get_details(script_id)["metadata"]["name"] == "py script 2"
    back = script.download(script_id, str(flow.work / "s_back2.py"))
    assert Path(back).read_text() == SCRIPT
    script.create_revision(script_id)
    assert len(script.list_revisions(script_id)) == 1
    assert script.get_revision_details(script_id, "1")[0]["metadata"]["name"] == "py script 2"


@step("script.store: R, and its wrong language is refused")
def _(flow: Flow) -> None:
    script = flow.client.script
    names = script.ConfigurationMetaNames
    specification = "runtime-25.1-r4.4" if flow.mode == "cpd" else "default_r3.6"
    software = flow.client.software_specifications.get_id_by_name(specification)
    path = flow.file("s.R", R_SCRIPT)
    stored = script.store({names.NAME: "r script", names.SOFTWARE_SPEC_ID: software}, str(path))
    assert stored["entity"]["script"]["language"]["name"] == "R"
    flow.ids["r script"] = script.get_id(stored)
    # The client takes the language from the file's ending.
    with refused("other_language"):
        script.store({names.NAME: "other", names.SOFTWARE_SPEC_ID: software}, str(flow.file("other.py", SCRIPT)))


@step("repository.store_function: one that adds up elements, and one that offers generate_batch")
def _(flow: Flow) -> None:
    repository = flow.client.repository
    names = repository.FunctionMetaNames
    for name, function in (("adding", adding), ("service", service)):
        meta = {names.NAME: name, names.SOFTWARE_SPEC_ID: flow.ids["software"]}
        flow.ids[name] = repository.get_function_id(repository.store_function(function, meta))
