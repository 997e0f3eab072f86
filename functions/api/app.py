"""The API as one ASGI app: its routes, and what stands around them."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import APIRoute

from functions.api import (
    comparisons,
    console_pages,
    docs_page,
    doctor,
    erasures,
    first_samples,
    image_quotes,
    images,
    lineage,
    live_images,
    models,
    operations,
    quotes,
    reports,
    shoots,
    stories,
    trainers,
    trainings,
)
from functions.api.auth import refuse_open_door
from functions.api.live_events import stream_seats
from functions.api.live_trainings import LiveTrainings
from functions.api.problem_answers import PROBLEM, answer_with_problems
from functions.api.rate_limit import RateLimiter
from functions.api.seats import seats_for_work
from functions.api.security import protect
from functions.api.traced import Traced
from shared import bootstrap
from shared.all_jobs import AnyJob

# How many files are received at the same time in this process, from one user and from all: each is held in memory. And
# how many shoots are looked at picture by picture: each takes one of the 40 threads that routes run in.
UPLOADS_PER_USER, UPLOADS = 8, 16
LOOKS_PER_USER, LOOKS = 6, 20

_DESCRIPTION = """\
Train a LoRA from a shoot, follow it, keep the model, and make pictures with it. Errors are RFC 9457 problems with a
stable `code`.
"""


def create_app() -> FastAPI:
    """The app; refuses to be made where its settings would let anybody at real data."""
    settings, store = bootstrap.api_settings(), bootstrap.store_settings()
    refuse_open_door(settings, store)
    app = FastAPI(
        title="Costumes LoRA",
        version="1.0.0",
        description=_DESCRIPTION,
        redirect_slashes=False,
        docs_url=None,  # its scripts come from elsewhere, which our pages may not load: functions/api/docs_page.py
        redoc_url=None,
        responses={"4XX": PROBLEM, "5XX": PROBLEM},
        generate_unique_id_function=_operation_id,
    )
    app.state.rate_limiter = RateLimiter(settings.rate_limit_per_minute)
    app.state.stream_seats = stream_seats(per_user=settings.events_streams_per_user, in_all=settings.events_streams)
    app.state.upload_seats = seats_for_work(per_user=UPLOADS_PER_USER, in_all=UPLOADS)
    app.state.look_seats = seats_for_work(per_user=LOOKS_PER_USER, in_all=LOOKS)
    app.state.live_trainings = LiveTrainings(_job, poll_s=settings.events_poll_s)
    # what has a name of its own comes before what is named by an id
    pictures = (live_images, image_quotes, first_samples, images, comparisons)
    for routes in (shoots, reports, trainers, quotes, trainings, stories, models, lineage, *pictures, erasures):
        app.include_router(routes.router)
    app.include_router(doctor.router)
    app.include_router(operations.router)
    app.include_router(console_pages.router)
    app.include_router(docs_page.router)
    app.add_api_route("/healthz", healthz, tags=["operations"])
    answer_with_problems(app)
    app.add_exception_handler(404, console_pages.show_missing)
    protect(app, settings, store, bootstrap.dataset_settings())
    app.add_middleware(Traced, edge=bootstrap.edge("api"))
    return app


def _job(job_id: str) -> AnyJob:
    return bootstrap.jobs().get(job_id)


def healthz() -> dict[str, str]:
    """Whether this process answers; it asks nobody else."""
    return {"status": "ok"}


def _operation_id(route: APIRoute) -> str:
    return route.name
