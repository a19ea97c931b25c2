"""Lower parts of an initiative's sheet: model versions, evidence, checks, and its part of the record."""

from __future__ import annotations

import html
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from core.analytics.decay.metrics import DECAY_METRICS
from core.analytics.slices.metrics import SLICE_METRICS
from core.domain.errors import NotFound
from core.domain.facts.recorded import values_of
from core.domain.given import shown_address
from core.domain.models.model_versions import STATES, Version
from core.domain.policy.checks import CHECKS, LEARNED_MODEL, PARTS
from core.ground import in_words
from core.services.process import evidence
from core.services.process.evidence import evidence_file
from core.services.record.entries import record_page
from core.services.work.routing import (
    MarkCommentsRead,
    WriteComment,
    comments_on,
    mark_comments_read,
    names_of,
    write_comment,
)
from portal.components.cards import Card, cards, facts
from portal.components.forms import Ask, closed_because, give, press
from portal.components.initiative.sections import TASKS, run_checks_button, version_form
from portal.components.page import dress, empty_state, page_link, panel, section
from portal.components.pills import pill_html
from portal.components.tables import Column, plain_table
from portal.components.text import count, day, escape, escape_html, humanise, minute, number, plain, sentence

if TYPE_CHECKING:
    from core.domain.policy.checks import Kind
    from core.domain.process.alcoa import LetterGrade
    from core.domain.process.facts import CheckLine, EvidenceLine
    from core.services.process.evidence import AlcoaSheet, GradedEvidence
    from core.services.process.initiatives import InitiativeSheet
    from core.services.work.routing import Comment
    from portal.components.desk import Desk


LATEST = 12


def discussion(desk: Desk, initiative: str, *, key: str = "", latest: int = LATEST) -> None:
    """Draw the newest comments on an initiative, oldest first, and let people answer and name others."""
    dress("work")
    try:
        comments = desk.ask(comments_on, initiative=initiative)
    except NotFound:
        return
    if not comments:
        st.caption("Nobody has written a comment yet.")
    if len(comments) > latest:
        st.caption(f"The latest {latest} of {len(comments)} comments.")
    if comments:
        thread = "".join(_comment_html(desk, comment) for comment in comments[-latest:])
        st.html(f'<ul class="gp-thread">{thread}</ul>')
    because = closed_because(desk, "write_comment")
    if because:
        st.caption(escape(because))
        return
    _form(desk, initiative, key or initiative)


def _form(desk: Desk, initiative: str, key: str) -> None:
    names = desk.ask(names_of)
    with st.form(f"comment-{key}", border=False, clear_on_submit=True):
        text = st.text_area(
            "Write a comment",
            max_chars=2000,
            height=84,
            placeholder="Name people with @id, or below.",
        )
        named = st.multiselect(
            "Who has to read it",
            [person for person in names if person != desk.actor.id],
            format_func=lambda person: names[person],
            placeholder="Nobody in particular",
        )
        sent = st.form_submit_button("Comment", icon=":material/send:")
    if sent:
        said = " ".join([*(f"@{person}" for person in named if f"@{person}" not in text), text])
        done = "Your comment is on record."
        if give(desk, write_comment, WriteComment, done=done, initiative=initiative, text=said):
            st.rerun()


def mark_read_button(desk: Desk, initiative: str) -> None:
    """Offer to say that the comments that name the reader were read."""
    fixed = {"initiative": initiative}
    ask = Ask("Mark as read", "The comments count as read.", icon=":material/done_all:", fixed=fixed)
    press(desk, mark_comments_read, MarkCommentsRead, ask, key="mark-read")


def _comment_html(desk: Desk, comment: Comment) -> str:
    mine = ' class="gp-mine"' if desk.actor.id in comment.mentions else ""
    return (
        f"<li{mine}><b>{escape_html(comment.actor_name)}</b> "
        f'<span class="gp-quiet-line">{escape_html(minute(comment.at))}</span><br>'
        f"{marked_html(comment.text, dict(zip(comment.mentions, comment.names, strict=True)))}</li>"
    )


