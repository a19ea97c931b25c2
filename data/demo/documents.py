"""The evidence that people hand in: a title, and a link to the wiki or a short document."""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime
from random import Random
from typing import Any

from core.domain.actors import Actor
from data.demo.plans import InitiativePlan, VersionPlan
from data.demo.recipe import Recipe

_WIKI = "https://wiki.larkfield.example"
_SHARE_OF_FILES = 0.45


def write_paper(
    recipe: Recipe,
    measure: str,
    plan: InitiativePlan,
    version: VersionPlan | None,
    author: Actor,
    at: datetime,
    metrics: dict[str, float],
) -> dict[str, str]:
    """Write the evidence for a measure; the same plan, measure and day give the same words."""
    label = version.label if version else ""
    rng = Random(f"{plan.key}/{label}/{measure}/{at:%Y%m%d}")
    words = _words(plan, label, author, at, metrics, rng)
    document = recipe.documents[measure]
    title = document.title.format(**words)
    stem = measure.replace("_", "-") + (f"-v{label}" if label else "")
    if rng.random() >= _SHARE_OF_FILES:
        return {"title": title, "link": f"{_WIKI}/{plan.key}/{stem}"}
    text = f"# {title}\n\n{plan.recipe.name}, {plan.recipe.team}, {at:%Y-%m-%d}\n\n"
    content = b64encode((text + document.text.format(**words)).encode()).decode()
    return {"title": title, "file_name": f"{stem}.md", "content_base64": content}


def _words(
    plan: InitiativePlan, label: str, author: Actor, at: datetime, metrics: dict[str, float], rng: Random
) -> dict[str, Any]:
    figures = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in metrics.items())
    groups = ", ".join(name.replace("_", " ") for name in plan.recipe.groups)
    return {
        "name": plan.recipe.name,
        "purpose": plan.recipe.purpose,
        "team": plan.recipe.team,
        "algorithm": plan.recipe.algorithm,
        "version": label,
        "owner": plan.crew.owner.name,
        "builder": plan.crew.builder.name,
        "author": author.name,
        "day": f"{at:%d %B %Y}",
        "figures": f"{figures}." if figures else "It follows rules and has no metric.",
        "sensitive": groups or "no group that a column shows",
        "columns": rng.randint(14, 60),
        "tests": rng.randint(40, 240),
    }
