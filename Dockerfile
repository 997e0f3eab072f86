# syntax=docker/dockerfile:1
# One image for every service. A service is told apart by its environment: FUNCTION_SOURCE names the file,
# FUNCTION_TARGET the function in it (infra/gcp/functions.tf); PORT is given by Cloud Run.
ARG PYTHON_VERSION=3.13

# --- The dependencies, exactly as uv.lock names them, and the sources, both as bytecode
FROM python:${PYTHON_VERSION}-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never \
    UV_COMPILE_BYTECODE=1 \
    PYC_INVALIDATION_MODE=UNCHECKED_HASH
WORKDIR /app
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY shared shared
COPY functions functions
COPY cli cli
RUN python -m compileall -q --invalidation-mode unchecked-hash shared functions cli

# --- What runs: no installer, no compiler, no user with rights
FROM python:${PYTHON_VERSION}-slim-bookworm AS service
RUN pip uninstall --yes --quiet pip \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin lora
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app/shared /app/shared
COPY --from=build /app/functions /app/functions
COPY --from=build /app/cli /app/cli
# PYTHONPATH: functions import from the root, wherever the server was started
# XDG_RUNTIME_DIR: gunicorn keeps a socket there, and the user has no home
# GRPC_ENABLE_FORK_SUPPORT: the server forks after the function was imported
# MALLOC_ARENA_MAX: with a heap for each thread, memory that one gave back stays its own
# DISABLE_GCS_…: otherwise the storage client asks for a bucket's metadata, which no account here may read
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    XDG_RUNTIME_DIR=/tmp \
    GRPC_ENABLE_FORK_SUPPORT=1 \
    MALLOC_ARENA_MAX=1 \
    DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA=true
WORKDIR /app
USER 10001
EXPOSE 8080
CMD ["python", "-m", "shared.serving"]
