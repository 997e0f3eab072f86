"""`python -m infra.local.fal_simulator --port N --data DIR`: the simulator as a process of its own."""

import argparse
import json
import logging
import os
from pathlib import Path

from infra.local.fal_simulator.server import serve
from infra.local.fal_simulator.settings import SimulatorSettings
from infra.local.lifeline import FLAG, hold_lifeline


def main() -> None:
    """Read the arguments and serve until SIGTERM or SIGINT; the address goes to stdout as one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.fal_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="directory of requests, files and keys")
    parser.add_argument("--seconds-per-training", type=float, default=6.0)
    parser.add_argument("--weights-mb", type=float, default=4.0)
    parser.add_argument("--list-lag-s", type=float, default=0.0, help="how late the request list shows a request")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen")
    parser.add_argument(FLAG, action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    public_url, key = os.environ.get("FAL_SIMULATOR_URL", ""), os.environ.get("FAL_SIMULATOR_KEY", "").strip()
    if given.host != "127.0.0.1" and not (public_url and key):
        parser.error(
            "whoever reaches it could have it fetch anything: set FAL_SIMULATOR_URL to where it is reached, and "
            "FAL_SIMULATOR_KEY to the only key that it takes"
        )
    if given.lifeline:
        hold_lifeline()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
    settings = SimulatorSettings(
        data_dir=given.data,
        port=given.port,
        seconds_per_training=given.seconds_per_training,
        weights_mb=given.weights_mb,
        list_lag_s=given.list_lag_s,
        host=given.host,
        public_url=public_url.rstrip("/"),
        key=key,
    )
    serve(settings, announce=lambda url: print(json.dumps({"fal_simulator": url}), flush=True))


if __name__ == "__main__":
    main()
