"""Steps: software and hardware specifications, package extensions."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.acceptance.flow.client_flow import Flow
from tests.acceptance.flow.steps import Steps, refused

step = Steps()
_RUNTIMES = {11: "runtime-24.1-py3.11", 12: "runtime-25.1-py3.12"}
# One whose runs work in the environment that ships: nothing is built here.
SOFTWARE = _RUNTIMES.get(sys.version_info.minor, f"gristmill-py3.{sys.version_info.minor}")
EXTENSION = "name: x\ndependencies:\n- pip:\n  - numpy\n"


@step("software_specifications: list, details, id by name")
def _(flow: Flow) -> None:
    software = flow.client.software_specifications
    assert SOFTWARE in software.list()["NAME"].tolist()
    flow.ids["software"] = software.get_id_by_name(SOFTWARE)
    found = software.get_details(flow.ids["software"])
    assert found["metadata"]["name"] == SOFTWARE
    assert flow.ids["software"] in [each["metadata"]["asset_id"] for each in software.get_details()["resources"]]
    assert software.get_id(found) == flow.ids["software"]
    assert flow.ids["software"] in software.get_href(found)


@step("software_specifications: an unknown name is not found")
def _(flow: Flow) -> None:
    with refused("ResourceIdByNameNotFound"):
        flow.client.software_specifications.get_id_by_name("nope")


@step("package_extensions: store, list, details, id by name, download")
def _(flow: Flow) -> None:
    extensions = flow.client.package_extensions
    path = flow.file("environment.yml", EXTENSION)
    names = extensions.ConfigurationMetaNames
    stored = extensions.store({names.NAME: "pe", names.DESCRIPTION: "d", names.TYPE: "conda_yml"}, str(path))
    flow.ids["extension"] = extensions.get_id(stored)
    assert extensions.list()["NAME"].tolist() == ["pe"]
    found = extensions.get_details(flow.ids["extension"])
    assert found["entity"]["package_extension"]["type"] == "conda_yml"
    assert extensions.get_id_by_name("pe") == flow.ids["extension"]
    back = extensions.download(flow.ids["extension"], str(flow.work / "back.yml"))
    assert Path(back).read_text() == EXTENSION


@step("software_specifications: a derived one, with and without its extension, to deletion")
def _(flow: Flow) -> None:
    software, extensions = flow.client.software_specifications, flow.client.package_extensions
    names = software.ConfigurationMetaNames
    stored = software.store(
        {
            names.NAME: "custom",
            names.DESCRIPTION: "d",
            names.PACKAGE_EXTENSIONS: [{"guid": flow.ids["extension"]}],
            names.BASE_SOFTWARE_SPECIFICATION: {"guid": flow.ids["software"]},
        }
    )
    derived = software.get_id(stored)
    software.add_package_extension(derived, flow.ids["extension"])
    assert _extensions(flow, derived) == [flow.ids["extension"]]
    software.delete_package_extension(derived, flow.ids["extension"])
    assert _extensions(flow, derived) == []
    software.delete(derived)
    extensions.delete(flow.ids["extension"])
    assert "custom" not in software.list()["NAME"].tolist()
    assert extensions.list().empty


@step("hardware_specifications: list, details, id by name, store, delete")
def _(flow: Flow) -> None:
    hardware = flow.client.hardware_specifications
    assert {"XS", "S", "M", "L", "XL"} <= set(hardware.list()["NAME"])
    assert hardware.list(name="S")["NAME"].tolist() == ["S"]
    found = hardware.get_details(hardware.get_id_by_name("S"))
    assert found["entity"]["hardware_specification"]["nodes"]["mem"]["size"] == "8Gi"
    names = hardware.ConfigurationMetaNames
    nodes = {"cpu": {"units": "1"}, "mem": {"size": "1Gi"}, "num_nodes": 1}
    tiny = hardware.store({names.NAME: "tiny", names.DESCRIPTION: "x", names.NODES: nodes})
    assert hardware.get_id(tiny) in hardware.get_href(tiny)
    hardware.delete(hardware.get_id(tiny))
    assert "tiny" not in hardware.list()["NAME"].tolist()


def _extensions(flow: Flow, software_id: str) -> list[str]:
    found = flow.client.software_specifications.get_details(software_id)["entity"]["software_specification"]
    return [extension["guid"] for extension in found["package_extensions"]]
