"""Model files by content: four safe formats pass; pickles, bombs and strangers are refused with reasons."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest

from core.analytics.explanations.attributions import read_model
from core.analytics.job_specs import RefusedInput
from core.connectors.model_files import recognise_model
from core.domain.errors import BadInput
from tests.unit.model_makers import made_rows, sklearn_models, write_onnx, write_skops, xgboost_model

RAN: list[str] = []


class Trap:
    """Opening its pickle would run code."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (RAN.append, ("ran",))


@pytest.fixture(scope="module")
def forest() -> Any:
    return sklearn_models()["forest"][0]


@pytest.fixture(scope="module")
def lightgbm_text(tmp_path_factory: pytest.TempPathFactory) -> str:
    import lightgbm as lgb

    inputs, yes, _ = made_rows()
    data = lgb.Dataset(inputs, yes)
    booster = lgb.train({"objective": "binary", "verbosity": -1, "num_threads": 1}, data, 5)
    return str(booster.model_to_string())


def archive(**members: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name.replace("__", "."), content)
    return held.getvalue()


def test_each_safe_format_is_known_by_its_content_whatever_its_name(
    forest: Any, lightgbm_text: str, tmp_path: Path
) -> None:
    odd = tmp_path / "model.pkl"
    makers: dict[str, Callable[[], Any]] = {
        "lightgbm": lambda: odd.write_text(lightgbm_text),
        "skops": lambda: write_skops(forest, odd),
        "onnx": lambda: write_onnx(forest, odd),
    }
    for wanted, make in makers.items():
        make()
        assert recognise_model(odd).format == wanted
    for ending in ("json", "ubj"):
        xgboost_model("binary:logistic").save_model(tmp_path / f"m.{ending}")
        assert recognise_model(tmp_path / f"m.{ending}").format == "xgboost"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", [Trap(), {"weights": [1.0, 2.5]}], ids=["trap", "dict"])
def test_a_pickle_of_any_protocol_is_refused_and_never_opened(
    protocol: int, content: Any, tmp_path: Path
) -> None:
    renamed = tmp_path / "model.onnx"
    renamed.write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(BadInput, match=r"refused: it is a pickle.*can run any code"):
        recognise_model(renamed)
    assert RAN == []


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, zlib.compress, lzma.compress])
def test_a_packed_pickle_is_refused(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = tmp_path / "model.txt"
    file.write_bytes(pack(pickle.dumps(Trap())))
    with pytest.raises(BadInput, match=r"packed by .*as joblib writes pickles"):
        recognise_model(file)


def test_what_joblib_writes_is_refused(forest: Any, tmp_path: Path) -> None:
    for compress in (0, 3):
        file = tmp_path / f"model{compress}.json"
        joblib.dump(forest, file, compress=compress)
        with pytest.raises(BadInput, match=r"refused.*opening a pickle can run any code"):
            recognise_model(file)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (archive(archive_data__pkl=pickle.dumps(Trap())), "'archive_data.pkl' inside it is a pickle"),
        (archive(schema__json=b"{}", a__npy=pickle.dumps(Trap())), "'a.npy' inside it is a pickle"),
        (archive(schema__json=b"{}", a__npy=archive(x=b"y")), "'a.npy' inside it is another archive"),
        (archive(schema__json=b"{}", run__py=b"import os"), "holds 'run.py'"),
        (archive(schema__json=b"{}", a__npy=b"\0" * 300_000_000), "would unpack to 286 MiB"),
        (archive(other__json=b"{}"), "holds 'other.json'"),
        (archive(a__npy=b"{}"), "is an archive, and no skops file"),
        (archive(schema__json=b"{}" * 5000)[:-40], "no model of a known format"),
        (b"", "is empty"),
        (b"just words", "no model of a known format"),
        (b'{"weights": 1}', "no model of a known format"),
        (b"\x7fELF" + b"\0" * 64, "is a program"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
        (b"\x08\x07" + b"\xff" * 40, "no model of a known format"),
    ],
)
def test_strange_files_are_refused_with_the_reason(content: bytes, what: str, tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=what) as refusal:
        recognise_model(file)
    assert refusal.value.remedy


def test_a_pickle_inside_an_onnx_or_a_text_is_found(forest: Any, lightgbm_text: str, tmp_path: Path) -> None:
    import onnx

    file = write_onnx(forest, tmp_path / "m.onnx")
    model = onnx.load_model(str(file))
    hidden = model.graph.initializer.add()
    hidden.name, hidden.data_type, hidden.raw_data = "x", 2, pickle.dumps(Trap())
    hidden.dims.append(1)
    file.write_bytes(model.SerializeToString())
    text = tmp_path / "m.txt"
    text.write_bytes(lightgbm_text.encode() + pickle.dumps(Trap()))
    for each in (file, text):
        with pytest.raises(BadInput, match="there is a pickle inside it"):
            recognise_model(each)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "m.txt"
    with file.open("wb") as opened:
        opened.truncate(257 * 1024**2)
    with pytest.raises(BadInput, match="has 257 MiB, more than 256"):
        recognise_model(file)


def test_only_listed_classes_are_read_from_skops(tmp_path: Path) -> None:
    from sklearn.cluster import KMeans
    from sklearn.svm import SVC

    inputs, yes, _ = made_rows()
    for estimator in (KMeans(2, n_init=1).fit(inputs), SVC().fit(inputs, yes), Path):
        try:
            file = write_skops(estimator, tmp_path / "m.skops")
        except Exception:  # skops itself may not know how to write it
            continue
        with pytest.raises(RefusedInput, match="not on the list of allowed classes"):
            read_model("skops", file)


def test_a_skops_schema_that_calls_code_is_refused(forest: Any, tmp_path: Path) -> None:
    file = write_skops(forest, tmp_path / "m.skops")
    with zipfile.ZipFile(file) as opened:
        members = {name: opened.read(name) for name in opened.namelist()}
    evil = members["schema.json"].replace(b'"RandomForestClassifier"', b'"system"', 1)
    evil = evil.replace(b'"sklearn.ensemble._forest"', b'"os"', 1)
    with zipfile.ZipFile(file, "w") as opened:
        for name, content in {**members, "schema.json": evil}.items():
            opened.writestr(name, content)
    with pytest.raises(RefusedInput, match=r"holds a os\.system"):
        read_model("skops", file)


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (lambda text: text[: len(text) // 2], "is cut off before its end"),
        (lambda text: text.replace("feature_names=Column_0", "feature_names="), "tree|cut off|damaged"),
        (lambda text: text.replace("left_child=1", "left_child=77", 1), "branches that lead nowhere"),
        (lambda text: re.sub(r"split_feature=\d", "split_feature=55", text, count=1), "does not have"),
        (lambda text: text.replace("num_leaves=", "num_leaves=9", 1), "is damaged: tree 0"),
        (lambda text: "tree\nversion=v4\n", "holds no trees"),
    ],
)
def test_damaged_lightgbm_texts_are_refused_before_the_library_reads_them(
    spoil: Callable[[str], str], what: str, lightgbm_text: str, tmp_path: Path
) -> None:
    spoilt = spoil(lightgbm_text)
    assert spoilt != lightgbm_text
    file = tmp_path / "m.txt"
    file.write_text(spoilt)
    with pytest.raises(RefusedInput, match=what):
        read_model("lightgbm", file)
