"""The HTML that every page starts from: Streamlit's own with our name, mark and font."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

# Without it, Streamlit first looks for its server under the page's own address: a console error per miss.
_ONE_BASE = "<script>window.__streamlit = {BACKEND_BASE_URL: window.location.origin}</script>"
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)
_ICON = re.compile(r'<link rel="shortcut icon"[^>]*>')
_FONT = re.compile(r'<link\s+rel="preload"[^>]*as="font"[^>]*>')
_OUR_FONT = (
    '<link rel="preload" href="./app/static/inter-latin.woff2" as="font" type="font/woff2" crossorigin>'
)


def start_page(shipped: str) -> str:
    """Put our name, mark and font into Streamlit's start page, so that nothing flashes while it loads.

    Parameters
    ----------
    shipped
        The HTML file that Streamlit ships.
    """
    page = shipped.replace("<head>", f"<head>\n    {_ONE_BASE}", 1)
    page = _TITLE.sub("<title>Governance portal</title>", page, count=1)
    page = _ICON.sub('<link rel="shortcut icon" href="./app/static/mark.png">', page, count=1)
    return _FONT.sub(_OUR_FONT, page, count=1)


def shipped_page() -> str:
    """Read the start page of the installed Streamlit."""
    import streamlit as st

    return (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")


def page_routes(html: str, pages: Iterable[str], first: str) -> list[BaseRoute]:
    """Answer `/` and every page's address with the start page; the first page lives at `/`.

    Parameters
    ----------
    html
        What `start_page` made.
    pages
        Names of the pages as they stand in the address.
    first
        The page that `/` shows; its own name leads there.
    """
    from starlette.responses import HTMLResponse, RedirectResponse
    from starlette.routing import Route

    def show(_: Request) -> Response:
        return HTMLResponse(html, headers={"cache-control": "no-cache"})

    def lead_to_first(request: Request) -> Response:
        query = request.url.query
        return RedirectResponse(f"/?{query}" if query else "/", status_code=307)

    others = [Route(f"/{page}", show) for page in pages if page != first]
    return [Route("/", show), Route(f"/{first}", lead_to_first), *others]
