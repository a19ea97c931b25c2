"""Where tasks come from: each source reads the record at a moment and gives what is to be done then.

A new kind of task is one more function here, and its name in `core.domain.work.work.TaskKind`.
"""

from __future__ import annotations

from core.services.work.people_tasks import hand_off_tasks, mention_tasks, training_tasks
from core.services.work.process_tasks import finding_tasks, sign_off_tasks, waiver_tasks
from core.services.work.requirement_tasks import requirement_tasks
from core.services.work.task_reading import TaskSource

SOURCES: tuple[TaskSource, ...] = (
    requirement_tasks,
    sign_off_tasks,
    finding_tasks,
    waiver_tasks,
    hand_off_tasks,
    mention_tasks,
    training_tasks,
)
"""All sources, in no order that matters."""
