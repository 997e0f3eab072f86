"""One function in a process of its own, served by functions-framework and gunicorn as on Cloud Run."""

from __future__ import annotations

import argparse

from infra.local.lifeline import FLAG, hold_lifeline
from infra.local.servers import FUNCTIONS, source_of
from shared.serving import end_where_unreadable, serve


def main() -> None:
    """Serve on a loopback port until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.function", description=__doc__)
    parser.add_argument("name", choices=FUNCTIONS)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(FLAG, action="store_true", help="end when standard input closes")
    given = parser.parse_args()
    if given.lifeline:
        hold_lifeline()
    end_where_unreadable()
    # without gunicorn's control socket: all functions would share one in the home folder
    serve(given.name, source_of(given.name), host="127.0.0.1", port=given.port, control_socket_disable=True)


if __name__ == "__main__":
    main()
