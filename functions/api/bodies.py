"""What the bodies of all requests share: nothing is taken for what it was not said to be."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """A body of JSON: a field that it does not have is refused, and so is `"1"`, `true` or `1.0` in the place of 1."""

    model_config = ConfigDict(extra="forbid", strict=True)
