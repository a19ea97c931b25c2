"""What people come to do, in a real browser: a newcomer's first registration, an analyst's drill-down."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.served import watched

LIGHTEST = (
    "Spreadsheet or query",
    "None that we know of",
    "A few people in our own team",
    "Now and then, started by hand",
    "Somebody does some work again",
    "A few planned releases a year or fewer",
    "Weeks",
    "It holds for a year or longer",
    "No, the result is enough",
)


def test_a_newcomer_registers_a_first_ad_hoc_sheet_and_has_nothing_to_wait_for(
    browser: Browser, empty_address: str
) -> None:
    seen = watched(browser, empty_address, width=1440, height=900, dark=False)
    page = seen.open("overview")
    page.get_by_text("Register the first initiative").click()
    seen.settle()
    page.get_by_label("Name", exact=True).fill("Meal mix sheet")
    page.get_by_label("Purpose", exact=True).fill("Compare how many meals of each kind are eaten.")
    for label in ("Owner", "Business domain"):
        page.get_by_role("combobox", name=label).click()
        page.get_by_role("option").first.click()
        seen.settle()
    team = page.get_by_role("combobox", name="Team")
    if team.input_value() == "":
        team.fill("Catering")
        team.press("Enter")
        seen.settle()
    for answer in LIGHTEST:
        page.get_by_text(answer, exact=True).click()
        seen.settle()
    expect(page.locator('[data-testid="stMain"]')).to_contain_text("Low")
    page.get_by_role("button", name="Register", exact=True).click()
    expect(page.locator("h1")).to_have_text("Registered", timeout=15_000)
    expect(page.locator('[data-testid="stMain"]')).to_contain_text("nothing more to wait for")
    assert seen.problems == []


def test_an_analyst_drills_into_a_slice_and_sends_the_address(
    browser: Browser, whole_demo_address: str
) -> None:
    seen = watched(browser, whole_demo_address, width=1440, height=1200, dark=False)
    page = seen.open("slices?id=employment-from-census-answers&version=2&by=race")
    expect(page.locator('[data-testid="stMain"]')).to_contain_text("208,892 predictions in 9 slices")
    table = page.locator('[data-testid="stDataFrame"]').first
    table.scroll_into_view_if_needed()
    box = table.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 120, box["y"] + 33 + 18)  # a cell of the first line
    page.wait_for_url("**where=race**", timeout=15_000)
    seen.settle()
    address = page.url.removeprefix(f"{whole_demo_address}/")
    colleague = watched(browser, whole_demo_address, width=1440, height=1200, dark=True)
    theirs = colleague.open(address)
    words = '[data-testid="stMain"]'
    counted = theirs.locator(words).inner_text().split(" predictions in ")[0].split()[-1]
    assert f"{counted} predictions in" in page.locator(words).inner_text()
    assert counted != "208,892"
    assert seen.problems + colleague.problems == []


def test_an_executive_sees_what_is_off_target_why_and_who_acts_in_two_clicks(
    browser: Browser, demo_address: str
) -> None:
    seen = watched(browser, demo_address, width=1440, height=900, dark=False)
    page = seen.open("overview")
    main = page.locator('[data-testid="stMain"]')
    expect(main).to_contain_text("KPIs are off target")
    card = page.locator('[class*="st-key-gp-opens-in_policy"]')
    card.click(force=True)  # anywhere on the card: its link covers it
    expect(page.locator("h1")).to_have_text("Initiatives in policy", timeout=15_000)
    seen.settle()
    expect(main).to_contain_text("would bring it to its target")
    made = page.locator('[class*="st-key-gp-row-makers-0"]')
    expect(made).to_contain_text("To act:")
    name = made.get_by_role("link").inner_text()
    made.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text(name, timeout=15_000)
    assert seen.problems == []