def marked_html(text: str, names: dict[str, str]) -> str:
    """Escape a comment, and put the names of those it mentions in place of their ids."""
    if not names:
        return escape_html(text)
    longest_first = sorted(names, key=len, reverse=True)
    known = {person.lower(): name for person, name in names.items()}
    pattern = rf"@({'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9\-])"
    parts = re.split(pattern, plain(text), flags=re.IGNORECASE)
    # re.split puts what was named at the odd places.
    return "".join(
        f'<span class="gp-at">@{escape_html(known[part.lower()])}</span>' if place % 2 else html.escape(part)
        for place, part in enumerate(parts)
    )


def discussion_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the comments on the initiative of a sheet."""
    with panel("Discussion", "Whoever is named finds it under My work until they have read it or answered."):
        discussion(desk, sheet.initiative.initiative, key="sheet", latest=30)


_MOST = 60
_LESS = ("partly", "not", "cannot_tell")


def alcoa_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw how far the evidence is attributable, legible, contemporaneous, original and accurate."""
    dress("rules")
    found = desk.ask(evidence.alcoa_sheet, initiative=sheet.initiative.initiative)
    if not found.evidence:
        return  # the list of evidence above says that there is none
    section("How well the evidence is kept", "ALCOA: pieces that count now and have each letter in full.")
    _letters(found)
    now = [one for one in found.evidence if one.counts]
    before = [one for one in found.evidence if not one.counts]
    caption = (
        f"{count(len(now), 'piece')} that {'counts' if len(now) == 1 else 'count'} now, newest first. "
        "Graded from the record alone; grey says what a grade cannot see."
    )
    with panel("Grades of each piece", caption):
        st.html("".join(_piece_html(one) for one in now[:_MOST]))
    if before:
        with st.expander(f"{count(len(before), 'piece')} of older versions, which no longer count"):
            st.html("".join(_piece_html(one) for one in before[:_MOST]))


def _letters(found: AlcoaSheet) -> None:
    """One card a letter: how many pieces that count have it in full."""
    shown = []
    for letter, grades in found.by_letter.items():
        counts = {grade.value: number for grade, number in grades.items()}
        rest = [f"{counts[grade]} {grade.replace('_', ' ')}" for grade in _LESS if counts[grade]]
        note = ", ".join(rest) or "every piece, in full"
        shown.append(Card(letter.capitalize(), f"{counts['full']} of {sum(counts.values())}", note=note))
    cards(shown, min_column_width=150)


def _piece_html(one: GradedEvidence) -> str:
    bound = f", version {one.version}" if one.version else ""
    lapsed = "; it no longer counts, as a newer version is current" if not one.counts else ""
    said = f"{one.measure}{bound}{lapsed}. {minute(one.recorded_at)} by {one.actor_name}, entry {one.seq:,}."
    grades = "".join(_grade_html(grade) for grade in one.grades)
    return (
        f'<div class="gp-piece"><div class="gp-piece-title">{escape_html(one.title)}</div>'
        f'<div class="gp-piece-line">{escape_html(said)}</div><div class="gp-grades">{grades}</div></div>'
    )


def _grade_html(grade: LetterGrade) -> str:
    return (
        f'<div class="gp-grade"><div class="gp-grade-head"><span>{grade.letter.capitalize()}</span>'
        f"{pill_html(grade.grade.value)}</div><p>{escape_html(sentence(grade.reason))}</p>"
        f'<p class="gp-blind">Cannot see {escape_html(grade.blind)}.</p></div>'
    )


MOST_LINES = 100


def _check_title(run: CheckLine) -> str:
    known = CHECKS.get(run.check_id)
    return known.title if known else humanise(run.check_id)


def _seen(run: CheckLine) -> str:
    remedy = f" {run.remedy}" if run.remedy else ""
    return sentence(run.message) + remedy


