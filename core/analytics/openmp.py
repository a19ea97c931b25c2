"""Let LightGBM start on a bare machine: its wheel expects the system's libgomp, scikit-learn's brings one."""

from __future__ import annotations

import ctypes
import os
import re
import sys
from importlib.util import find_spec
from pathlib import Path

LIBRARY = "libgomp.so.1"
_SHIPPED = re.compile(rb"libgomp-[0-9a-f]+\.so\.1\.0\.0\0")


def ensure_openmp() -> bool:
    """Load an OpenMP runtime under the name that LightGBM asks for, before lightgbm or nannyml is imported.

    Returns
    -------
    bool
        True if the runtime is there: the system's, or scikit-learn's own copy under the system's name.
        False elsewhere than on Linux, or where scikit-learn ships none; LightGBM's own message stands then.

    Notes
    -----
    The copy lives in memory only. Its name is a field inside the file, and a shorter name fits in its place.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return _load_shipped()
    return True


def _load_shipped() -> bool:
    sklearn = find_spec("sklearn")
    if sklearn is None or sklearn.origin is None:
        return False
    folder = Path(sklearn.origin).parent.parent / "scikit_learn.libs"
    for shipped in sorted(folder.glob("libgomp-*.so.1.0.0")):
        renamed = _SHIPPED.sub(_same_length, shipped.read_bytes())
        with os.fdopen(os.memfd_create("libgomp"), "wb") as memory:
            memory.write(renamed)
            memory.flush()
            ctypes.CDLL(f"/proc/self/fd/{memory.fileno()}", mode=ctypes.RTLD_GLOBAL)
        return True
    return False


def _same_length(match: re.Match[bytes]) -> bytes:
    return LIBRARY.encode().ljust(len(match[0]), b"\0")
