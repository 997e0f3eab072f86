"""What a run gives back: its output, the failures that a plan asks for, and what it costs."""

from dataclasses import dataclass
from typing import Any

from infra.local.fal_simulator.pictures import unit_price_of_pictures
from infra.local.fal_simulator.plans import ArtifactFault, RunFault
from infra.local.fal_simulator.runs import Artifact, Failure, Run
from infra.local.fal_simulator.timeline import Moment, Status
from infra.local.fal_simulator.trainers import unit_price, units_of
from shared.trainers.entry import Pictures

ERRORS_URL = "https://docs.fal.ai/errors"
FOREIGN_BASE_URL = "https://evil.example.com"


@dataclass(frozen=True)
class Bill:
    """What a run costs, in USD; `billed` false means nothing (fal.md §1: 5xx never, 422 may be)."""

    billed: bool
    units: int
    unit_price: float

    @property
    def cost(self) -> float:
        """The amount."""
        return round(self.units * self.unit_price, 6) if self.billed else 0.0


def bill_of(run: Run, moment: Moment) -> Bill:
    """What `run` costs by now: a training that was completed is billed, whatever becomes of its files."""
    rejected = moment.failure is not None and moment.failure.status_code == 422
    billed = moment.succeeded or (rejected and run.plan.bill_422)
    if run.pictures is not None:
        units = run.picture_order.megapixels if run.picture_order else 0
        return Bill(billed, units, unit_price_of_pictures(run.pictures))
    return Bill(billed, units_of(run.trainer, run.order) if run.order else 0, unit_price(run.trainer))


def output_of(run: Run, base_url: str) -> dict[str, Any]:
    """The output of a run that succeeded (fal.md §3 and §4)."""
    artifacts = run.prepared.artifacts if run.prepared else ()
    output: dict[str, Any] = {artifact.output_field: _file(run, artifact, base_url) for artifact in artifacts}
    if run.plan.artifacts is ArtifactFault.MISSING_FILE:
        output.pop(run.plan.artifact_field, None)
    if run.pictures is not None:
        return _pictures_output(run, run.pictures, list(output.values()))
    return output | dict.fromkeys(run.trainer.other_outputs)


def _pictures_output(run: Run, pictures: Pictures, files: list[dict[str, Any]]) -> dict[str, Any]:
    assert run.picture_order is not None
    order = run.picture_order
    shown = [{**file, "width": order.size[0], "height": order.size[1]} for file in files]
    if pictures.one_image:
        return {**({pictures.images_field: shown[0]} if shown else {}), "seed": order.seed}
    flags = [run.plan.flagged[k : k + 1] == (True,) for k in range(order.count)]
    return {
        pictures.images_field: shown,
        "timings": {"inference": run.training_s},
        "seed": order.seed,
        "has_nsfw_concepts": flags,
        "prompt": order.prompt,
    }


def _file(run: Run, artifact: Artifact, base_url: str) -> dict[str, Any]:
    wrong = run.plan.artifacts if run.plan.artifact_field == artifact.output_field else ArtifactFault.OK
    host = FOREIGN_BASE_URL if wrong is ArtifactFault.FOREIGN_HOST else base_url
    content_type = "text/html" if wrong is ArtifactFault.WRONG_CONTENT_TYPE else artifact.content_type
    return {
        "url": f"{host}/files/{run.file_token}/{artifact.file_name}",
        "content_type": content_type,
        "file_name": artifact.file_name,
        "file_size": artifact.size,
    }


def answer_of(run: Run, moment: Moment, base_url: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Status, body and headers of the result: the output, or the error replayed (fal.md §1)."""
    if moment.status is not Status.COMPLETED:
        return 400, {"detail": "Request is still in progress"}, {}
    if moment.failure is not None:
        return moment.failure.status_code, moment.failure.body, moment.failure.headers
    return 200, output_of(run, base_url), {}


def input_failure(run: Run, kind: str, message: str, field: str | None = None) -> Failure:
    """A 422 about the data URL, or the URL in another `field`, such as file_download_error."""
    named = field or (run.pictures.loras_field if run.pictures else run.trainer.data_field)
    given = run.input.get(named)
    detail = {
        "loc": ["body", named],
        "msg": message,
        "type": kind,
        "url": f"{ERRORS_URL}#{kind}",
        "input": given,
    }
    return Failure(422, [detail])


def planned_failure(run: Run) -> Failure | None:
    """The failure that the run's plan asks for."""
    match run.plan.run:
        case RunFault.FAIL_422:
            message = "Training failed: the images could not be processed"
            detail = {
                "loc": ["body"],
                "msg": message,
                "type": "training_failed",
                "url": ERRORS_URL,
                "ctx": {},
            }
            return Failure(422, [detail], after_s=run.training_s * 0.2)
        case RunFault.FAIL_500:
            return Failure(500, "Internal server error", "runner_server_error", after_s=run.training_s * 0.5)
        case RunFault.FAIL_DOWNLOAD:
            message = "Failed to download the file. Please check that the URL is accessible"
            return input_failure(run, "file_download_error", message)
        case RunFault.FAIL_STRING_DETAIL:
            detail_text = "The training could not be completed"
            return Failure(400, detail_text, after_s=run.training_s * 0.2, told_in_status=False)
        case RunFault.INFRASTRUCTURE_503:
            return Failure(503, "No runner could be scheduled", "runner_scheduling_failure")
        case _:
            return None