_CHECKS = [
    Column(_check_title, "Check", strong=True),
    Column("verdict", "Verdict", "status"),
    Column(lambda run: "First" if run.first_try else "Again", "Try", phone=False),
    Column("version", "Version", phone=False),
    Column(_seen, "What was seen"),
    Column("recorded_at", "When", "minute", phone=False),
    Column("actor_name", "By", phone=False),
]
_ENTRIES = [
    Column("seq", "Entry", "number", phone=False),
    Column("recorded_at", "When", "minute"),
    Column("what", "What", strong=True),
    Column("about", "About", phone=False),
    Column("actor_name", "Who"),
]


def versions_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the model versions, newest first, and the form for the next one."""
    if not sheet.versions:
        empty_state("No model version is registered yet.", icon=":material/deployed_code:")
    because = closed_because(desk, "register_model_version", sheet.initiative.initiative)
    if because:
        st.caption(escape(because))
    else:
        with st.expander("Register a model version", icon=":material/add:"):
            version_form(desk, sheet)
    if sheet.versions:
        known = {"id": sheet.initiative.initiative}
        with st.container(horizontal=True):
            page_link(
                "versions", "Compare, put into production or retire", icon=":material/difference:", **known
            )
            page_link("documents", "Model card", icon=":material/article:", **known)
    for place, one in enumerate(sheet.versions):
        state = STATES[one.state].lower() + (", the current one" if one.current else "")
        made = f"{one.algorithm}. {TASKS[one.task]}." if one.task else f"{one.algorithm}."
        by = f"Registered {minute(one.recorded_at)} by {one.actor_name}."
        with panel(f"Version {one.version}, {state}", f"{made} {by}", key=f"version-{place}"):
            _version(sheet, one)


def _version(sheet: InitiativeSheet, one: Version) -> None:
    if one.notes:
        st.markdown(escape(one.notes))
    if one.metrics:
        facts([(_metric_title(name), number(value, 4)) for name, value in one.metrics.items()])
    kind = sheet.policy.kind(sheet.initiative.kind)
    made = _learned_html(one) if kind.made_of == LEARNED_MODEL.made_of else _parts_html(kind, one)
    st.html(f'<dl class="gp-facts">{made}</dl>')
    batches = [batch for batch in sheet.batches if batch.version == one.version]
    if batches:
        made = count(sum(batch.rows for batch in batches), "prediction")
        sensitive = ", ".join(humanise(name) for name in batches[-1].sensitive)
        named = f"; sensitive features: {sensitive}" if sensitive else ""
        st.caption(escape(f"{made} in {count(len(batches), 'batch', 'batches')}{named}."))
        known = {"id": sheet.initiative.initiative, "version": one.version}
        with st.container(horizontal=True):
            page_link("slices", "Bias slices", icon=":material/balance:", **known)
            page_link("decay", "Decay", icon=":material/trending_down:", **known)


def _learned_html(one: Version) -> str:
    return (
        _link_html("Model", one.artifact_uri, "sha256", one.artifact_sha256)
        + _link_html("Training data", one.data_uri, "sha256", one.data_sha256)
        + _link_html("Code", one.code_uri, "commit", one.code_commit)
        + _link_html("Environment", "", "sha256", one.environment_sha256)
    )


def _parts_html(kind: Kind, one: Version) -> str:
    """What a version is made of, part by part; what it need not have only where it is recorded."""
    known, lines = values_of(one), []
    for name in kind.parts:
        part = PARTS[name]
        said = ", ".join(str(known[field]) for field in part.locked_by if known[field])
        address = next((str(known[field]) for field in part.beside if field.endswith("_uri")), "")
        if said or address or name in kind.made_of:
            digest = "sha256" if part.locked_by[0].endswith("sha256") else ""
            lines.append(_link_html(in_words(name).capitalize(), address, digest, said))
    return "".join(lines)


def _metric_title(name: str) -> str:
    known = DECAY_METRICS.get(name) or SLICE_METRICS.get(name)
    return known.title if known else humanise(name)


def _link_html(label: str, link: str | None, kind: str, digest: str | None) -> str:
    address = shown_address(link)
    parts = [f'<span class="gp-code">{escape_html(address)}</span>'] if address else []
    if digest:
        code = f'<span class="gp-code">{escape_html(digest)}</span>'
        parts.append(f'<span class="gp-quiet-line">{kind}</span> {code}')
    return f"<div><dt>{label}</dt><dd>{'<br/>'.join(parts) or 'Not recorded'}</dd></div>"


def evidence_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the evidence, newest first; files can be taken away, links are text."""
    if not sheet.evidence:
        empty_state("No evidence has been submitted yet.", icon=":material/attach_file:")
        return
    st.caption("Links are shown as text, as they lead outside. Files are kept by their digest.")
    with panel("Evidence", f"{count(len(sheet.evidence), 'piece')}, newest first."):
        for line in sheet.evidence[:MOST_LINES]:
            words, button = st.columns([5, 1.3], vertical_alignment="center")
            words.html(_evidence_html(sheet, line))
            if line.sha256:
                with button, st.container(horizontal_alignment="right"):
                    _file_button(desk, line, line.sha256)


