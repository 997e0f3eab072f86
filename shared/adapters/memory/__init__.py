"""The ports in memory, with the promises of the real ones, and errors on purpose: for tests."""

from shared.adapters.memory.accounts import MemoryAccounts
from shared.adapters.memory.clock import FixedClock
from shared.adapters.memory.dead_letters import MemoryDeadLetters
from shared.adapters.memory.erasures import MemoryErasures
from shared.adapters.memory.faults import Faults
from shared.adapters.memory.jobs import MemoryImageJobs, MemoryTrainings
from shared.adapters.memory.models import MemoryModels
from shared.adapters.memory.notices import MemoryNotices, MemoryReceiver
from shared.adapters.memory.objects import MemoryObjects
from shared.adapters.memory.publisher import AsyncMemoryPublisher, MemoryPublisher
from shared.adapters.memory.shoots import MemoryShoots
from shared.adapters.memory.stories import MemoryStories

__all__ = [
    "AsyncMemoryPublisher",
    "Faults",
    "FixedClock",
    "MemoryAccounts",
    "MemoryDeadLetters",
    "MemoryErasures",
    "MemoryImageJobs",
    "MemoryModels",
    "MemoryNotices",
    "MemoryObjects",
    "MemoryPublisher",
    "MemoryReceiver",
    "MemoryShoots",
    "MemoryStories",
    "MemoryTrainings",
]
