"""The operator's route: whether all that the system stands on is there, and what to do where it is not.

Nothing that it tells is a secret: errors are told by their kind, URLs by their origin.
"""

from __future__ import annotations

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import ConfigDict

from functions.api.auth import User, is_operator
from functions.api.checks import CheckView, examine
from functions.api.fal_checks import FAL_CHECKS
from functions.api.setting_checks import NOTIFICATIONS, SETTINGS
from functions.api.store_checks import STORE_CHECKS
from functions.api.views import View
from shared import bootstrap
from shared.errors import Unauthenticated
from shared.settings import AuthMode

PATIENCE_S = 10.0
CHECKS = (SETTINGS, *STORE_CHECKS, *FAL_CHECKS, NOTIFICATIONS)
"""Everything that is looked at, in the order in which it is told."""


class DoctorView(View):
    """Everything that was looked at; `ok` means that nothing is known to be wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ok": False,
                    "checks": [
                        {
                            "name": "webhook",
                            "ok": False,
                            "detail": "https://lora.example answers 302: fal.ai counts a redirect as a failure for "
                            "good.",
                            "advice": "Set WEBHOOK_URL to the address that answers without a redirect.",
                        }
                    ],
                }
            ]
        }
    )

    ok: bool
    checks: list[CheckView]


def _require_operators(request: Request) -> None:
    """Who comes through Identity-Aware Proxy is one of us; of the app's users only operators see that it is there."""
    settings = bootstrap.api_settings()
    if settings.auth_mode is not AuthMode.FIREBASE:
        return
    try:
        if is_operator(bootstrap.authenticator().user_of(request.headers), settings):
            return
    except Unauthenticated:
        pass
    raise HTTPException(404)


router = APIRouter(prefix="/v1/doctor", tags=["operations"], dependencies=[Depends(_require_operators)])


@router.get("")
def see_doctor(user: User) -> DoctorView:
    """Whether settings, database, buckets, messages, addresses and fal.ai are all right; for operators.

    It exists on one's own machine, behind Identity-Aware Proxy, and for whom OPERATORS names. It looks at everything at
    once, within seconds; a small probe is written to the datasets bucket, fetched over its signed URL, and deleted.
    """
    checks = examine(CHECKS, patience_s=PATIENCE_S)
    return DoctorView(ok=all(check.ok is not False for check in checks), checks=checks)
