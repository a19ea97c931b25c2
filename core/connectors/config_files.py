"""The other lists in `config/`: roles, responsibilities, KPIs, leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from core.connectors.yaml_lines import parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.actors import Roles
from core.domain.models.data_quality import DataQuality
from core.domain.policy.kpis import Kpis
from core.domain.policy.leaderboard import Leaderboard
from core.domain.work.guides import Guides
from core.domain.work.raci import Raci
from core.domain.work.training import Trainings
from core.domain.work.work import Work

M = TypeVar("M", bound=BaseModel)


def read_roles(path: Path) -> Roles:
    """Read the roles and what each may do.

    Raises
    ------
    BadInput
        One line per problem, `FILE:LINE: what. remedy`. So do the functions below.
    """
    return _read(path, Roles)


def read_raci(path: Path) -> Raci:
    """Read who is responsible, accountable, consulted and informed."""
    return _read(path, Raci)


def read_kpis(path: Path) -> Kpis:
    """Read the KPI definitions."""
    return _read(path, Kpis)


def read_data_quality(path: Path) -> DataQuality:
    """Read the limits for prediction batches, drift, data quality and personal data."""
    return _read(path, DataQuality)


def read_leaderboard(path: Path) -> Leaderboard:
    """Read the rules of the leaderboards."""
    return _read(path, Leaderboard)


def read_work(path: Path) -> Work:
    """Read how work moves: days, rules of notices, perspectives."""
    return _read(path, Work)


def read_trainings(path: Path) -> Trainings:
    """Read the training list."""
    return _read(path, Trainings)


def read_guides(path: Path) -> Guides:
    """Read the guides per role and step."""
    return _read(path, Guides)


def _read(path: Path, model: type[M]) -> M:
    return read_model(parse_lines(read_text(path, str(path)), str(path)), model)
