"""Every setting, read from the environment as ``GRISTMILL_<NAME>``, or given on the command line as ``--<name>``."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gristmill.domain.errors import Invalid
from gristmill.domain.retention import MOST_DAYS
from gristmill.domain.worker_labels import read_labels
from gristmill.launch.cgroups import memory_limit_bytes, processor_limit

GIB = 1024**3
MIB = 1024**2
DATABASE_FILE = "gristmill.db"

Port = Annotated[int, Field(ge=0, le=65535)]
OptionalPort = Annotated[
    Port | None, BeforeValidator(lambda value: None if str(value).lower() in {"", "none", "off"} else value)
]


_PYTHON = re.compile(r"3\.\d+=/.+$")


class CannotStart(Exception):
    """The server cannot start; the message says why, and the way out."""


def _cpus() -> float:
    """Return the processors that this process may use, of the machine or of the control group that holds it."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(float(usable), processor_limit() or math.inf)


def _memory_bytes() -> int:
    """Return the memory of this machine, or of the control group that holds this process."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(machine, memory_limit_bytes() or machine)


class Settings(BaseSettings):
    """Read once, when a process starts. Sizes in bytes, durations in seconds."""

    model_config = SettingsConfigDict(env_prefix="GRISTMILL_", extra="ignore", frozen=True, hide_input_in_errors=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on for the API; 0.0.0.0 for all addresses.")
    port: Port = Field(default=18443, description="TLS port of the API; 0 takes any free one.")
    http_port: OptionalPort = Field(
        default=18080,
        description="Plain HTTP port, on loopback only, for the console and curl; 0 takes any free one, none: off.",
    )
    data_dir: Path = Field(
        default=Path("gristmill-data"),
        description="Directory of everything that is kept: database, content, keys, run directories.",
    )
    database_url: str | None = Field(
        default=None,
        description="Database, as postgresql://user:password@host/name; by default SQLite in the data directory.",
    )
    content: str | None = Field(
        default=None,
        description="Where uploads, inputs, results and logs are kept: s3://bucket/prefix, or a folder that all "
        "servers share; by default content in the data directory.",
    )
    content_endpoint: str | None = Field(
        default=None,
        description="Endpoint of the object store, as https://host or http://host:port; by default Amazon's.",
    )
    content_region: str = Field(default="us-east-1", description="Region of the bucket.")
    content_access_key: str | None = Field(default=None, description="Access key for the bucket.")
    content_secret_key: str | None = Field(
        default=None, repr=False, description="Secret key that belongs to content_access_key."
    )
    tls: bool = Field(default=True, description="Whether the API port speaks TLS; off behind a proxy that does.")
    tls_cert: Path | None = Field(
        default=None,
        description="Certificate chain (PEM) to use instead of one from the private CA in the data directory.",
    )
    tls_key: Path | None = Field(default=None, description="Private key (PEM) that belongs to tls_cert.")
    public_url: str | None = Field(
        default=None, description="URL by which clients reach the server, if it is another than where it listens."
    )
    admin_api_key: str | None = Field(
        default=None,
        description="API key of the first administrator; by default one is made on the first start and printed.",
    )
    secret_key: str | None = Field(
        default=None,
        description="Key of at least 32 characters for tokens and encryption, the same on all servers; "
        "by default the one in secret.key of the data directory.",
    )
    max_body_bytes: int = Field(default=16 * MIB, gt=0, description="Most bytes of a request's JSON body.")
    max_inline_bytes: int = Field(
        default=4 * GIB, gt=0, description="Most bytes of a deployment job with its inline data."
    )
    max_upload_bytes: int = Field(default=64 * GIB, gt=0, description="Most bytes of an upload.")
    worker_slots: int = Field(
        default_factory=lambda: max(4, int(2 * _cpus())),
        gt=0,
        description="Runs that one worker works on at once; by default twice its processors, at least 4.",
    )
    poll_seconds: float = Field(
        default=0.25,
        gt=0,
        description="How often an engine looks for runs that no wake-up told it of; PostgreSQL, or sockets "
        "beside SQLite's file, carry wake-ups between processes.",
    )
    lease_seconds: float = Field(
        default=30, gt=0, description="How long a worker may be silent before its runs are taken over."
    )
    grace_seconds: float = Field(
        default=30, ge=0, description="How long a stop waits for requests and runs before it ends them."
    )
    predefined_environments: Literal["shipped", "built"] = Field(
        default="shipped",
        description="Where runs of a predefined software specification work that has the server's version of Python: "
        "in the environment that ships with Gristmill, or in one built from the specification's list.",
    )
    pythons: str = Field(
        default="",
        description="Python interpreters of other versions, as 3.12=/path/to/python3.12, with commas; others are "
        "looked for on the machine.",
    )
    environment_build_seconds: float = Field(
        default=1800, gt=0, description="How long the build of a software environment may take."
    )
    environment_days: int = Field(
        default=30, ge=1, description="Days after their last use that software environments are removed."
    )
    retention_days: int = Field(
        default=30,
        ge=-1,
        le=MOST_DAYS,
        description="Days that runs are kept after their end where their job does not say otherwise; -1: for ever.",
    )
    events_days: int = Field(
        default=90, ge=-1, le=MOST_DAYS, description="Days that events, deliveries and inboxes are kept; -1: for ever."
    )
    session_hours: int = Field(
        default=12, ge=1, le=8760, description="Hours after which a browser has to sign in to the console again."
    )
    smtp_url: str | None = Field(
        default=None,
        description="Mail server, as smtp://user:password@host:587 or smtps://...; without it no e-mail is sent.",
    )
    mail_from: str = Field(default="gristmill@localhost", description="Address that messages come from.")
    allowed_networks: str = Field(
        default="",
        description="Host names and networks inside the house that channels may reach, and on this server that "
        "connections may; with commas, *: all.",
    )
    data_folders: str = Field(
        default="",
        description="Folders of the server in which connections may name SQLite and DuckDB files and volumes, with "
        "commas; none: no connection may.",
    )
    sandbox: Literal["auto", "required", "off"] = Field(
        default="auto",
        description="Whether user code is shut in: auto as far as the machine can, required fails runs where it "
        "cannot, off not at all.",
    )
    sandbox_paths: str = Field(
        default="", description="More paths that user code may read in its sandbox, with commas."
    )
    run_disk_bytes: int = Field(
        default=10 * GIB, gt=0, description="Most bytes that a run may have on disk, its inputs and outputs included."
    )
    worker_free_disk_bytes: int = Field(
        default=64 * 2**20,
        ge=0,
        description="A worker claims no run while the disk of its data directory has less free than this: runs wait, "
        "or go to another worker.",
    )
    worker_cpus: float = Field(
        default_factory=_cpus,
        gt=0,
        description="Processors that one worker offers to runs, which reserve what their hardware specification has; "
        "by default those of the machine or its control group. More than there are lets runs share them.",
    )
    worker_memory_bytes: int = Field(
        default_factory=_memory_bytes,
        gt=0,
        description="Memory that one worker offers to runs; by default that of the machine or its control group. A run "
        "that asks for more than any worker offers gets all of one, alone.",
    )
    worker_labels: str = Field(
        default="",
        description="Labels of this worker, with commas, as gpu,eu: it also takes runs whose hardware_spec asks for "
        "some of these.",
    )
    metrics_token: str | None = Field(
        default=None,
        repr=False,
        min_length=16,
        description="Token of at least 16 characters by which Prometheus reads /metrics; without it only an "
        "administrator's token does.",
    )
    metrics_port: OptionalPort = Field(
        default=None,
        description="Plain HTTP port for metrics alone, without a token, also of gristmill work; none: off.",
    )
    metrics_host: str = Field(default="127.0.0.1", description="Address to listen on for metrics_port.")
    lineage: str | None = Field(
        default=None,
        repr=False,
        description="Where events of OpenLineage go: https://host/api/v1/lineage, or the absolute path of a file; the "
        "same on all servers.",
    )
    lineage_api_key: str | None = Field(
        default=None, repr=False, description="API key that is sent with events of lineage."
    )
    lineage_namespace: str = Field(
        default="gristmill", min_length=1, description="Namespace of this installation's jobs and assets in lineage."
    )
    traces: str | None = Field(
        default=None,
        description="Where spans of OpenTelemetry go, by OTLP over HTTP, as http://collector:4318; it needs the extra "
        "otel.",
    )
    traces_share: float = Field(
        default=1.0, ge=0, le=1, description="Share of the traces that are kept, of those that begin here; 0 to 1."
    )
    ray_address: str | None = Field(
        default=None,
        description="Ray cluster whose nodes do the runs, as host:port of its head, or auto for the one of this "
        "machine; by default they are done on this machine.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least level of the events that are logged to standard error."
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="Form of a log line: text for people, json for programs."
    )

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Self:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: give both or none")
        return self

    @model_validator(mode="after")
    def _pythons_of_a_version(self) -> Self:
        for entry in self.pythons.split(","):
            if entry.strip() and not _PYTHON.match(entry.strip()):
                raise ValueError(f"pythons: {entry.strip()!r} is not like 3.12=/path/to/python3.12")
        return self

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, values: Any) -> Any:  # noqa: ANN401 - whatever sources gave
        # A container's environment often sets what is not wanted to the empty string.
        return {name: value for name, value in values.items() if value != "" or name == "http_port"}

    @property
    def interpreters(self) -> dict[str, Path]:
        """The registered interpreters, by the version of Python."""
        entries = (entry.strip().partition("=") for entry in self.pythons.split(",") if entry.strip())
        return {version: Path(path) for version, _, path in entries}

    @model_validator(mode="after")
    def _labels_of_a_worker(self) -> Self:
        try:
            read_labels(self.labels, "worker_labels")
        except Invalid as error:
            raise ValueError(error.message) from error
        return self

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of ``worker_labels``."""
        return tuple(label.strip() for label in self.worker_labels.split(",") if label.strip())

    @property
    def networks_allowed(self) -> list[str]:
        """The host names and networks of ``allowed_networks``."""
        return [name.strip() for name in self.allowed_networks.split(",") if name.strip()]

    @property
    def folders_of_connections(self) -> tuple[Path, ...]:
        """The folders that connections may reach."""
        return tuple(Path(entry.strip()) for entry in self.data_folders.split(",") if entry.strip())

    @property
    def readable_paths(self) -> list[Path]:
        """What user code may read besides what every run may."""
        return [Path(entry.strip()) for entry in self.sandbox_paths.split(",") if entry.strip()]

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / DATABASE_FILE}"
