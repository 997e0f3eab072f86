"""One Starlette application that is fal.ai's queue, Platform API, JWKS and CDN at once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route

from infra.local.fal_simulator import api_routes, control_routes, media_routes, queue_routes
from infra.local.fal_simulator.context import Refusal, Simulator, refuse
from infra.local.fal_simulator.runner import Runner
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.fal_simulator.signing import SigningKeys
from infra.local.fal_simulator.store import Store


def create_app(settings: SimulatorSettings) -> Starlette:
    """The application; it continues what it finds in the data directory. Serve it through server.py.

    `settings.port` must be the real one, since URLs in answers and webhooks are made from it.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        store = Store(settings.data_dir)
        runner = Runner(settings, store, SigningKeys(settings.data_dir))
        app.state.simulator = Simulator(settings, store, runner.keys, runner)
        runner.start()
        try:
            yield
        finally:
            await runner.stop()
            store.close()

    control = [] if settings.key else control_routes.routes
    routes = [Route("/", control_routes.root), *control, *api_routes.routes, *media_routes.routes, *queue_routes.routes]
    return Starlette(routes=routes, exception_handlers={Refusal: refuse}, lifespan=lifespan)
