"""Which format a model file has, found by its content; what could run code when opened is refused.

Nothing here opens a model. A pickle is recognised by walking over its instructions without carrying any out.
"""

from __future__ import annotations

import io
import pickletools
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.domain.errors import BadInput

ModelFormat = Literal["lightgbm", "xgboost", "skops", "onnx"]
FORMATS: dict[ModelFormat, str] = {
    "lightgbm": "LightGBM text",
    "xgboost": "XGBoost JSON or UBJSON",
    "skops": "scikit-learn in skops format",
    "onnx": "ONNX",
}
MOST_BYTES = 256 * 1024**2
_MOST_UNPACKED = 512 * 1024**2
_MOST_MEMBERS = 50_000
_MOST_RATIO = 200
_ACCEPTED = "Save it as LightGBM text, XGBoost JSON, skops or ONNX; or upload attributions made elsewhere."
_HEAD = 64 * 1024
_IR_VERSION, _GRAPH = 1, 7
"""Numbers of the two fields that every ONNX file has."""
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"]\x00\x00", "lzma"),
)
_KNOWN = (
    (b"\x89HDF", "an HDF5 file"),
    (b"<?xml", "an XML file"),
    (b"PAR1", "a Parquet file"),
    (b"CBM1", "a CatBoost model"),
    (b"binf", "XGBoost's old binary format"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"#!", "a script"),
)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file whose format was recognised; `bytes` is its size."""

    path: Path
    format: ModelFormat
    bytes: int

    @property
    def title(self) -> str:
        """The format in words."""
        return FORMATS[self.format]


def recognise_model(path: Path, *, name: str = "") -> ModelFile:
    """Recognise the format of a model file by its content, whatever its name.

    Parameters
    ----------
    path
        The file.
    name
        What people call it, for messages; the file's own name where it is empty.
    """
    called = (name or path.name)[:80]
    try:
        size = path.stat().st_size
    except OSError as error:
        raise BadInput(f"there is no file '{called}'", where="model", remedy="Give a saved model.") from error
    if not path.is_file() or size == 0:
        raise BadInput(f"'{called}' is empty", where="model", remedy="Save the model again.")
    if size > MOST_BYTES:
        raise BadInput(
            f"'{called}' has {size / 1024**2:,.0f} MiB, more than {MOST_BYTES // 1024**2}",
            where="model",
            remedy="Upload attributions made elsewhere.",
        )
    with path.open("rb") as file:
        head = file.read(_HEAD)
    found = _plain_format(head)
    if found is None and head.startswith(b"PK") and zipfile.is_zipfile(path):
        found = _zip_format(path, called)
    if found is None:
        _refuse_pickle(path, head, called)
        found = _onnx_format(path, head)
    if found is None:
        what = next(
            (words for magic, words in _KNOWN if head.startswith(magic)), "no model of a known format"
        )
        raise BadInput(f"'{called}' is {what}", where="model", remedy=_ACCEPTED)
    _refuse_hidden_pickle(path, found, called)
    return ModelFile(path, found, size)


def _plain_format(head: bytes) -> ModelFormat | None:
    """LightGBM text, or XGBoost JSON or UBJSON."""
    if head.startswith((b"tree\nversion=", b"tree\r\nversion=")):
        return "lightgbm"
    start = head.lstrip()[:200]
    if start.startswith(b"{") and b"learner" in head[:4096] + start:
        return "xgboost"
    return None


def _zip_format(path: Path, called: str) -> ModelFormat:
    """A skops file: its members are looked at without unpacking more than is allowed."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            packed = max(1, sum(member.compress_size for member in members))
            if (
                len(members) > _MOST_MEMBERS
                or unpacked > _MOST_UNPACKED
                or unpacked > _MOST_RATIO * packed + 1024**2
            ):
                raise BadInput(
                    f"'{called}' would unpack to {unpacked / 1024**2:,.0f} MiB in {len(members):,} files",
                    where="model",
                    remedy="Save a smaller model.",
                )
            for member in members:
                with archive.open(member) as opened:
                    _look_at_member(opened.read(_HEAD), member.filename, called)
            names = {member.filename for member in members}
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError) as error:
        raise BadInput(
            f"'{called}' is a damaged archive", where="model", remedy="Save the model again."
        ) from error
    if "schema.json" not in names:
        raise BadInput(f"'{called}' is an archive, and no skops file", where="model", remedy=_ACCEPTED)
    return "skops"


