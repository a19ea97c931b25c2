"""Which column of a prediction file is what; kept per model version and used again for the next file."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from core.domain.chain import canonical
from core.domain.errors import BadInput
from core.domain.facts import measured as facts
from core.ground import Checked, Task, in_words

ROW_ID, TIMESTAMP, SCORE, PREDICTED, TRUE = "row_id", "timestamp", "y_score", "y_pred", "y_true"
TASKS: tuple[Task, ...] = ("binary", "regression", "multiclass")
NEITHER = "neither"
"""What stands for no outcome being better than another."""
EXACT_SUM = 1e-5
"""NannyML cannot rank scores of several classes that are further from 1 in sum."""
WHOLE_WITH_POINT = r"^([+-]?[0-9]+)\.0+$"
Kind = Literal["number", "text", "flag", "time", "code", "identifier", "ordered"]
KINDS: Mapping[str, Kind] = {
    "number": "number",
    "category": "text",
    "ordered": "ordered",
    "code": "code",
    "identifier": "identifier",
    "time": "time",
    "flag": "flag",
}
"""What a column is declared as -> its kind. A code is a text as written; an identifier is no feature; an
ordered category is a text whose values have an order, theirs by nature (numbers by size) or the one given."""
_READING = {"missing", "joined", "zone", "orders", "weight"}
_ROLES = {ROW_ID: "id", TIMESTAMP: "time", PREDICTED: "prediction", TRUE: "target"}


class ColumnMapping(Checked):
    """Columns of a file by their role; an empty name says that there is none.

    `scores` maps a class to the column of its probability; the class of a binary model is empty.
    `features` are the columns kept beside these; none named keeps all. `sensitive` are among them.
    `classes` of a multiclass model are its labels; of a binary model the negative and the positive label
    where they are not 0 and 1.

    How values are read: `missing` are those that stand for none, in every feature and the target (`?`) or in
    one column (`age=-999`). `joined` are the values (`sex=Female`) that stand for all that differ from them
    only as `alike` says; `sex=` alone joins what is still to be found. `zone` is that of times without one.
    `orders` are the values of ordered columns from the lowest on (`grade=low,mid,high`). `weight` is the
    feature that says how many a row stands for; empty where each stands for itself.
    """

    task: Task
    prediction: str
    target: str = ""
    row_id: str = ""
    timestamp: str = ""
    scores: Mapping[str, str] = {}
    features: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    joined: tuple[str, ...] = ()
    zone: str = ""
    orders: tuple[str, ...] = ()
    weight: str = ""

    def canonical(self) -> dict[str, str]:
        """Name in the store -> column of the file, for the roles that have one.

        Examples
        --------
        >>> ColumnMapping(task="binary", prediction="granted", scores={"": "p"}).canonical()
        {'y_score': 'p', 'y_pred': 'granted'}
        """
        named = {ROW_ID: self.row_id, TIMESTAMP: self.timestamp}
        named |= {score_column(label): column for label, column in self.scores.items()}
        named |= {PREDICTED: self.prediction, TRUE: self.target}
        return {name: column for name, column in named.items() if column}

    @property
    def joins(self) -> dict[str, tuple[str, ...]]:
        """Column -> values that stand for those like them."""
        found: dict[str, tuple[str, ...]] = {}
        for entry in self.joined:
            column, _, value = entry.partition("=")
            found[column] = (*found.get(column, ()), *((value,) if value else ()))
        return found

    @property
    def rounding(self) -> float:
        """How far from 1 the scores of all classes add up to where each was rounded to two digits."""
        return 0.005 * len(self.scores) + 1e-9

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels that a prediction or an outcome may have; none for numbers or where none is declared."""
        if self.task == "regression":
            return ()
        return self.classes or (("0", "1") if self.task == "binary" else ())


def kept_mapping(fact: facts.ColumnMapping) -> ColumnMapping:
    """A mapping as it was kept."""
    known = {name: getattr(fact, name) for name in set(ColumnMapping.model_fields) - _READING}
    reading = json.loads(fact.reading) if fact.reading else {}
    return ColumnMapping.model_validate({**known, **reading, "scores": json.loads(fact.scores)})


