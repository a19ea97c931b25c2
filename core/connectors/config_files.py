"""The other lists in `config/`: roles, responsibilities, ethical position, KPIs, leaderboard."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from core.connectors.yaml_lines import parse_lines, read_text
from core.connectors.yaml_models import read_model
from core.domain.actors import Roles
from core.domain.ethics import Ethics
from core.domain.kpis import Kpis
from core.domain.leaderboard import Leaderboard
from core.domain.raci import Raci

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


def read_ethics(path: Path) -> Ethics:
    """Read the ethical position."""
    return _read(path, Ethics)


def read_kpis(path: Path) -> Kpis:
    """Read the KPI definitions."""
    return _read(path, Kpis)


def read_leaderboard(path: Path) -> Leaderboard:
    """Read the rules of the leaderboards."""
    return _read(path, Leaderboard)


def _read(path: Path, model: type[M]) -> M:
    return read_model(parse_lines(read_text(path, str(path)), str(path)), model)
