"""Status pills: every status has one text, one colour and one shape, so colour never speaks alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import streamlit as st

from portal.components.text import escape_html, humanise

Tone = Literal["good", "bad", "watch", "info", "quiet"]
Shape = Literal["circle", "triangle", "diamond", "square", "half", "ring", "dash"]


@dataclass(frozen=True)
class Look:
    """How one status is shown."""

    text: str
    tone: Tone
    shape: Shape


LOOKS: dict[str, Look] = {
    # verdicts of checks and of statistics
    "pass": Look("Pass", "good", "circle"),
    "fail": Look("Fail", "bad", "triangle"),
    "cannot_tell": Look("Cannot tell", "watch", "diamond"),
    # requirements
    "met": Look("Met", "good", "circle"),
    "expiring": Look("Expiring", "watch", "half"),
    "expired": Look("Expired", "bad", "triangle"),
    "missing": Look("Missing", "bad", "ring"),
    "failed": Look("Failed", "bad", "triangle"),
    "not_asked": Look("Not asked", "quiet", "dash"),
    # decisions and gates
    "open": Look("Open", "good", "circle"),
    "blocked": Look("Blocked", "bad", "square"),
    "waiting": Look("Waiting", "info", "half"),
    "undecided": Look("Not decided yet", "quiet", "ring"),
    "approved": Look("Approved", "good", "circle"),
    "rejected": Look("Rejected", "bad", "triangle"),
    "waived": Look("Waived", "watch", "half"),
    # sign-offs, feedback, findings, waivers
    "not_started": Look("Not asked for yet", "quiet", "ring"),
    "waiting_for_feedback": Look("Waiting for feedback", "info", "half"),
    "waiting_for_approval": Look("Waiting for approval", "info", "half"),
    "abandoned": Look("Abandoned", "bad", "square"),
    "lapsed": Look("Lapsed", "bad", "triangle"),
    "drafted": Look("Waits for review", "info", "half"),
    "published": Look("Published", "good", "circle"),
    "proposed": Look("Waits for an answer", "info", "half"),
    "agreed": Look("Agreed", "good", "circle"),
    "declined": Look("Declined", "bad", "triangle"),
    "withdrawn": Look("Withdrawn", "quiet", "dash"),
    "requested": Look("Asked for", "info", "half"),
    "minor_issue": Look("Minor issue", "watch", "diamond"),
    "major_issue": Look("Major issue", "bad", "triangle"),
    "finding_blocker": Look("Blocker", "bad", "square"),
    "finding_major": Look("Major", "bad", "triangle"),
    "finding_minor": Look("Minor", "watch", "diamond"),
    "finding_open": Look("Open", "watch", "ring"),
    "finding_resolved": Look("Waits to be verified", "info", "half"),
    "finding_closed": Look("Closed", "good", "circle"),
    "waiver_requested": Look("Waits for a decision", "info", "half"),
    "waiver_granted": Look("Granted", "watch", "half"),
    "waiver_refused": Look("Refused", "bad", "triangle"),
    "waiver_withdrawn": Look("Withdrawn", "quiet", "dash"),
    # work
    "overdue": Look("Overdue", "bad", "triangle"),
    "due_soon": Look("Due soon", "watch", "half"),
    "on_time": Look("On time", "good", "circle"),
    "late": Look("Late", "bad", "triangle"),
    "done": Look("Done", "good", "circle"),
    "accepted": Look("Accepted", "good", "circle"),
    "returned": Look("Returned", "watch", "diamond"),
    "shared": Look("Nobody has it", "watch", "ring"),
    # trainings
    "current": Look("Current", "good", "circle"),
    "renewal_due": Look("Renewal due", "watch", "half"),
    "due": Look("Due", "info", "half"),
    "took_part": Look("Took part", "good", "circle"),
    "no_part": Look("Missing", "bad", "ring"),
    # figures
    "on_target": Look("On target", "good", "circle"),
    "off_target": Look("Off target", "bad", "triangle"),
    "near_target": Look("Near target", "watch", "diamond"),
    "no_target": Look("No target", "quiet", "dash"),
    "no_data": Look("No data yet", "quiet", "ring"),
    "achieved": Look("Achieved", "good", "circle"),
    "on_course": Look("On course", "good", "circle"),
    "behind": Look("Behind", "watch", "diamond"),
    "missed": Look("Missed", "bad", "triangle"),
    "alert": Look("Alert", "bad", "triangle"),
    "no_alert": Look("No alert", "good", "circle"),
    # model versions
    "registered": Look("Registered", "quiet", "dash"),
    "candidate": Look("Candidate", "info", "half"),
    "production": Look("In production", "good", "circle"),
    "challenger": Look("Challenger", "info", "half"),
    "shadow": Look("Shadow", "quiet", "half"),
    "ab_test": Look("A/B test", "info", "half"),
    "suspended": Look("Suspended", "bad", "square"),
    "superseded": Look("Superseded", "quiet", "ring"),
    "retired": Look("Retired", "quiet", "square"),
    "same": Look("Same", "good", "circle"),
    "different": Look("Different", "info", "half"),
    "one_missing": Look("One is missing", "watch", "diamond"),
    "both_missing": Look("Neither recorded", "quiet", "ring"),
    "better": Look("Better", "good", "circle"),
    "worse": Look("Worse", "bad", "triangle"),
    "grade_0": Look("0 of 3: nothing", "bad", "triangle"),
    "grade_1": Look("1 of 3: metrics only", "watch", "diamond"),
    "grade_2": Look("2 of 3: can be retrained", "info", "half"),
    "grade_3": Look("3 of 3: full snapshot", "good", "circle"),
    # data
    "bad_data": Look("Bad", "bad", "triangle"),
    "affected": Look("Bad data above", "watch", "diamond"),
    "sound": Look("Sound", "good", "circle"),
    # frameworks, clauses, rights and grades of evidence
    "in_force": Look("In force", "good", "circle"),
    "guidance": Look("Guidance", "info", "half"),
    "voluntary": Look("Voluntary", "info", "half"),
    "coming": Look("Coming", "watch", "half"),
    "gap": Look("Gap", "bad", "square"),
    "clause_open": Look("Open", "watch", "diamond"),
    "right_open": Look("Open", "bad", "ring"),
    "planned": Look("Planned", "watch", "half"),
    "settled": Look("Settled", "good", "circle"),
    "not_applicable": Look("Does not apply", "quiet", "dash"),
    "full": Look("Yes", "good", "circle"),
    "partly": Look("Partly", "watch", "half"),
    "not": Look("No", "bad", "triangle"),
    # risk classes
    "low": Look("Low", "quiet", "ring"),
    "moderate": Look("Moderate", "info", "half"),
    "high": Look("High", "watch", "diamond"),
    "very_high": Look("Very high", "bad", "triangle"),
}

GLYPHS: dict[Shape, str] = {
    "circle": "●",
    "triangle": "▲",
    "diamond": "◆",
    "square": "■",
    "half": "◐",
    "ring": "○",
    "dash": "–",
}
STREAMLIT_COLOURS: dict[Tone, str] = {
    "good": "green",
    "bad": "red",
    "watch": "orange",
    "info": "blue",
    "quiet": "gray",
}


def look_of(status: str) -> Look:
    """Find the look of a status; an unknown one is shown in words, without a colour."""
    return LOOKS.get(status, Look(humanise(status), "quiet", "dash"))


def shape_html(shape: Shape) -> str:
    """Draw a status shape in the colour of the text around it; CSS, as Streamlit lets no SVG through."""
    return f'<span class="gp-shape gp-{shape}" aria-hidden="true"></span>'


def pill_html(status: str, text: str = "") -> str:
    """Build one pill for use inside our own HTML; `text` replaces the fixed text when it says more."""
    look = look_of(status)
    words = escape_html(text or look.text)
    return f'<span class="gp-pill gp-{look.tone}">{shape_html(look.shape)}{words}</span>'


def share_met(met: int, of: int, what: str = "requirements met") -> tuple[str, str]:
    """A pill of how many of what is asked are met: green only where that is something, and all of it."""
    return ("met" if met == of > 0 else "not_asked" if not of else "clause_open"), f"{met} of {of} {what}"


def pill(status: str, text: str = "") -> None:
    """Show one status pill.

    Parameters
    ----------
    status
        A key of `LOOKS`: a verdict, a requirement status, a decision outcome, a risk class, ...
    text
        Words in place of the fixed ones, for example `Overdue by 4 days`.
    """
    st.html(pill_html(status, text), width="content")


def pills(items: list[tuple[str, str]]) -> None:
    """Show pills in one line; each item is (status, text), text may be empty."""
    st.html(f'<div class="gp-pills">{"".join(pill_html(status, text) for status, text in items)}</div>')