def mapping_to_keep(
    initiative: str, version: str, mapping: ColumnMapping, kinds: Mapping[str, str]
) -> facts.ColumnMapping:
    """A mapping as it is kept, with the kind of each feature."""
    reading = {name: value for name, value in mapping.model_dump(include=_READING).items() if value}
    return facts.ColumnMapping(
        initiative=initiative,
        version=version,
        **mapping.model_dump(exclude={"scores", *_READING}),
        scores=canonical(dict(mapping.scores)),
        reading=canonical(reading) if reading else "",
        kinds=tuple(kinds[name] for name in mapping.features),
    )


def kinds_of(fact: facts.ColumnMapping | None) -> dict[str, Kind]:
    """Kind of each feature that is known of a version."""
    return dict(zip(fact.features, cast("tuple[Kind, ...]", fact.kinds), strict=True)) if fact else {}


def alike(value: str) -> str:
    """What values have in common that differ only in blanks, case, form of characters or leading zeros.

    Examples
    --------
    >>> alike(" Female") == alike("FEMALE"), alike("02139") == alike("2139"), alike("1.0") == alike("1")
    (True, True, False)
    """
    folded = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    return (folded.lstrip("0") or "0") if folded.isdigit() else folded


def label_name(label: str) -> str:
    """A class by its one name: `1.0` is `1`.

    Examples
    --------
    >>> label_name(" 1.0"), label_name("1.5"), label_name("v1.0")
    ('1', '1.5', 'v1.0')
    """
    return re.sub(WHOLE_WITH_POINT, r"\1", label.strip())


def score_column(label: str) -> str:
    """Name in the store of a class's score; the empty class is that of a binary model."""
    return f"{SCORE}_{label}" if label else SCORE


def is_canonical(column: str) -> bool:
    """Whether a name of the store stands for a role, so that it is no feature."""
    return column in (ROW_ID, TIMESTAMP, SCORE, PREDICTED, TRUE) or column.startswith(f"{SCORE}_")


def features_of(columns: Iterable[str]) -> tuple[str, ...]:
    """Of the columns of a batch, those that stand for no role."""
    return tuple(name for name in columns if not is_canonical(name))


def role_title(canonical: str) -> str:
    """What a column of the store is called by people."""
    return _ROLES.get(canonical, "score")


def column_title(name: str) -> str:
    """A column of a batch as people call it: a feature by its name, a role by its title."""
    return role_title(name) if is_canonical(name) else in_words(name)


def column_mapping(
    *,
    task: str,
    prediction: str,
    scores: Sequence[str] = (),
    target: str = "",
    row_id: str = "",
    timestamp: str = "",
    features: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    classes: Sequence[str] = (),
    missing: Sequence[str] = (),
    joined: Sequence[str] = (),
    zone: str = "",
    orders: Sequence[str] = (),
    weight: str = "",
) -> ColumnMapping:
    """Make a mapping from what a person named.

    Parameters
    ----------
    scores
        One column for a binary model; `CLASS=COLUMN` a class for a multiclass one; none for a regression,
        and for decisions that have none: these are sliced, and not estimated.
    """
    if task not in TASKS:
        raise BadInput(f"'{task[:40]}' is no task", where="task", remedy=f"Use one of: {', '.join(TASKS)}.")
    if not prediction:
        raise BadInput(
            "no column is named for the prediction", where="mapping", remedy="Name it with --prediction."
        )
    made = ColumnMapping(
        task=task,
        prediction=prediction,
        target=target,
        row_id=row_id,
        timestamp=timestamp,
        scores=_scores(task, scores),
        features=tuple(dict.fromkeys([*features, *(sensitive if features else ())])),
        sensitive=tuple(dict.fromkeys(sensitive)),
        classes=_classes(task, classes, scores),
        missing=tuple(dict.fromkeys(missing)),
        joined=tuple(dict.fromkeys(joined)),
        zone=zone,
        orders=tuple(orders),
        weight=weight,
    )
    _refuse_two_roles(made)
    return made


def merge_mapping(kept: ColumnMapping | None, given: Mapping[str, Any]) -> ColumnMapping:
    """Join what is kept of a version with what a person names now; a name given now goes first.

    Parameters
    ----------
    kept
        The version's mapping so far; None for its first file.
    given
        Fields of `column_mapping`; empty ones leave what is kept.
    """
    named = {field: value for field, value in given.items() if value}
    if kept is None:
        return column_mapping(**{"task": "", "prediction": "", **named})
    if "task" in named and named["task"] != kept.task:
        raise BadInput(
            f"this version's predictions are {kept.task}, not {named['task']}",
            where="task",
            remedy="Register a version of its own for another task.",
        )
    before = kept.model_dump()
    before["scores"] = score_words(kept)
    if "features" not in named and named.get("sensitive") and kept.features:
        before["features"] = (*kept.features, *named["sensitive"])
    return column_mapping(**{**before, **named})


