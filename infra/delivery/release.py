"""From an image to what users have, and back: `python -m infra.delivery.release deploy|smoke|promote|rollback`.

A release is deployed to nobody, looked at, and only then given to everybody; where it turns out not to be well,
everybody is sent back by itself. Which revision was before is a tag on the service, so anybody can roll back from
anywhere.
"""

from __future__ import annotations

import argparse
import os
import sys

from infra.delivery.cloud_run import CANDIDATE, PREVIOUS, CloudRun, DeliveryError, Service
from infra.delivery.operator import token_of
from infra.delivery.smoke import look_at, train_once

# Who hears a message comes before who sends it: a new message is never met by an old function.
ORDER = ("notifier", "eraser", "mirror", "webhook", "submitter", "packager", "monitor", "api")


def deploy(cloud: CloudRun, image: str) -> None:
    """A candidate of every service, by the image's digest."""
    if "@sha256:" not in image:
        raise DeliveryError(f"{image} is no digest (…@sha256:…): a tag says nothing about what runs.")
    for function in ORDER:
        print(f"Deploying {function} without traffic …", flush=True)
        cloud.deploy(function, image)


def smoke(cloud: CloudRun, token: str | None) -> None:
    """Look at the candidates while nobody is sent to them. Nothing is trained and nothing is paid."""
    services = _with_candidates(cloud)
    look_at(services["api"].tagged_urls[CANDIDATE], webhook_url=services["webhook"].tagged_urls[CANDIDATE], token=token)


def promote(cloud: CloudRun, token: str | None) -> None:
    """Send everybody to the candidates, look again, and send everybody back where something is not well."""
    before = _with_candidates(cloud)
    moved: list[str] = []
    try:
        for function in ORDER:
            service = before[function]
            print(f"Sending everybody to {service.tagged[CANDIDATE]} …", flush=True)
            moved.append(function)
            cloud.send_everybody_to(function, service.tagged[CANDIDATE], before=service.serving)
        look_at(before["api"].url, webhook_url=before["webhook"].url, token=token)
        train_once(before["api"].url, before["submitter"].environment, token=token)
    except Exception:
        for function in reversed(moved):
            if serving := before[function].serving:
                print(f"Not well: sending everybody back to {serving} …", flush=True)
                cloud.send_everybody_to(function, serving)
        raise


def _with_candidates(cloud: CloudRun) -> dict[str, Service]:
    services = {function: cloud.service(function) for function in ORDER}
    missing = [function for function, service in services.items() if CANDIDATE not in service.tagged]
    if missing:
        raise DeliveryError(f"no candidate of {', '.join(missing)}: run `make deploy` first.")
    return services


def rollback(cloud: CloudRun) -> None:
    """Send everybody back to what was before the last release."""
    services = {function: cloud.service(function) for function in ORDER}
    missing = [function for function, service in services.items() if PREVIOUS not in service.tagged]
    if missing:
        raise DeliveryError(f"nothing to go back to: no revision of {', '.join(missing)} is tagged {PREVIOUS}.")
    for function in reversed(ORDER):
        print(f"Sending everybody back to {services[function].tagged[PREVIOUS]} …", flush=True)
        cloud.send_everybody_to(function, services[function].tagged[PREVIOUS])


def main() -> None:
    """Do what the command line says; exit code 1, with a sentence, where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m infra.delivery.release", description=__doc__)
    parser.add_argument("command", choices=("deploy", "smoke", "promote", "rollback"))
    parser.add_argument("--project", default=os.environ.get("PROJECT", ""))
    parser.add_argument("--region", default=os.environ.get("REGION", ""))
    parser.add_argument("--prefix", default=os.environ.get("PREFIX") or "lora")
    parser.add_argument("--image", default=os.environ.get("IMAGE", ""))
    given = parser.parse_args()
    if not given.project or not given.region:
        parser.error("PROJECT and REGION are needed: make deploy PROJECT=… REGION=…")
    cloud = CloudRun(project=given.project, region=given.region, prefix=given.prefix)
    try:
        match given.command:
            case "deploy":
                deploy(cloud, given.image)
            case "smoke":
                smoke(cloud, token_of(os.environ))
            case "promote":
                promote(cloud, token_of(os.environ))
            case "rollback":
                rollback(cloud)
    except DeliveryError as error:
        sys.exit(f"✗ {error}")


if __name__ == "__main__":
    main()
