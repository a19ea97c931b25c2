"""How well a model version can be made again, graded by what is recorded of it (Table 8-3, first ladder)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

GRADES: tuple[str, ...] = (
    "Nothing to reproduce it from",
    "Metrics only",
    "Can be re-created and retrained",
    "Full snapshot",
)
"""The rungs, weakest first: 0 to 3."""
_DIGEST = "held by its sha256"


@dataclass(frozen=True)
class Need:
    """Something that a rung needs, in words, and whether it is recorded."""

    rung: int
    words: str
    found: bool


@dataclass(frozen=True)
class ReproducibilityGrade:
    """The highest rung whose needs are all recorded, and every need with whether it is."""

    rung: int
    needs: tuple[Need, ...]

    @property
    def title(self) -> str:
        """The rung in words."""
        return GRADES[self.rung]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is this rung: what is recorded for it, then what the next rung lacks."""
        have = [need.words for need in self.needs if need.rung == self.rung]
        said = [f"Recorded: {', '.join(have)}."] if have else []
        lacking = self.lacking
        if lacking:
            said.append(f"For “{GRADES[self.rung + 1].lower()}” is missing: {', '.join(lacking)}.")
        return tuple(said)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What keeps it from the next rung."""
        return tuple(need.words for need in self.needs if need.rung == self.rung + 1 and not need.found)


def grade_reproducibility(version: Mapping[str, object]) -> ReproducibilityGrade:
    """Grade a version by its links, digests and metrics; nothing is believed that is not recorded.

    An address without a digest proves nothing, as what lies there may change; a digest without an address
    cannot be fetched. A higher rung stands in for the lower ones. Metrics are needed for their own rung only,
    but where they are missing nobody can tell whether a retrained model is as good.

    Parameters
    ----------
    version
        Fields of a version as recorded; what is missing or empty counts as not recorded. `metrics` is a
        mapping of name to value.

    Examples
    --------
    >>> grade_reproducibility({"metrics": {"accuracy": 0.9}}).title
    'Metrics only'
    """

    def has(*fields: str) -> bool:
        return all(version.get(field) for field in fields)

    kept = f"the training data, {_DIGEST}"
    needs = (
        Need(1, "the metrics of this version", has("metrics") or has("metrics_uri", "metrics_sha256")),
        Need(2, "the code with its full commit", has("code_uri", "code_commit")),
        Need(2, "the environment's lock file, " + _DIGEST, has("environment_sha256")),
        Need(2, f"{kept} (a sample is enough)", has("data_uri", "data_sha256")),
        Need(3, "the model file, " + _DIGEST, has("artifact_uri", "artifact_sha256")),
        Need(3, "an image of the machine, " + _DIGEST, has("image_uri", "image_sha256")),
        Need(3, f"{kept}, in full", has("data_uri", "data_sha256") and version.get("data_kind") == "full"),
        Need(3, "the code with its full commit", has("code_uri", "code_commit")),
    )
    reached = [rung for rung in (1, 2, 3) if all(need.found for need in needs if need.rung == rung)]
    return ReproducibilityGrade(max(reached, default=0), needs)
