"""Pages show nothing of an initiative that is closed to who looks: no title, table, chart, choice or note."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.connectors.settings import Settings
from core.domain.actors import Actor
from core.lake.store import save_store
from core.services.governance import Governance
from portal.components.initiative.sheet import TABS
from portal.shell.house import close_house, open_house
from tests.conftest import ADMIN
from tests.portal.test_every_page import PAGES, SCRIPT, SECONDS
from tests.services.test_reading import CLOSED, KEEPER, MARK, NEIGHBOUR, OPEN, OWNER, built

OF_ONE = ("initiative", "versions", "documents", "slices", "predictions", "decay", "drift", "explanations")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governance]:
    close_house()
    folder = tmp_path_factory.mktemp("closed") / "store"
    governance = built(folder)
    governance.store.cursor().execute("UPDATE directory SET persona = true")
    save_store(governance.store)
    governance.close()
    yield open_house(Settings(store=folder, actor=ADMIN.id)).governance
    close_house()


def shown(house: Governance, page: str, actor: Actor, **address: str) -> bytes:
    """All that a page sends to the browser, tables and charts with all their rows."""
    at = AppTest.from_file(str(SCRIPT), default_timeout=SECONDS)
    at.switch_page(str(SCRIPT.parents[1] / "pages" / page))
    for name, value in address.items():
        at.query_params[name] = value
    at.session_state["persona"] = next(one for one in house.personas() if one.id == actor.id)
    at.run()
    assert not at.exception, at.exception
    assert actor.name.encode() in _sent(at.sidebar), "the page is not drawn for who was meant"
    return _sent(at.sidebar) + _sent(at.main)


def _sent(block: Any) -> bytes:
    own = block.proto.SerializeToString() if block.proto is not None else b""
    return own + b"".join(
        _sent(child) if hasattr(child, "children") else child.proto.SerializeToString()
        for child in block.children.values()
    )


@pytest.mark.parametrize("page", PAGES)
def test_no_page_shows_what_is_closed(house: Governance, page: str) -> None:
    addresses: list[dict[str, str]] = [{}]
    if page.removesuffix(".py") in OF_ONE:
        addresses.append({"id": OPEN})
    for actor in (NEIGHBOUR, OWNER):
        for address in addresses:
            assert MARK.encode() not in shown(house, page, actor, **address).lower(), (actor.id, address)


def test_no_tab_of_another_initiative_shows_it(house: Governance) -> None:
    for tab in TABS:
        assert MARK.encode() not in shown(house, "initiative.py", NEIGHBOUR, id=OPEN, tab=tab).lower(), tab


def test_who_may_read_it_is_shown_it_on_most_pages(house: Governance) -> None:
    told = {page for page in PAGES if MARK.encode() in shown(house, page, KEEPER, id=CLOSED).lower()}
    assert len(told) > len(PAGES) / 2, told
