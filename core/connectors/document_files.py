"""Documents as files: HTML that stands on its own, and Markdown; whatever people typed stays text."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import datetime
from functools import cache
from pathlib import Path

from core.domain.models.model_card import KINDS, Document, Facts, Missing, Note, Part, Section, Table, Words

_STYLES = Path(__file__).with_name("document.css")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_NOT_RECORDED = "Not recorded"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~<>$!^&])")
_LEADING = re.compile(r"^(\d{0,9})([-+=.)])")
_LINKED = re.compile(r"(?i)(https?|ftp|mailto|www)")
_JOINER = "\u2060"
ENDINGS = {"html": "html", "md": "md"}
TYPES = {"html": "text/html", "md": "text/markdown"}


def render(document: Document, form: str) -> str:
    """The document in a form: `html` or `md`."""
    return document_html(document) if form == "html" else document_markdown(document)


def file_name(document: Document, form: str) -> str:
    """A name for the file that says what it is and as of when."""
    version = f"-v{document.version}" if document.version else ""
    kind = document.kind if document.kind == "technical" else "model-card"
    return f"{document.initiative}{version}-{kind}-{document.at:%Y-%m-%d}.{ENDINGS[form]}"


def document_html(document: Document) -> str:
    """The document as one HTML file: no script, nothing fetched, readable on light, dark and paper."""
    contents = "".join(
        f'<li><a href="#{section.definition.id}">{_safe(section.definition.title)}</a></li>'
        for section in document.sections
    )
    body = "".join(_section_html(section) for section in document.sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_safe(document.title)}</title><style>{_style()}</style></head><body><main>"
        f"<h1>{_safe(document.title)}</h1>"
        f'<p class="quiet">{_safe(_headline(document))}</p>'
        f"<p>{_safe(_missing_line(document))}</p>"
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>{body}</main></body></html>\n'
    )


def document_markdown(document: Document) -> str:
    """The document as Markdown (with tables as GitHub has them); typed text cannot become markup."""
    lines = [f"# {_marked(document.title)}", "", _marked(_headline(document)), ""]
    lines += [_marked(_missing_line(document)), ""]
    for section in document.sections:
        lines += [f"## {_marked(section.definition.title)}", "", f"_{_marked(section.definition.tells)}_", ""]
        for part in section.parts:
            lines += [*_part_lines(part), ""]
        if section.note is not None:
            lines += [f"> **{_marked(_by(section.note))}**", ">"]
            lines += [f"> {_marked(line)}".rstrip() for line in section.note.text.split("\n")] + [""]
    return "\n".join(lines).rstrip() + "\n"


@cache
def _style() -> str:
    return _STYLES.read_text(encoding="utf-8")


def _headline(document: Document) -> str:
    version = f"Version {document.version}" if document.version else "No current version"
    entry = f"record entry {document.seq:,}"
    return f"{document.initiative}. {version}. As of {_minute(document.at)}, {entry}. Made from the record."


def _missing_line(document: Document) -> str:
    if not document.missing:
        return "Nothing that belongs here is missing from the record."
    things = "thing is" if document.missing == 1 else "things are"
    return f"{document.missing} {things} missing from the record; each is marked where it belongs."


def _by(note: Note) -> str:
    again = f", wording {note.wordings}" if note.wordings > 1 else ""
    return f"Added by {note.author}, {_minute(note.at)}{again}"


def _minute(at: datetime) -> str:
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _section_html(section: Section) -> str:
    parts = "".join(_part_html(part) for part in section.parts)
    return (
        f'<section><h2 id="{section.definition.id}">{_safe(section.definition.title)}</h2>'
        f'<p class="quiet">{_safe(section.definition.tells)}</p>{parts}{_note_html(section.note)}</section>'
    )


def _part_html(part: Part) -> str:
    match part:
        case Words():
            return f"<p>{_safe(part.text)}</p>"
        case Facts():
            gone = f'<span class="gone">{_NOT_RECORDED}</span>'
            items = "".join(
                f"<div><dt>{_safe(label)}</dt><dd>{_safe(value) if value else gone}</dd></div>"
                for label, value in part.items
            )
            return f"<dl>{items}</dl>"
        case Table():
            head = "".join(f'<th scope="col">{_safe(heading)}</th>' for heading in part.headings)
            rows = "".join(
                "<tr>" + "".join(f"<td>{_safe(cell) or '–'}</td>" for cell in row) + "</tr>"
                for row in part.rows
            )
            return (
                f'<div class="box"><table><caption>{_safe(part.caption)}</caption>'
                f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
            )
        case Missing():
            return f'<p class="missing"><b>Missing: {_safe(part.what)}.</b> {_safe(part.remedy)}</p>'


def _note_html(note: Note | None) -> str:
    if note is None:
        return ""
    paragraphs = "".join(f"<p>{_broken(text)}</p>" for text in re.split(r"\n{2,}", note.text))
    return f'<div class="note"><div class="by">{_safe(_by(note))}</div>{paragraphs}</div>'


def _broken(text: str) -> str:
    return "<br>".join(_safe(line) for line in text.split("\n"))


def _part_lines(part: Part) -> list[str]:
    match part:
        case Words():
            return [_marked(part.text)]
        case Facts():
            return [
                f"- **{_marked(label)}:** {_marked(value or _NOT_RECORDED)}" for label, value in part.items
            ]
        case Table():
            head = "| " + " | ".join(_marked(heading) for heading in part.headings) + " |"
            rule = "|" + " --- |" * len(part.headings)
            rows = ["| " + " | ".join(_marked(cell) or "–" for cell in row) + " |" for row in part.rows]
            return [f"{_marked(part.caption)}:", "", head, rule, *rows]
        case Missing():
            return [f"> **Missing: {_marked(part.what)}.** {_marked(part.remedy)}"]


def plain(text: str) -> str:
    """One line of visible text: no control characters, no marks that turn the direction of writing."""
    spaced = "".join(" " if char.isspace() else char for char in text)
    kept = (char for char in spaced if unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))
    return " ".join("".join(kept).split())


def _safe(text: str) -> str:
    return html.escape(plain(text), quote=True)


def _marked(text: str) -> str:
    r"""A text that Markdown shows as it is: marks escaped, addresses not made into links.

    Examples
    --------
    >>> _marked("[x](http://y) <b>")
    '\\[x\\](h\u2060ttp://y) \\<b\\>'
    """
    broken = _LINKED.sub(lambda match: match[0][0] + _JOINER + match[0][1:], plain(text))
    return _LEADING.sub(r"\1\\\2", _MARKDOWN.sub(r"\\\1", broken))


def kind_title(kind: str) -> str:
    """A kind of document in words, or the kind itself where there is none."""
    return next((title for known, title in KINDS.items() if known == kind), kind)
