"""The HTTP application: every router, the shape of refusals, and the bounds on bodies."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from gristmill.api import console, errors, metrics, version
from gristmill.api.administration import audit, queue, storage, workers
from gristmill.api.browser_safety import BrowserSafety
from gristmill.api.identity import api_keys, me, sessions, task_credentials, tokens, users
from gristmill.api.limits import BodyLimits
from gristmill.api.ml_v4 import (
    deployment_job_definitions,
    deployment_jobs,
    deployments,
    functions,
    lists,
    models,
    previews,
)
from gristmill.api.observed import Observed
from gristmill.api.open_streams import OpenStreams
from gristmill.api.router import Router
from gristmill.api.transfer import Transfer
from gristmill.api.v2 import (
    asset_exports,
    asset_imports,
    asset_previews,
    asset_summaries,
    assets,
    attachments,
    channels,
    connections,
    datasource_types,
    deliveries,
    deployment_summaries,
    descriptions,
    finds,
    folder_assets,
    hardware_specifications,
    inbox,
    job_changes,
    job_runs,
    job_summaries,
    job_timelines,
    jobs,
    members,
    model_types,
    package_extensions,
    parameter_sets,
    projects,
    retention,
    run_insights,
    run_results,
    run_streams,
    schedule_previews,
    search,
    signed,
    software_specifications,
    space_summaries,
    spaces,
    trashed_assets,
)
from gristmill.service.context import Context

# Every router of the server, in the order in which routes are matched: what clients ask again and again comes first.
ROUTERS: tuple[Router, ...] = (
    deployment_jobs.router,
    job_runs.router,
    version.router,
    metrics.router,
    tokens.router,
    sessions.router,
    users.router,
    me.router,
    api_keys.router,
    task_credentials.router,
    spaces.router,
    space_summaries.router,
    members.router,
    projects.router,
    models.router,
    functions.router,
    deployments.router,
    deployment_summaries.router,
    previews.router,
    deployment_job_definitions.router,
    lists.router,
    assets.router,
    asset_previews.router,
    asset_summaries.router,
    attachments.router,
    search.router,
    trashed_assets.router,
    folder_assets.router,
    parameter_sets.router,
    connections.router,
    datasource_types.router,
    software_specifications.router,
    model_types.router,
    hardware_specifications.router,
    package_extensions.router,
    asset_exports.router,
    asset_imports.router,
    signed.router,
    descriptions.router,
    jobs.router,
    job_summaries.router,
    job_timelines.router,
    schedule_previews.router,
    run_insights.router,
    run_streams.router,
    job_changes.router,
    run_results.router,
    retention.router,
    retention.of_spaces,
    deliveries.router,
    channels.router,
    inbox.router,
    finds.router,
    audit.router,
    workers.router,
    queue.router,
    storage.router,
)


def create_api(
    context: Context,
    *,
    public_url: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
    metrics_token: str | None = None,
) -> FastAPI:
    """Return the application over the use cases of ``context``; ``public_url`` is where clients reach it.

    Streams end when ``stopping`` says that the server does. ``metrics_token`` opens `/metrics`, and nothing else.
    """
    app = FastAPI(
        title="Gristmill",
        # A redirect from /v2/spaces/ to /v2/spaces would cost clients their request body.
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    app.state.public_url = public_url
    app.state.stopping = stopping
    app.state.metrics_token = metrics_token
    app.state.streams = OpenStreams()
    errors.install(app)
    app.add_middleware(BodyLimits, limits=context.limits)
    app.add_middleware(Transfer)
    app.add_middleware(BrowserSafety)
    app.add_middleware(Observed, meters=context.meters, traces=context.traces)
    for router in ROUTERS:
        app.router.routes += router.routes
    console.install(app)
    return app
