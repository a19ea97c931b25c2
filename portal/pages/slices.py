"""Bias slices: one metric by one or two features, held against a reference and the ethical limit."""

from __future__ import annotations

import streamlit as st

from core.domain.errors import BadInput, NotFound
from core.services import bias, decay_view
from core.services.decay_view import MonitoredVersion
from portal.components import slice_inputs as inputs
from portal.components import slice_view as view
from portal.components.desk import Desk, current_desk, show_problem
from portal.components.figure_help import figure_help
from portal.components.page import empty_state, page_header, page_link, panel
from portal.components.text import humanise
from portal.components.url_inputs import set_url, url_value


def render() -> None:
    """Draw the slices that the address names; by default of the model with the most predictions."""
    desk = current_desk()
    rule = (
        "Difference between groups of people or things, with its uncertainty. Click a slice to look inside."
    )
    page_header(desk, "Bias slices", rule)
    try:
        known = _version_asked_for(desk)
        if known is None:
            sentence = "No model version has predictions yet, so there is nothing to slice."
            empty_state(sentence, page="inventory", label="Open the inventory", icon=":material/balance:")
            return
        inputs.version_input(desk.ask(decay_view.monitored_versions), known)
        _draw(desk, known)
    except BadInput as problem:
        show_problem(problem)
        if isinstance(problem, NotFound):
            page_link("slices", "Open a model that has predictions", icon=":material/arrow_forward:")
        if st.button("Start over", icon=":material/restart_alt:"):
            set_url(**dict.fromkeys(inputs.VIEW, ""))
            st.rerun()


def _version_asked_for(desk: Desk) -> MonitoredVersion | None:
    if not url_value("id"):
        return desk.ask(decay_view.largest_version)
    return desk.ask(decay_view.find_version, initiative=url_value("id"), version=url_value("version"))


def _draw(desk: Desk, known: MonitoredVersion) -> None:
    choices = desk.ask(
        bias.slice_choices, initiative=known.initiative, version=known.version, part=url_value("part")
    )
    if not choices.features:
        empty_state("These predictions hold no column to slice by.", icon=":material/balance:")
        return
    kept = inputs.kept_slices(choices)
    asked = inputs.slice_inputs(choices, kept)
    inputs.path_line(kept)
    if not asked["by"]:
        empty_state("Choose at least one feature to slice by.", icon=":material/balance:")
        return
    against = url_value("against", "best")
    asked |= {"initiative": known.initiative, "version": known.version}
    found = desk.ask(bias.bias_slices, **asked, where=kept, reference=against)
    view.slice_cards(found)
    by = " and ".join(humanise(name).lower() for name in asked["by"])
    key = "-".join([*asked["by"], *(value for values in kept.values() for value in values)])
    with panel(f"{found.report.metric.title} by {by}", view.limit_sentence(found)):
        inputs.reference_input(found.report)
        clicked = view.slices_chart(found, f"chart-{key}")
        figure_help(view.metric_notes(found.report.metric))
    with panel("Slices", view.rows_sentence(found)):
        clicked = view.slices_table(found.report, f"slices-{key}", "bias-slices") or clicked
    if clicked:
        inputs.drill_into(choices, kept, next(f for f in found.report.slices if f.label == clicked))


render()