def _look_at_member(head: bytes, member: str, called: str) -> None:
    inside = f"'{member[:60]}' inside it"
    if _is_pickle(head) or head.startswith(b"PK\x03\x04"):
        what = "another archive" if head.startswith(b"PK") else "a pickle"
        raise _no_pickle(called, f"{inside} is {what}")
    if not (member == "schema.json" or member.endswith(".npy")):
        raise BadInput(
            f"'{called}' holds '{member[:60]}', which a model in skops format does not need",
            where="model",
            remedy="Save only the model, by skops.io.dump.",
        )


def _refuse_pickle(path: Path, head: bytes, called: str) -> None:
    if _is_pickle(head, path):
        raise _no_pickle(
            called, "it is a pickle, as joblib, dill and cloudpickle write it, whatever its name"
        )
    packed = next((words for magic, words in _COMPRESSED if head.startswith(magic)), "")
    if packed or _is_zlib(head):
        raise _no_pickle(called, f"it is packed by {packed or 'zlib'}, as joblib writes pickles")
    if len(head) > 262 and head[257:262] == b"ustar":
        raise BadInput(f"'{called}' is a tar archive", where="model", remedy=_ACCEPTED)


def _refuse_hidden_pickle(path: Path, found: ModelFormat, called: str) -> None:
    """Look for a pickle inside; the members of a skops file have been looked at one by one."""
    if found == "skops":
        return
    data = path.read_bytes()
    for start in _PICKLE.finditer(data):
        if _is_pickle(data[start.start() : start.start() + _HEAD]):
            raise _no_pickle(called, f"there is a pickle inside it, at byte {start.start():,}")


def _onnx_format(path: Path, head: bytes) -> ModelFormat | None:
    """ONNX is a protocol buffer: fields one after the other to the end of the file, a graph among them."""
    if not head.startswith(b"\x08"):
        return None
    data, at, fields = path.read_bytes(), 0, set()
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        elif kind == 2:
            length, at = _varint(data, at)
            at += length
        else:
            return None
        fields.add(tag >> 3)
    return "onnx" if at == len(data) and {_IR_VERSION, _GRAPH} <= fields <= set(range(1, 41)) else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends; one that does not end leads beyond the file."""
    value = 0
    for place in range(10):
        if at + place >= len(data):
            break
        byte = data[at + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    return 0, len(data) + 1


def _is_pickle(head: bytes, path: Path | None = None) -> bool:
    """Tell whether bytes are a pickle, by walking over its instructions; none is carried out.

    Protocols 2 and later say so in two bytes, and need some instructions that make sense; the older ones
    have no such sign and must be whole.
    """
    marked = _PICKLE.match(head) is not None
    if not marked and (not head or head[:1] not in b"(]})cIFKJVUX\x8c"):
        return False
    data = head if marked or path is None else path.read_bytes()
    steps = 0
    try:
        for instruction, _, _ in pickletools.genops(io.BytesIO(data)):
            steps += 1
            if instruction.name == "STOP":
                return steps > 1
            if marked and steps >= 8:
                return True
    except Exception:  # the walk ends in any way on bytes that are no pickle
        return marked and steps >= 3
    return False


def _is_zlib(head: bytes) -> bool:
    if head[:1] != b"\x78" or len(head) < 3:
        return False
    try:
        zlib.decompressobj().decompress(head, 64)
    except zlib.error:
        return False
    return True


def _no_pickle(called: str, why: str) -> BadInput:
    return BadInput(
        f"'{called}' is refused: {why}; opening a pickle can run any code",
        where="model",
        remedy=_ACCEPTED,
    )
