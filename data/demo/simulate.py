"""The simulation: a queue of timed acts, taken in true time order up to now."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from core.domain.policy.policy import Policy
from core.services.governance import Governance
from data.demo.agenda import Agenda
from data.demo.lineage import lineage_acts
from data.demo.people import People, people_acts
from data.demo.plans import InitiativePlan
from data.demo.recipe import Recipe
from data.demo.rules import rules_acts
from data.demo.shelf import Shelf
from data.demo.work import work_acts
from data.demo.workdays import Workdays
from data.demo.world import Act, World

Progress = Callable[[float, str], None]


@dataclass
class Queue:
    """Acts by working day; those planned first come first where the day is the same."""

    days: Workdays
    today: float = 0.0
    _waiting: list[tuple[float, int, Act]] = field(default_factory=list)
    _planned: int = 0

    def put(self, workday: float, act: Act) -> None:
        """Plan an act, unless its day has not come yet by now."""
        if self.days.moment(workday) <= self.days.now:
            self._planned += 1
            heapq.heappush(self._waiting, (workday, self._planned, act))

    def later(self, wait: float, act: Act) -> None:
        """Plan an act some working days after the one at work."""
        self.put(self.today + wait, act)

    def run(self, on_progress: Progress) -> None:
        """Let every act happen."""
        month, done = "", 0
        while self._waiting:
            self.today, _, act = heapq.heappop(self._waiting)
            at = self.days.moment(self.today)
            if f"{at:%B %Y}" != month:
                month = f"{at:%B %Y}"
                on_progress(done / (done + len(self._waiting) + 1), f"People at work: {month}.")
            act(at)
            done += 1


def simulate(
    governance: Governance,
    policy: Policy,
    recipe: Recipe,
    people: People,
    plans: Sequence[InitiativePlan],
    days: Workdays,
    shelf: Shelf,
    on_progress: Progress,
) -> None:
    """Let the people of the recipe work through the services until now."""
    queue = Queue(days)
    world = World(governance, recipe, people, shelf, queue.later)
    own = (Agenda(world, plan, policy, days).acts() for plan in plans)
    rest = (kind(world, plans, days) for kind in (work_acts, rules_acts, lineage_acts, people_acts))
    for workday, act in chain(*own, *rest):
        queue.put(workday, act)
    queue.run(on_progress)
