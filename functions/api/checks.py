"""One check of the doctor, and how all of them are made at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from pydantic import Field

from functions.api.views import View
from shared.errors import ProductError


class CheckView(View):
    """One thing that was looked at; `ok` is null where it cannot be told from here, and `advice` says what to do."""

    name: str = Field(examples=["database"])
    ok: bool | None
    detail: str = Field(examples=["It answers."])
    advice: str | None


class NotWellError(Exception):
    """Something is wrong; the text says what, in place of the check's own advice `advice` says what to do."""

    def __init__(self, detail: str, advice: str | None = None) -> None:
        """Say what is wrong, without secrets."""
        super().__init__(detail)
        self.advice = advice


class CannotTellError(Exception):
    """It cannot be told from here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """`look` gives what is well, in words, or raises; `advice` is what to do where it is not."""

    name: str
    look: Callable[[], str]
    advice: str


def examine(checks: tuple[Check, ...], *, patience_s: float) -> list[CheckView]:
    """How each check went, all at once; what has not answered after `patience_s` seconds counts as not well."""
    pool = ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="doctor")
    try:
        looks = {check.name: pool.submit(_looked, check) for check in checks}
        wait(looks.values(), timeout=patience_s)
        return [_told(check, looks[check.name], patience_s) for check in checks]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _told(check: Check, look: Future[CheckView], patience_s: float) -> CheckView:
    if look.done():
        return look.result()
    return CheckView(name=check.name, ok=False, detail=f"No answer within {patience_s:g} s.", advice=check.advice)


def _looked(check: Check) -> CheckView:
    told = partial(CheckView, name=check.name)
    try:
        return told(ok=True, detail=check.look(), advice=None)
    except CannotTellError as unknown:
        return told(ok=None, detail=str(unknown), advice=None)
    except NotWellError as wrong:
        return told(ok=False, detail=str(wrong), advice=wrong.advice or check.advice)
    except ProductError as error:
        return told(ok=False, detail=error.message, advice=check.advice)
