"""Writing documents as HTML and Markdown, and an audit pack: pages, manifest, signature, or a zip."""

from __future__ import annotations

import hashlib
import html
import re
import shutil
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Any, Literal

from core.connectors import pack_verifier
from core.connectors.settings import SigningKey
from core.domain.chain import canonical
from core.domain.errors import BadInput
from core.domain.models.model_card import KINDS, Document, Facts, Missing, Note, Part, Section, Words
from core.domain.models.model_card import Table as CardTable

_STYLES = Path(__file__).with_name("document.css")
_DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
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
        case CardTable():
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
        case CardTable():
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


Kind = Literal["good", "bad", "plain"]
_SHORT = 18
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = Path(__file__).with_name("pack.css")


@dataclass(frozen=True)
class Link:
    """Words that lead to another file of the pack."""

    text: str
    href: str


@dataclass(frozen=True)
class Mark:
    """A word with a sign: a tick, a cross or a dot, so that it says the same without colour."""

    text: str
    kind: Kind


@dataclass(frozen=True)
class Code:
    """A digest or an id, in letters of one width."""

    text: str


Cell = str | Link | Mark | Code


@dataclass(frozen=True)
class Table:
    """A titled table; `note` stands under the title, `wide` lists columns that take the room."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Page:
    """A page: where it stands, what it is about, the main facts, and the tables."""

    title: str
    over: str
    lead: str
    facts: tuple[tuple[str, Cell], ...]
    tables: tuple[Table, ...]
    foot: str


def page_html(page: Page) -> bytes:
    """Draw a page."""
    contents = "".join(
        f'<li><a href="#part-{n}">{escape(table.title)}</a> <small>{len(table.rows):,}</small></li>'
        for n, table in enumerate(page.tables)
    )
    facts = "".join(
        f"<div><dt>{escape(label)}</dt><dd>{_cell(cell)}</dd></div>" for label, cell in page.facts
    )
    parts = "".join(_table(n, table) for n, table in enumerate(page.tables))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(page.title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head><body>"
        f'<header><p class="over">{escape(page.over)}</p><h1>{escape(page.title)}</h1>'
        f'<p class="lead">{escape(page.lead)}</p></header>'
        f'<dl class="facts">{facts}</dl><nav aria-label="Contents"><ul>{contents}</ul></nav>'
        f"<main>{parts}</main><footer><p>{escape(page.foot)}</p></footer></body></html>\n"
    ).encode()


def _table(place: int, table: Table) -> str:
    note = f'<p class="note">{escape(table.note)}</p>' if table.note else ""
    opened = f'<section id="part-{place}"><h2>{escape(table.title)}</h2>{note}'
    if not table.rows:
        return f'{opened}<p class="none">None.</p></section>'
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in table.columns)
    lines = "".join(f"<tr>{''.join(map(_data, row))}</tr>" for row in table.rows)
    return (
        f'{opened}<div class="scroll">'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div></section>"
    )


def _data(cell: Cell) -> str:
    """A cell of a table; what is short stays on one line."""
    words = cell if isinstance(cell, str) else cell.text
    return f"<td{' class=short' if len(words) <= _SHORT else ''}>{_cell(cell)}</td>"


def _cell(cell: Cell) -> str:
    match cell:
        case Link():
            return f'<a href="{escape(cell.href, quote=True)}">{escape(cell.text)}</a>'
        case Mark():
            return f'<span class="mark {cell.kind}">{escape(cell.text)}</span>'
        case Code():
            return f"<code>{escape(cell.text)}</code>"
    return escape(cell)


def columns_of(rows: Sequence[dict[str, Cell]]) -> tuple[str, ...]:
    """Labels of all rows, in the order in which they come up first."""
    return tuple(dict.fromkeys(label for row in rows for label in row))


VERIFIER = "verify.py"
MOST_ZIP_BYTES = 4 * 1000**3
_START = """

# What follows runs when this file is started. The second check does not lean on the first, so that a change
# to this very file shows too.
said = [
    started(sys.argv[1:], Path(__file__).resolve().parent)
]
own = [
    own_digest(Path(__file__).resolve())
]
if [*said, *own] != ["verified", "unchanged"]:
    raise SystemExit("WRONG this file does not do what it should.")
"""


def verifier_program() -> bytes:
    """The verifier as a file that runs by itself."""
    source = Path(pack_verifier.__file__).read_text(encoding="utf-8")
    return (source.rstrip("\n") + "\n" + _START).encode("utf-8")


def write_pack(
    folder: Path, files: Mapping[str, bytes | Path], facts: Mapping[str, Any], key: SigningKey
) -> tuple[str, int]:
    """Write a pack into a new folder and sign it.

    Parameters
    ----------
    folder
        Where to; it must not be there yet.
    files
        Name in the pack -> its content, or a file to copy.
    facts
        What the manifest says beside the digests of the files.

    Returns
    -------
    tuple
        Sha256 of the manifest, and the bytes of all files.
    """
    folder.mkdir(parents=True)
    listed: dict[str, dict[str, Any]] = {}
    for name, content in {**files, VERIFIER: verifier_program()}.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_bytes(content)
        with target.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        listed[name] = {"sha256": sha256, "bytes": target.stat().st_size}
    manifest = canonical({**facts, "files": listed}).encode("utf-8")
    signature = key.sign(pack_verifier.SIGNED_MANIFEST + manifest)
    (folder / pack_verifier.MANIFEST).write_bytes(manifest)
    (folder / pack_verifier.SIGNATURE).write_text(f"ed25519 {key.public} {signature}\n", encoding="ascii")
    size = sum(item.stat().st_size for item in folder.rglob("*") if item.is_file())
    return hashlib.sha256(manifest).hexdigest(), size


def zip_pack(folder: Path, target: Path) -> None:
    """Write a pack's folder as one zip file, in which every byte counts."""
    names = sorted(item.relative_to(folder).as_posix() for item in folder.rglob("*") if item.is_file())
    if sum((folder / name).stat().st_size for name in names) > MOST_ZIP_BYTES:
        raise BadInput("the pack is too large for a zip file", remedy="Take it as a folder.")
    with target.open("xb") as file:
        for part in pack_verifier.zip_parts(folder.name, _contents(folder, names)):
            file.write(part)


def check_pack(path: Path, key: str = "") -> list[str]:
    """Verify a pack, in a folder or zip file, with the verifier that every pack carries.

    Raises
    ------
    pack_verifier.Wrong
        The first thing that is wrong.
    """
    try:
        return pack_verifier.verify_pack(path, key)
    except pack_verifier.Wrong:
        raise
    except Exception as error:
        raise pack_verifier.Wrong(f"the pack cannot be read ({type(error).__name__})") from error


def _contents(folder: Path, names: list[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        yield name, (folder / name).read_bytes()
