"""How each example data set inside nannyml 0.13.1 is read: files, columns, words and descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.ground.figure import Task
from data.demo.census_codes import READABLE_NAMES, WORDS


@dataclass(frozen=True, slots=True)
class Band:
    """A text column cut from a number: `labels[i]` up to, not including, `breaks[i]`."""

    name: str
    of: str
    breaks: tuple[float, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Where a data set lies in nannyml's wheel and how its columns become canonical ones.

    `features` and `scores` map names (features: from the file's to ours; scores: from ours to the
    file's); `words` gives each code of a text column its word.
    """

    title: str
    description: str
    source: str
    task: Task
    reference_file: str
    analysis_file: str
    target_file: str
    target: str
    prediction: str
    scores: Mapping[str, str]
    features: Mapping[str, str]
    categorical: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    bands: tuple[Band, ...] = ()
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    timestamp: str | None = "timestamp"
    classes: tuple[str, ...] = ()
    chunk_size: int = 5000


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


_CARD_CLASSES = ("prepaid_card", "highstreet_card", "upmarket_card")
_SYNTHETIC = "Synthetic; published by NannyML inside its Python package (Apache-2.0)."

RECIPES: Mapping[str, Recipe] = {
    "census_employment": Recipe(
        title="Employment from census answers",
        description="Predicts whether a resident of Massachusetts is employed, from census answers.",
        source="US Census Bureau, American Community Survey public-use file, Massachusetts 2015-2018, "
        "with a model's scores as published by NannyML.",
        task="binary",
        reference_file="employment_MA_reference.pq",
        analysis_file="employment_MA_analysis.pq",
        target_file="employment_MA_analysis_target.pq",
        target="employed",
        prediction="prediction",
        scores={"y_score": "predicted_probability"},
        features=READABLE_NAMES,
        categorical=tuple(WORDS),
        sensitive=("sex", "race", "age_band", "disability"),
        bands=(
            Band("age_band", "age", (18, 25, 40, 65), ("under 18", "18-24", "25-39", "40-64", "65 and over")),
        ),
        words=WORDS,
        timestamp=None,  # the file holds survey years only; a year is no moment
    ),
    "car_loan": Recipe(
        title="Car loan repayment",
        description="Predicts whether a customer will repay a car loan.",
        source=_SYNTHETIC,
        task="binary",
        reference_file="synthetic_car_loan_reference.csv",
        analysis_file="synthetic_car_loan_analysis.csv",
        target_file="synthetic_car_loan_analysis_target.csv",
        target="repaid",
        prediction="y_pred",
        scores={"y_score": "y_pred_proba"},
        features=_same(
            "car_value",
            "salary_range",
            "debt_to_income_ratio",
            "loan_length",
            "repaid_loan_on_prev_car",
            "size_of_downpayment",
            "driver_tenure",
        ),
        categorical=("salary_range", "repaid_loan_on_prev_car", "size_of_downpayment"),
    ),
    "car_price": Recipe(
        title="Used car price",
        description="Predicts the price of a used car.",
        source=_SYNTHETIC,
        task="regression",
        reference_file="regression_synthetic_reference.csv",
        analysis_file="regression_synthetic_analysis.csv",
        target_file="regression_synthetic_analysis_targets.csv",
        target="y_true",
        prediction="y_pred",
        scores={},
        features=_same(
            "car_age", "km_driven", "price_new", "accident_count", "door_count", "fuel", "transmission"
        ),
        categorical=("fuel", "transmission"),
        chunk_size=6000,
    ),
    "credit_card_segments": Recipe(
        title="Credit card segments",
        description="Assigns an applicant to the card that suits them: prepaid, high street or upmarket.",
        source=_SYNTHETIC,
        task="multiclass",
        reference_file="mc_reference.csv",
        analysis_file="mc_analysis.csv",
        target_file="mc_analysis_gt.csv",
        target="y_true",
        prediction="y_pred",
        scores={f"y_score_{name}": f"y_pred_proba_{name}" for name in _CARD_CLASSES},
        features=_same(
            "acq_channel",
            "app_behavioral_score",
            "requested_credit_limit",
            "app_channel",
            "credit_bureau_score",
            "stated_income",
            "is_customer",
        ),
        categorical=("acq_channel", "app_channel", "is_customer"),
        classes=_CARD_CLASSES,
    ),
    "california_housing": Recipe(
        title="California housing",
        description="Predicts whether the homes of a Californian block group are worth more than usual.",
        source="US Census 1990 block groups (Pace and Barry 1997), with a model's scores and made-up times "
        "as published by NannyML.",
        task="binary",
        reference_file="california_housing_reference.csv",
        analysis_file="california_housing_analysis.csv",
        target_file="california_housing_analysis_gt.csv",
        target="clf_target",
        prediction="y_pred",
        scores={"y_score": "y_pred_proba"},
        features={
            "MedInc": "median_income",
            "HouseAge": "house_age",
            "AveRooms": "average_rooms",
            "AveBedrms": "average_bedrooms",
            "Population": "population",
            "AveOccup": "average_occupancy",
            "Latitude": "latitude",
            "Longitude": "longitude",
        },
        bands=(
            Band(
                "house_age_band",
                "house_age",
                (15, 30, 45),
                ("under 15 years", "15-29 years", "30-44 years", "45 years and over"),
            ),
            Band(
                "income_band",
                "median_income",
                (2.5, 3.5, 5.0),
                ("low", "lower middle", "upper middle", "high"),
            ),
        ),
        chunk_size=486,  # 5,832 reference rows make twelve equal chunks
    ),
}
