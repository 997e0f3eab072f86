"""Who looks at a release: an operator, by a token of Firebase that lasts an hour."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from infra.delivery.cloud_run import DeliveryError

TOKEN = "LORA_API_TOKEN"
REFRESH_TOKEN = "LORA_OPERATOR_REFRESH_TOKEN"
API_KEY = "FIREBASE_API_KEY"
EXCHANGE = "https://securetoken.googleapis.com/v1/token"
TIMEOUT_S = 30.0


def token_of(environment: Mapping[str, str], *, exchange: str = EXCHANGE) -> str | None:
    """The token in LORA_API_TOKEN, else one for the operator's refresh token, else None: nobody in particular looks.

    A refresh token lasts until it is revoked, so it can be kept as a secret. `DeliveryError` where Firebase refuses it.
    """
    if token := environment.get(TOKEN, "").strip():
        return token
    refresh_token, api_key = environment.get(REFRESH_TOKEN, "").strip(), environment.get(API_KEY, "").strip()
    if not refresh_token or not api_key:
        return None
    asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    try:
        answer = httpx.post(exchange, params={"key": api_key}, data=asked, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise DeliveryError(f"Firebase does not answer ({type(error).__name__}).") from error
    if not answer.is_success:
        raise DeliveryError(
            f"Firebase refuses the operator's refresh token ({answer.status_code}): sign the operator in again and "
            f"keep the new one in the secret behind {REFRESH_TOKEN}."
        )
    return str(answer.json()["id_token"])