def _evidence_html(sheet: InitiativeSheet, line: EvidenceLine) -> str:
    measure = sheet.policy.measures.get(line.measure)
    of = measure.title if measure else humanise(line.measure)
    stale = line.version not in (None, sheet.facts.version)
    bound = "" if line.version is None else f", for version {line.version}"
    lapsed = "; it does not count, as another version is current" if stale else ""
    of_day = f" Stands for {day(line.stands_for)}." if line.stands_for else ""
    said = f"{of}{bound}{lapsed}.{of_day} {minute(line.recorded_at)} by {line.actor_name}."
    source = shown_address(line.link)
    if line.sha256:
        source = f"{line.file_name}, {_size(line.bytes)}, sha256 {line.sha256}"
    return (
        f'<div class="gp-ask"><div class="gp-ask-title">{escape_html(line.title)}</div>'
        f'<div class="gp-quiet-line">{escape_html(said)}</div>'
        f'<div class="gp-code">{escape_html(source)}</div></div>'
    )


def _size(size: int | None) -> str:
    return f"{(size or 0) / 1024:,.0f} KiB" if (size or 0) >= 1024 else count(size or 0, "byte")


def _file_button(desk: Desk, line: EvidenceLine, sha256: str) -> None:
    """Offer the file as it was submitted, never to be opened inside the page."""
    st.download_button(
        "Download",
        data=lambda: evidence_file(desk.governance, desk.moment, initiative=line.initiative, sha256=sha256),
        file_name=safe_file_name(line.file_name),
        mime="application/octet-stream",
        icon=":material/download:",
        on_click="ignore",
        key=f"evidence-file-{line.seq}",
    )


def safe_file_name(name: str | None) -> str:
    """Keep the last part of a file's name, with only characters that no system reads as something else.

    Examples
    --------
    >>> safe_file_name("../../etc/pass wd.html")
    'pass_wd.html'
    """
    last = PurePosixPath((name or "").replace("\\", "/")).name
    kept = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in last)
    return kept.strip("._") or "evidence"


def checks_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the latest run of each check, and all runs with the mark of the first try."""
    run_checks_button(desk, sheet, key="checks-below")
    if not sheet.check_runs:
        empty_state("No check has run yet.", icon=":material/rule:")
        return
    first = [run for run in sheet.check_runs if run.first_try]
    passed = sum(run.verdict == "pass" for run in first)
    caption = f"{passed} of {len(first)} first tries passed. Newest first, at most {MOST_LINES}."
    with panel("Check runs", caption):
        plain_table(sheet.check_runs[:MOST_LINES], _CHECKS, caption="Check runs, newest first")


def record_tab(desk: Desk, sheet: InitiativeSheet) -> None:
    """Draw the initiative's part of the record."""
    initiative = sheet.initiative.initiative
    rows = desk.ask(record_page, initiative=initiative, most=MOST_LINES)
    since = day(sheet.initiative.registered_at)
    with panel("Record", f"What was done since {since}, newest first, at most {MOST_LINES}."):
        plain_table(rows, _ENTRIES, caption="Entries of the record, newest first")
        page_link("record", "Open in the record", icon=":material/history:", initiative=initiative)
