"""Model versions on screen: the registry, the versions of one model, and the ladder of reproducibility."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.domain.facts.recorded import values_of
from core.domain.models.model_versions import GRADES
from portal.components.cards import Card, cards
from portal.components.page import panel
from portal.components.pills import pill_html, shape_html
from portal.components.tables import Column, live_table, plain_table
from portal.components.text import count, day, escape_html

if TYPE_CHECKING:
    from core.services.models.version_comparison import VersionFace
    from core.services.models.version_registry import RegistryLine

REGISTRY = [
    Column("name", "Model", strong=True, width=215),
    Column("version", "Version", width=72),
    Column("state", "State", "status", width=120),
    Column("team", "Team", phone=False, width=150),
    Column("grade_state", "Reproducibility", "status", phone=False, width=178),
    Column("algorithm", "Algorithm", phone=False, width=160),
    Column("predictions", "Predictions", "number", phone=False, width=98),
    Column("recorded_at", "Registered", "day", phone=False, width=104),
]
OWN = [
    Column("version", "Version", strong=True),
    Column("state", "State", "status"),
    Column("grade_state", "Reproducibility", "status"),
    Column("algorithm", "Algorithm", phone=False),
    Column("predictions", "Predictions", "number", phone=False),
    Column("registered", "Registered", phone=False),
    Column("approved", "Approved", phone=False),
    Column("notes", "Notes", phone=False),
]


def registry_cards(rows: Sequence[RegistryLine]) -> None:
    """Count the current versions by how well they can be made again, and the challengers."""
    current = [row for row in rows if row.state == "champion"]
    challengers = sum(row.state == "challenger" for row in rows)
    items = [
        Card("Challengers", str(challengers), note="Beside a current version, until promoted or retired.")
    ]
    for rung in (3, 2, 1, 0):
        amount = sum(row.grade == rung for row in current)
        status = {3: "grade_3", 2: "grade_2", 1: "grade_1", 0: "grade_0"}[rung]
        items.append(
            Card(GRADES[rung], str(amount), status=status, note=f"Of {len(current)} current versions.")
        )
    cards(items, min_column_width=190)


def registry_table(rows: Sequence[RegistryLine]) -> RegistryLine | None:
    """Show champions and challengers; give the line that is clicked."""
    return live_table(
        rows,
        REGISTRY,
        key="registry",
        select=True,
        download="model-registry",
        height=600,
        alt="Current versions and challengers of all models with state and reproducibility",
    )


def own_versions(faces: Sequence[VersionFace]) -> None:
    """Show the versions of one model, newest first."""
    rows = [
        {
            **values_of(face.version),
            "grade_state": f"grade_{face.grade.rung}",
            "predictions": face.predictions,
            "registered": f"{day(face.version.recorded_at)} by {face.version.actor_name}",
            "approved": f"{day(face.approval.recorded_at)}, frozen" if face.approval else "",
        }
        for face in faces
    ]
    challengers = sum(face.version.state == "challenger" for face in faces)
    caption = f"{count(len(faces), 'version')}, newest first"
    caption += f"; {count(challengers, 'challenger')} waiting." if challengers else "."
    with panel("Versions", caption):
        plain_table(rows, OWN, caption="Versions with state and reproducibility", download="versions")


def ladder_panel(faces: Sequence[VersionFace]) -> None:
    """Show for each version what of the ladder is recorded and what is not."""
    rule = "Graded by what is recorded: an address without a digest proves nothing."
    with panel("Reproducibility", rule):
        body = "".join(_ladder_html(face) for face in faces)
        st.html(f'<div class="gp-ladders">{body}</div>')


def _ladder_html(face: VersionFace) -> str:
    rungs = "".join(
        f'<li class="{"gp-rung-on" if rung <= face.grade.rung else ""}">'
        f'<div class="gp-rung-title">{rung}. {escape_html(GRADES[rung])}</div>'
        + "".join(
            f"<div>{_mark(need.found)}{escape_html(need.words)}</div>"
            for need in face.grade.needs
            if need.rung == rung
        )
        + "</li>"
        for rung in (1, 2, 3)
    )
    head = f"Version {escape_html(face.version.version)} {pill_html(f'grade_{face.grade.rung}')}"
    return f'<div class="gp-ladder"><h3>{head}</h3><ol>{rungs}</ol></div>'


def _mark(found: bool) -> str:
    shape, tone, said = ("circle", "good", "recorded") if found else ("ring", "bad", "missing")
    mark = shape_html(shape).replace("gp-shape", f"gp-shape gp-{tone}-ink", 1)  # type: ignore[arg-type]
    return f'<span role="img" aria-label="{said}">{mark}</span> '