def read_otherwise(
    mapping: ColumnMapping,
    columns: Sequence[str],
    *,
    kinds: Mapping[str, str],
    missing: Sequence[str] = (),
    join: Sequence[str] = (),
    zone: str = "",
    orders: Sequence[str] = (),
    weight: str = "",
) -> ColumnMapping:
    """A mapping with what a person declares of values; a declared kind takes back what was said before.

    Parameters
    ----------
    columns
        Those that there are.
    kinds
        Column -> kind, as `declared_kinds` reads them.
    missing, join, zone
        Values that stand for none (`?`, `age=-999`), columns whose values alike are one, zone of the times.
    orders
        As `declared_orders` reads them.
    weight
        Column that says how many a row stands for.
    """
    for entry in missing:
        if not entry.partition("=")[0].strip():
            raise BadInput(
                f"'{entry[:40]}' names no value", where="missing", remedy="Write WORD or COLUMN=WORD."
            )
    named = {entry.rpartition("=")[0] for entry in missing if not _starts(entry, columns)} - {""}
    for column in sorted({*kinds, *join, *filter(None, (weight,))} - {*columns} | named):
        raise BadInput(f"there is no column '{column[:60]}'", remedy=f"Use: {', '.join(columns)[:300]}.")
    if weight and (weight in mapping.canonical().values() or weight in mapping.sensitive):
        raise BadInput(f"column '{weight[:60]}' cannot be the weight", remedy="Name a column of its own.")
    told = {
        name: tuple(one for one in getattr(mapping, name) if not any(one.startswith(f"{c}=") for c in kinds))
        for name in ("missing", "joined")
    }
    return mapping.model_copy(
        update={
            "missing": tuple(dict.fromkeys((*told["missing"], *missing))),
            "joined": tuple(dict.fromkeys((*told["joined"], *(f"{column}=" for column in join)))),
            "zone": zone or mapping.zone,
            "orders": (*(one for one in mapping.orders if one.rpartition("=")[0] not in kinds), *orders),
            "weight": weight or mapping.weight,
        }
    )


def _starts(entry: str, columns: Sequence[str]) -> bool:
    return any(entry.startswith(f"{column}=") for column in columns)


def declared_kinds(given: Sequence[str], mapping: ColumnMapping) -> dict[str, Kind]:
    """Kinds of columns that a person named, as `zip=code`.

    Raises
    ------
    BadInput
        There is no such kind, or the column stands for a role; an identifier is named as sensitive.
    """
    found: dict[str, Kind] = {}
    for text in given:
        column, word, _ = _kind_parts(text)
        if not column or word not in KINDS:
            raise BadInput(
                f"'{text[:60]}' is no column with its kind",
                where="kind",
                remedy=f"Write it like zip=code; kinds are {', '.join(KINDS)}.",
            )
        if column in mapping.canonical().values() or (word == "identifier" and column in mapping.sensitive):
            raise BadInput(
                f"column '{column[:60]}' cannot be declared as {word}",
                where="kind",
                remedy="Declare the kinds of features.",
            )
        found[column] = KINDS[word]
    return found


def _kind_parts(text: str) -> tuple[str, str, str]:
    """Column, kind, and the values in their order where they are given: `grade=ordered:low,mid,high`."""
    plain, _, values = text.partition("=ordered:")
    if values:
        return plain, "ordered", ",".join(value.strip() for value in values.split(","))
    column, _, word = text.rpartition("=")
    return column, word, ""


def declared_orders(given: Sequence[str]) -> tuple[str, ...]:
    """The orders that a person gave with kinds, as they are kept.

    Raises
    ------
    BadInput
        Fewer than two values, one that is empty, or one twice.

    Examples
    --------
    >>> declared_orders(["grade=ordered:low, mid,high", "year=ordered", "zip=code"])
    ('grade=low,mid,high',)
    """
    found = []
    for column, _, values in map(_kind_parts, given):
        known = values.split(",")
        if values and (len(known) < 2 or "" in known or len(set(known)) < len(known)):
            raise BadInput(
                f"'{values[:60]}' is no order of column '{column[:60]}'",
                where="kind",
                remedy=f"Name each value once, the lowest first: {column[:60]}=ordered:low,mid,high.",
            )
        found += [f"{column}={values}"] if values else []
    return tuple(found)


