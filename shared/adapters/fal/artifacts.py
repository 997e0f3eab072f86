"""fal.ai's files, streamed over HTTP from the configured media hosts (fal.md §5, design §10)."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import httpx

from shared.adapters.fal.media_hosts import (
    Address,
    MediaHost,
    Resolve,
    admitted,
    checked_addresses,
    label,
    port_of,
    system_resolve,
)
from shared.errors import ArtifactCorrupt, ArtifactUnavailable
from shared.ports import Artifact
from shared.settings import FalSettings

MAX_REDIRECTS = 5
