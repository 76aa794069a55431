"""The words of a list of records in the reader's language, each translated once however many rows say it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from probes.web.i18n import Lazy, lazy
from probes.web.queries.waterfall import Stage
from probes.web.words import word

LABELS: Final[dict[str, Lazy]] = {
    "copied": lazy("Copied"),
    "copy": lazy("Copy as JSON"),
    "error": lazy("Error"),
    "fault": lazy("Whose fault"),
    "finish_reason": lazy("Finish reason"),
    "gaps": lazy("Gaps between chunks"),
    "location": lazy("Location"),
    "permalink": lazy("Permalink"),
    "phase": lazy("Came as far as"),
    "quality": lazy("Quality"),
    "request_id": lazy("Request id"),
    "response": lazy("Response"),
    "retry_after": lazy("Retry after"),
    "served_model": lazy("Served model"),
    "tokens": lazy("Tokens"),
    "tokens_per_second": lazy("Tokens/s"),
    "ttft_visible": lazy("First visible text"),
    "unmeasured": lazy("Nothing was measured."),
    "waterfall": lazy("Where the time went"),
}
STAGES: Final[dict[Stage, Lazy]] = {
    Stage.NAME: lazy("Name look-up"),
    Stage.CONNECT: lazy("TCP connect"),
    Stage.TLS: lazy("TLS"),
    Stage.OVERHEAD: lazy("Our own overhead"),
    Stage.HEADERS: lazy("Wait for headers"),
    Stage.FIRST_TOKEN: lazy("Wait for first token"),
    Stage.GENERATION: lazy("Generation"),
    Stage.REST: lazy("Until the end"),
}


@dataclass(frozen=True, slots=True)
class SpokenWord:
    label: str
    meaning: str
    icon: str
    tone: str


class Spoken:
    """For one request, for it speaks the request's language."""

    def __init__(self) -> None:
        self.labels = {name: str(label) for name, label in LABELS.items()}
        self.stages = {stage: str(label) for stage, label in STAGES.items()}
        self._words: dict[
            tuple[type[StrEnum], str], SpokenWord
        ] = {}  # members of two enums may be equal as text

    def word(self, member: StrEnum) -> SpokenWord:
        key = (type(member), member.value)
        if key not in self._words:
            said = word(member)
            self._words[key] = SpokenWord(str(said.label), str(said.meaning), said.icon, said.tone)
        return self._words[key]
