"""Small pieces of our own HTML that the sheets share, and their styles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from portal.components.pills import shape_html
from portal.components.text import escape_html

if TYPE_CHECKING:
    from core.domain.process.gates import Finding


def findings_list(findings: Sequence[Finding]) -> None:
    """Show findings, blockers first, each with what to do next; colour never speaks alone."""
    ordered = sorted(findings, key=lambda finding: finding.severity != "blocker")
    body = "".join(_finding_html(finding) for finding in ordered)
    st.html(f'<ul class="gp-findings">{body}</ul>')


def _finding_html(finding: Finding) -> str:
    ink = "bad" if finding.severity == "blocker" else "watch"
    mark = shape_html("square" if finding.severity == "blocker" else "half").replace(
        "gp-shape", f"gp-shape gp-{ink}-ink", 1
    )
    said = "" if finding.severity == "blocker" else "Soon: "
    return (
        f"<li>{mark}{said}{escape_html(_sentence(finding.message))} "
        f'<span class="gp-quiet-line">{escape_html(finding.remedy)}</span></li>'
    )


def _sentence(words: str) -> str:
    start = words[:1].upper() + words[1:]
    return start if start.endswith((".", "!", "?")) else f"{start}."