def orders_of(mapping: ColumnMapping, kinds: Mapping[str, Kind]) -> dict[str, tuple[str, ...]]:
    """Ordered column -> its values, the lowest first; none where their own order holds."""
    given = {
        column: tuple(values.split(",")) for column, _, values in (o.rpartition("=") for o in mapping.orders)
    }
    return {name: given.get(name, ()) for name, kind in kinds.items() if kind == "ordered"}


def favourable_of(given: Sequence[str], task: Task, outcomes: Sequence[str]) -> tuple[str, ...]:
    """The favourable outcomes that a person named; none for "neither".

    Parameters
    ----------
    outcomes
        Those that the predictions have; empty while nobody knows.

    Raises
    ------
    BadInput
        There is no such outcome, "neither" beside another, or a regression.

    Examples
    --------
    >>> favourable_of(["yes"], "binary", ["no", "yes"]), favourable_of(["neither"], "binary", [])
    (('yes',), ())
    """
    if task == "regression":
        raise BadInput("a regression has no favourable outcome", where="favourable", remedy="Leave it out.")
    if tuple(given) == (NEITHER,):
        return ()
    given = [label_name(outcome) for outcome in given]
    for outcome in given:
        if (outcomes and outcome not in outcomes) or outcome in ("", NEITHER):
            known = ", ".join(outcomes) or "values of the prediction"
            raise BadInput(
                f"'{outcome[:40]}' is no outcome of these predictions",
                where="favourable",
                remedy=f"Use: {known}; or {NEITHER} alone.",
            )
    return tuple(dict.fromkeys(given))


def score_words(mapping: ColumnMapping) -> tuple[str, ...]:
    """Scores in the form that `column_mapping` takes."""
    return tuple(f"{label}={name}" if label else name for label, name in mapping.scores.items())


def _scores(task: str, scores: Sequence[str]) -> dict[str, str]:
    if task == "binary":
        if len(scores) > 1:  # a column's name may hold an equals sign
            raise BadInput("a binary model has one score", where="score", remedy="Name its one column.")
        return {"": scores[0]} if scores else {}
    if task == "regression" and scores:
        raise BadInput("a regression has no score", where="score", remedy="Leave the score out.")
    pairs = [
        (label_name(label), column.strip())
        for label, _, column in (score.partition("=") for score in scores)
        if label.strip() and column.strip()
    ]
    if len(dict(pairs)) < len(scores):
        raise BadInput("each class needs a score", where="score", remedy="Write CLASS=COLUMN, once a class.")
    return dict(pairs)


def _classes(task: str, classes: Sequence[str], scores: Sequence[str]) -> tuple[str, ...]:
    if task == "regression" and classes:
        raise BadInput("a regression has no classes", where="classes", remedy="Leave them out.")
    if task == "binary" and classes and len(set(classes)) != 2:
        raise BadInput(
            "a binary model has two labels", where="classes", remedy="Name the negative, then the positive."
        )
    classes = [label_name(label) for label in classes]
    scored = tuple(_scores(task, scores)) if task == "multiclass" else ()
    if scored and classes and set(scored) != set(classes):
        raise BadInput(
            "the classes and those that have a score differ", where="classes", remedy="Name the same ones."
        )
    return tuple(dict.fromkeys(classes)) or scored


def _refuse_two_roles(mapping: ColumnMapping) -> None:
    roles: dict[str, str] = {}
    for role, column in mapping.canonical().items():
        if column in roles:
            raise BadInput(
                f"column '{column}' is named as {role_title(roles[column])} and as {role_title(role)}",
                where="mapping",
                remedy="Name another column for one of them.",
            )
        roles[column] = role
    for feature in (*mapping.features, *mapping.sensitive):
        if feature in roles:
            raise BadInput(
                f"column '{feature}' is the {role_title(roles[feature])} and cannot be a feature as well",
                where="mapping",
                remedy="Take it out of the features.",
            )
