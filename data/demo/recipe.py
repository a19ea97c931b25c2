"""The recipe of the demo organisation, read from `data/demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, Field

from core.connectors.settings import PROJECT
from core.connectors.yaml_lines import parse_lines, read_model, read_text
from core.domain.actors import Actor
from core.ground import Checked, Task

RECIPE_FOLDER = PROJECT / "data" / "demo"
M = TypeVar("M", bound=BaseModel)
Answers = dict[str, tuple[str, ...]]
Share = Annotated[float, Field(ge=0, le=1)]


class TeamRecipe(Checked):
    """How a team works, at the beginning and today.

    `care` is the share of work that is right the first time, `punctual` the share done by its due day,
    `pace` the length of the work (1 = as planned).
    """

    name: str
    care: tuple[Share, Share]
    punctual: tuple[Share, Share]
    pace: tuple[float, float]


class PersonRecipe(Checked):
    """A person of the directory; personas stand in for a login, in the file's order."""

    id: str
    name: str
    team: str
    title: str
    roles: tuple[str, ...]
    persona: bool = False

    def actor(self) -> Actor:
        """The person as the directory keeps them."""
        return Actor(id=self.id, name=self.name, team=self.team, title=self.title, roles=self.roles)


class OverrideRecipe(Checked):
    """A class that validation set by hand, and why; for a lower one, what is done instead."""

    class_id: str
    why: str
    instead: str = ""


class InitiativeRecipe(Checked):
    """An initiative: `starts` and `every` are in days, `every` 0 = one version only.

    Without `algorithm` there is no model; `groups` are the columns that may show a difference between
    people, and a model without any has no predictions on record. `favourable` is the
    outcome that is good to get.
    """

    name: str
    purpose: str
    team: str
    domain: str
    profile: str
    starts: Annotated[int, Field(ge=1, le=548)]
    answers: Answers = Field(default_factory=dict)
    algorithm: str = ""
    every: Annotated[int, Field(ge=0)] = 0
    groups: tuple[str, ...] = ()
    favourable: tuple[str, ...] = ("1",)
    dataset: str = ""
    stalls: str = ""
    override: OverrideRecipe | None = None

    @property
    def task(self) -> Task:
        """What kind of answer the model gives."""
        return {"car_price": "regression", "credit_card_segments": "multiclass"}.get(  # type: ignore[return-value]
            self.dataset, "regression" if self.algorithm == "Exponential smoothing" else "binary"
        )


class DocumentRecipe(Checked):
    """Words of the evidence for one measure, with names in braces to fill in."""

    title: str
    text: str


class TalkRecipe(Checked):
    """A question on an initiative and its answer."""

    asker: Literal["owner", "builder", "validator"]
    asked: Literal["owner", "builder", "validator"]
    question: str
    reply: str


class Words(Checked):
    """What people write; see `data/demo/words.yaml`."""

    refusals: tuple[str, ...]
    issues: tuple[str, ...]
    waived_because: tuple[str, ...]
    meanwhile: tuple[str, ...]
    rights: dict[str, str]
    abroad: dict[str, str]
    talks: tuple[TalkRecipe, ...]


class _Organisation(Checked):
    name: str
    teams: tuple[TeamRecipe, ...]
    people: tuple[PersonRecipe, ...]


class Recipe(Checked):
    """The whole organisation."""

    name: str
    teams: dict[str, TeamRecipe]
    people: tuple[PersonRecipe, ...]
    initiatives: tuple[InitiativeRecipe, ...]
    profiles: dict[str, Answers]
    documents: dict[str, DocumentRecipe]
    words: Words

    def answers(self, initiative: InitiativeRecipe) -> Answers:
        """Answers of an initiative: those of its profile, and its own before them."""
        return {**self.profiles[initiative.profile], **initiative.answers}


class _Initiatives(Checked):
    initiatives: tuple[InitiativeRecipe, ...]


class _Profiles(Checked):
    profiles: dict[str, Answers]


class _Documents(Checked):
    documents: dict[str, DocumentRecipe]


def read_recipe(folder: Path = RECIPE_FOLDER) -> Recipe:
    """Read the files of the recipe.

    Raises
    ------
    BadInput
        A file is missing or wrong, with file and line.
    """
    organisation = read_part(folder / "organisation.yaml", _Organisation)
    return Recipe(
        name=organisation.name,
        teams={team.name: team for team in organisation.teams},
        people=organisation.people,
        initiatives=read_part(folder / "initiatives.yaml", _Initiatives).initiatives,
        profiles=read_part(folder / "profiles.yaml", _Profiles).profiles,
        documents=read_part(folder / "evidence.yaml", _Documents).documents,
        words=read_part(folder / "words.yaml", Words),
    )


def read_part(path: Path, model: type[M]) -> M:
    """Read one file of the recipe.

    Raises
    ------
    BadInput
        It is missing or wrong, with file and line.
    """
    return read_model(parse_lines(read_text(path, str(path)), str(path)), model)
