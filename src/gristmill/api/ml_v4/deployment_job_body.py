"""The body of a deployment job: its envelope in memory, its rows straight from the body into the content store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from gristmill.api.json_stream import json_stream
from gristmill.domain.error_threshold import read_of_scoring
from gristmill.domain.errors import Invalid
from gristmill.domain.run_spec import InlineTable
from gristmill.service import inline_tables
from gristmill.service.context import Context
from gristmill.service.deployment_jobs import NewDeploymentJob

_KNOWN_SCORING = frozenset({"input_data", "input_data_references", "output_data_reference", "environment_variables"})


class DeploymentJobBody:
    """Reads the body once. Tables that were kept before it turned out to be wrong are removed by ``discard``."""

    def __init__(self, context: Context, file: BinaryIO) -> None:
        self._context = context
        self._stream = json_stream(file)
        self.tables: list[InlineTable] = []
        self.envelope: dict[str, Any] = {}

    def read(
        self,
        *,
        space_id: str | None,
        retention_days: int | None = None,
        idempotency_key: str | None = None,
        deployment_id: str | None = None,
    ) -> NewDeploymentJob:
        """Return what the body asks for; ``deployment_id`` is that of the path, where it stands there.

        Raises:
            Invalid: it is not JSON, or not of the wire's shape; the member is named.

        """
        for name in self._stream.members():
            inside = name == "scoring" and self._stream.begins_with("{")
            self.envelope[name] = self._scoring() if inside else self._stream.value()
        self._stream.end()
        if self.envelope.get("decision_optimization") is not None:
            raise Invalid(
                "decision_optimization: Gristmill has no optimization engine; send scoring.",
                field="decision_optimization",
            )
        scoring = _section(self.envelope, "scoring")
        return NewDeploymentJob(
            space_id=self.envelope.get("space_id") or space_id,
            deployment_id=deployment_id or _deployment(self.envelope),
            name=str(self.envelope.get("name") or "deployment job"),
            inline=tuple(self.tables),
            input_references=_references(scoring),
            output_reference=_optional(scoring, "output_data_reference"),
            environment_variables=_variables(scoring),
            hardware=_optional(self.envelope, "hardware_spec"),
            scoring={name: value for name, value in scoring.items() if name not in _KNOWN_SCORING},
            error_threshold=read_of_scoring(scoring),
            retention_days=retention_days,
            idempotency_key=idempotency_key,
        )

    def discard(self, error: BaseException | None = None) -> None:
        """Remove the rows that were kept: the job failed, or had come before."""
        inline_tables.discard(self._context, self.tables, error)

    def _scoring(self) -> dict[str, Any]:
        scoring: dict[str, Any] = {}
        for name in self._stream.members():
            if name != "input_data" or self._stream.begins_with("n"):
                scoring[name] = self._stream.value()
                continue
            if self.tables or not self._stream.begins_with("["):
                raise Invalid("scoring.input_data: send one array of tables.", field="scoring.input_data")
            for _ in self._stream.elements():
                self._table()
        return scoring

    def _table(self) -> None:
        where = f"scoring.input_data[{len(self.tables)}]"
        if not self._stream.begins_with("{"):
            raise Invalid(f"{where}: it is not an object with fields and values.", field=where)
        kept: InlineTable | None = None
        members: dict[str, Any] = {}
        for name in self._stream.members():
            if name == "values" and kept is None and self._stream.begins_with("["):
                kept = inline_tables.keep(self._context, self._rows(), fields=None, members={})
                self.tables.append(kept)
            else:
                members[name] = self._stream.value()
        if kept is None:
            raise Invalid(f"{where}.values: an array of rows is missing.", field=f"{where}.values")
        self.tables[-1] = InlineTable(
            rows=kept.rows,
            fields=_fields(members.pop("fields", None), where),
            members=members,
            text=kept.text,
            content_key=kept.content_key,
        )

    def _rows(self) -> Iterator[str]:
        for _ in self._stream.elements():
            yield self._stream.text()


def _fields(fields: Any, where: str) -> list[str] | None:  # noqa: ANN401 - any JSON
    if fields is None:
        return None
    if not isinstance(fields, list) or not all(isinstance(field, str) for field in fields):
        raise Invalid(f"{where}.fields: it is not an array of column names.", field=f"{where}.fields")
    return fields


def _section(envelope: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = envelope.get(name)
    if not isinstance(section, dict):
        raise Invalid(f"{name}: the section is missing; it holds input_data or input_data_references.", field=name)
    return section


def _optional(envelope: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    value = envelope.get(name)
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{name}: it is not an object.", field=name)
    return value or None


def _deployment(envelope: Mapping[str, Any]) -> str:
    deployment = _optional(envelope, "deployment") or {}
    if not deployment.get("id"):
        raise Invalid("deployment.id: name the deployment to run.", field="deployment.id")
    return str(deployment["id"])


def _references(scoring: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    references = scoring.get("input_data_references")
    if references is None:
        return None
    if not isinstance(references, list) or not all(isinstance(reference, dict) for reference in references):
        where = "scoring.input_data_references"
        raise Invalid(f"{where}: it is not an array of references.", field=where)
    return references


def _variables(scoring: Mapping[str, Any]) -> dict[str, str]:
    variables = _optional(scoring, "environment_variables") or {}
    for name, value in variables.items():
        where = f"scoring.environment_variables.{name}"
        if not name or "=" in name or "\0" in f"{name}{value}" or isinstance(value, (dict, list)):
            raise Invalid(f"{where}: a variable has a name without = and a plain value.", field=where)
    return {name: "" if value is None else str(value) for name, value in variables.items()}
