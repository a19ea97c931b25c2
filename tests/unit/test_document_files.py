"""A document as HTML and as Markdown: everything stands in it, and nothing typed becomes markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.connectors.pack_files import document_html, document_markdown, file_name, plain
from core.domain.models.model_card import SECTIONS, Document, Facts, Missing, Note, Section, Table, Words

AT = datetime(2026, 3, 31, 12, 5, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script> [link](http://evil.example) | `code` **bold** ![i](//e)\u202e'


def made(text: str) -> Document:
    parts = (
        Words(text),
        Facts(((text, text), ("Owner", ""))),
        Table(text, (text,), ((text,), ("",))),
        Missing(text, text),
    )
    note = Note(text, AT, f"{text}\n\nsecond paragraph\nsecond line", 2)
    section = Section(SECTIONS[0], parts, note)
    return Document("card", "card-limits", text, "2", AT, 1234, "d" * 64, (section,))


class Tags(HTMLParser):
    """Collects what a browser would see: tags with their attributes, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


OURS = {tag for tag, _ in seen(document_html(made("words"))).tags}
"""The tags of a document whose texts are harmless."""


@pytest.mark.parametrize("text", [HOSTILE, "a\n# heading\n- list", "' onload='x", "</style><b>", "&lt;b&gt;"])
def test_typed_text_stays_text_in_html(text: str) -> None:
    found = seen(document_html(made(text)))
    assert {tag for tag, _ in found.tags} == OURS
    assert plain(text) in found.text
    assert "\u202e" not in found.text
    links = [attrs for tag, attrs in found.tags if tag == "a"]
    assert all((attrs["href"] or "").startswith("#") for attrs in links)


@given(st.text(max_size=60))
def test_no_text_at_all_adds_a_tag_or_attribute(text: str) -> None:
    found = seen(document_html(made(text)))
    assert {tag for tag, _ in found.tags} == OURS
    known = {"lang", "charset", "name", "content", "http-equiv", "href", "id", "class", "scope", "aria-label"}
    assert {name for _, attrs in found.tags for name in attrs} <= known


def shape(markdown: str) -> list[str]:
    """Kinds of the tokens that a Markdown reader sees, blocks and what stands in them; texts left out."""
    found: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        found.append(token.type)
        found += [child.type for child in token.children or () if child.type not in ("text", "text_special")]
    return found


@given(st.text(min_size=1, max_size=60).filter(lambda text: bool(plain(text)) and "\n" not in text))
def test_typed_text_stays_text_in_markdown(text: str) -> None:
    assert shape(document_markdown(made(text))) == shape(document_markdown(made("words")))


def test_hostile_text_stays_text_in_markdown() -> None:
    shown = MarkdownIt("commonmark").enable("table").render(document_markdown(made(HOSTILE)))
    assert "<script" not in shown and "href" not in shown and "<img" not in shown
    assert shape(document_markdown(made(HOSTILE))) == shape(document_markdown(made("words")))


def test_addresses_do_not_become_links_by_themselves() -> None:
    text = document_markdown(made("see https://evil.example and www.evil.example"))
    assert "https://" not in text.replace("\\", "") and "www.evil" not in text.replace("\\", "")


def test_html_stands_on_its_own_and_reads_on_light_dark_and_paper() -> None:
    text = document_html(made("words"))
    found = seen(text)
    assert {"script", "link", "img", "iframe"} & {tag for tag, _ in found.tags} == set()
    assert not re.search(r"url\(|@import|https?://", text)
    assert "default-src 'none'" in text
    for wanted in ("light-dark(", "@media print", 'lang="en"', "<th scope="):
        assert wanted in text


def test_what_is_missing_is_marked_and_counted_in_both() -> None:
    for text in (document_html(made("metrics")), document_markdown(made("metrics"))):
        assert "1 thing is missing from the record" in text.replace("\\", "")
        assert "Missing: metrics" in text.replace("\\", "")
        assert "Not recorded" in text


def test_notes_stand_with_author_and_day_beside_the_generated_text() -> None:
    document = made("words")
    html, markdown = document_html(document), document_markdown(document).replace("\\", "")
    for text in (seen(html).text, markdown):
        assert "Added by words, 31 Mar 2026, 12:05 UTC, wording 2" in text
        assert "second paragraph" in text
    assert "> second paragraph\n> second line" in markdown


def test_the_file_is_named_after_what_it_is() -> None:
    assert file_name(made("x"), "html") == "card-limits-v2-model-card-2026-03-31.html"
    assert file_name(made("x"), "md").endswith(".md")
