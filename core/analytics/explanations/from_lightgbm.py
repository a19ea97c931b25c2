"""Reading LightGBM's text format: its structure is checked before the library sees it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.analytics.explanations.models import Contributions, checked, outcome_place, scale_of
from core.analytics.job_specs import RefusedInput
from core.analytics.openmp import ensure_openmp

if TYPE_CHECKING:
    import pandas as pd


def read_rows(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file, or some of its columns, in the order of the file.

    Raises
    ------
    RefusedInput
        The file is absent, is not Parquet, holds no rows, or lacks a column.
    """
    import pyarrow.parquet as pq
    from pyarrow.lib import ArrowException

    if not path.is_file():
        raise RefusedInput(f"there is no file {path.name!r}", remedy="Give the path of a Parquet file.")
    try:
        absent = [name for name in columns or () if name not in pq.read_schema(path).names]
        if absent:
            raise RefusedInput(
                f"{path.name!r} has no column {absent[0]!r}", remedy="Check the feature names."
            )
        rows: pd.DataFrame = pq.read_table(
            path, columns=list(columns) if columns is not None else None
        ).to_pandas()
    except ArrowException as problem:
        raise RefusedInput(f"{path.name!r} is not a Parquet file", remedy="Write it as Parquet.") from problem
    if rows.empty:
        raise RefusedInput(f"{path.name!r} holds no rows", remedy="Give a file with rows.")
    return rows


def model_inputs(rows: pd.DataFrame, features: Sequence[str], categorical: Sequence[str]) -> pd.DataFrame:
    """Return the features in the model's order: categorical ones as sorted categories, others as float64.

    A model saved after training on such columns holds the words itself, so the same words in another
    file get the same codes, and words it never saw count as missing.
    """
    import pandas as pd

    columns = {}
    for name in features:
        if name in categorical:
            texts = rows[name].astype(object)
            columns[name] = pd.Series(pd.Categorical(texts, categories=sorted(texts.dropna().unique())))
        elif pd.api.types.is_numeric_dtype(rows[name]):
            columns[name] = rows[name].astype("float64").reset_index(drop=True)
        else:
            raise RefusedInput(
                f"{name!r} holds texts, not numbers", remedy="Name the column among the categorical features."
            )
    return pd.DataFrame(columns)


METHOD = "TreeSHAP, path-dependent"
_REMEDY = "Save the model with Booster.save_model."


@dataclass(frozen=True, slots=True)
class LightgbmModel:
    """A booster with its features and the number of its outputs."""

    booster: Any
    name: str
    features: tuple[str, ...]
    outputs: int
    binary: bool

    def contributions(self, inputs: pd.DataFrame, outcome: str) -> Contributions:
        """Attribute raw scores by shap's tree explainer; see `ReadModel`."""
        import numpy as np

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # shap and LightGBM about changes of their own
            import shap

            try:
                explainer = shap.TreeExplainer(self.booster)
                values = np.asarray(explainer(inputs, check_additivity=False).values, dtype=np.float64)
                raw = np.asarray(self.booster.predict(inputs, raw_score=True), dtype=np.float64)
                output = np.asarray(self.booster.predict(inputs), dtype=np.float64)
            except (ValueError, TypeError) as problem:
                reason = str(problem).splitlines()[0][:160]
                raise RefusedInput(
                    f"{self.name!r} cannot score these rows: {reason}",
                    remedy="Give the rows it was made for.",
                ) from problem
        base = np.ravel(explainer.expected_value).astype(np.float64)
        place = 0
        if self.outputs > 1:
            place = outcome_place(outcome, [str(at) for at in range(self.outputs)], self.name)
            values, raw, output = values[:, :, place], raw[:, place], output[:, place]
        scale = "raw" if self.outputs > 1 else scale_of(raw, output, binary=self.binary)
        base_value = float(base[place] if self.outputs > 1 else base[-1])
        return checked(Contributions(values, base_value, raw, scale, METHOD, 0.0), self.name)


def read_lightgbm(path: Path) -> LightgbmModel:
    """Read a model in LightGBM's text format.

    Raises
    ------
    RefusedInput
        It is no such text, or its trees point outside themselves.
    """
    ensure_openmp()
    import lightgbm as lgb

    head = _check_text(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the file's own parameters count, which is meant
            booster = lgb.Booster(model_file=str(path), params={"verbosity": -1})
    except lgb.basic.LightGBMError as problem:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY) from problem
    binary = head.get("objective", "").split(" ")[0] in ("binary", "cross_entropy", "xentropy")
    return LightgbmModel(
        booster, path.name, tuple(booster.feature_name()), int(booster.num_model_per_iteration()), binary
    )


def _check_text(path: Path) -> dict[str, str]:
    """Refuse what would lead LightGBM's reader outside of its own arrays; return the model's head."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as problem:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY) from problem
    if not text.startswith("tree\n") or "\0" in text:
        raise RefusedInput(f"{path.name!r} is not a LightGBM model", remedy=_REMEDY)
    blocks = text.split("end of trees")[0].split("\nTree=")
    head = _fields(blocks[0])
    features = head.get("feature_names", "").split(" ")
    if len(blocks) < 2 or not features[0]:
        raise RefusedInput(f"{path.name!r} is cut off: it holds no trees", remedy=_REMEDY)
    if "end of trees" not in text:
        raise RefusedInput(f"{path.name!r} is cut off before its end", remedy=_REMEDY)
    for place, block in enumerate(blocks[1:]):
        problem_found = next(_faults(_fields(block), len(features)), "")
        if problem_found:
            raise RefusedInput(f"{path.name!r} is damaged: tree {place} {problem_found}", remedy=_REMEDY)
    return head


def _fields(block: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in block.splitlines() if "=" in line)


def _faults(tree: dict[str, str], features: int) -> Iterator[str]:
    """What is wrong with one tree."""
    try:
        leaves = int(tree["num_leaves"])
        wanted = {"leaf_value": leaves} | dict.fromkeys(
            ("split_feature", "left_child", "right_child", "threshold", "decision_type"), leaves - 1
        )
        for name, length in wanted.items():
            if (leaves > 1 or name == "leaf_value") and len(tree[name].split()) != length:
                yield f"has {len(tree[name].split())} values of {name}, not {length}"
        if leaves < 2:
            return
        if any(not 0 <= int(at) < features for at in tree["split_feature"].split()):
            yield "splits on a feature that the model does not have"
        children = [int(at) for side in ("left_child", "right_child") for at in tree[side].split()]
        # Every node but the root, and every leaf (written -1, -2, ...), is the child of exactly one node.
        if sorted(children) != [*range(-leaves, 0), *range(1, leaves - 1)]:
            yield "has branches that lead nowhere"
        for splits, words in (("cat_boundaries", "cat_threshold"),):
            ends = [int(at) for at in tree.get(splits, "").split()]
            if ends and (ends != sorted(ends) or ends[0] != 0 or ends[-1] != len(tree[words].split())):
                yield "has damaged categories"
    except (KeyError, ValueError):
        yield "cannot be read"
