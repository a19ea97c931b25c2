"""`python -m data.demo FOLDER --config CONFIG` builds the demo store; its lines say how far it is."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.connectors.settings import PROJECT
from core.domain.errors import GovernanceError
from data.demo.build import DemoOptions, build_demo


def main(arguments: Sequence[str]) -> int:
    """Build the store; a problem is one sentence on standard error, and exit code 2."""
    parser = ArgumentParser(prog="python -m data.demo", description="Build the demo organisation's store.")
    parser.add_argument("folder", type=Path, help="where the store is to be")
    parser.add_argument("--config", type=Path, default=PROJECT / "config", help="folder of the policy")
    parser.add_argument("--only", action="append", default=[], help="name of an initiative; may be repeated")
    parser.add_argument("--no-workers", action="store_true", help="without estimates")
    given = parser.parse_args(arguments)
    options = DemoOptions(only=tuple(given.only), workers=not given.no_workers)
    try:
        build_demo(given.folder, given.config, datetime.now(UTC), _tell, options=options)
    except GovernanceError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    return 0


def _tell(share: float, what: str) -> None:
    sys.stdout.write(f"{share:.3f} {what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (KeyboardInterrupt, BrokenPipeError):  # whoever reads the lines has gone
        sys.exit(130)
