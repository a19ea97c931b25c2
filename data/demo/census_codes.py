"""Words for the codes of the American Community Survey's person file (PUMS data dictionary 2015-2018)."""

from __future__ import annotations

# Column in the file -> readable name. AGEP is a number and stays one; the rest are codes.
READABLE_NAMES = {
    "AGEP": "age",
    "SCHL": "schooling",
    "MAR": "marital_status",
    "RELP": "relationship",
    "DIS": "disability",
    "ESP": "parents_employment",
    "CIT": "citizenship",
    "MIG": "moved_last_year",
    "MIL": "military_service",
    "ANC": "ancestry_entry",
    "NATIVITY": "nativity",
    "DEAR": "hearing_difficulty",
    "DEYE": "vision_difficulty",
    "DREM": "cognitive_difficulty",
    "SEX": "sex",
    "RAC1P": "race",
    "year": "year",
}

_YES_NO = {"1": "Yes", "2": "No"}


def _span(first: int, last: int, words: str) -> dict[str, str]:
    return {str(code): words for code in range(first, last + 1)}


# Schooling's 25 codes are grouped: single grades would be slices of a few hundred people.
WORDS: dict[str, dict[str, str]] = {
    "sex": {"1": "Male", "2": "Female"},
    "race": {
        "1": "White",
        "2": "Black or African American",
        "3": "American Indian",
        "4": "Alaska Native",
        "5": "American Indian and Alaska Native (tribes specified or not)",
        "6": "Asian",
        "7": "Native Hawaiian or Pacific Islander",
        "8": "Some other race",
        "9": "Two or more races",
    },
    "disability": {"1": "With a disability", "2": "Without a disability"},
    "schooling": {
        "0": "Under 3 years old",
        "1": "No schooling completed",
        **_span(2, 11, "Preschool to grade 8"),
        **_span(12, 15, "Grades 9 to 12, no diploma"),
        **_span(16, 17, "High school diploma or GED"),
        **_span(18, 19, "Some college, no degree"),
        "20": "Associate's degree",
        "21": "Bachelor's degree",
        "22": "Master's degree",
        "23": "Professional degree",
        "24": "Doctorate",
    },
    "marital_status": {
        "1": "Married",
        "2": "Widowed",
        "3": "Divorced",
        "4": "Separated",
        "5": "Never married or under 15",
    },
    "citizenship": {
        "1": "Born in the US",
        "2": "Born in Puerto Rico or US island areas",
        "3": "Born abroad of American parents",
        "4": "US citizen by naturalization",
        "5": "Not a US citizen",
    },
    "relationship": {
        "0": "Reference person",
        "1": "Husband or wife",
        "2": "Biological child",
        "3": "Adopted child",
        "4": "Stepchild",
        "5": "Brother or sister",
        "6": "Father or mother",
        "7": "Grandchild",
        "8": "Parent-in-law",
        "9": "Son- or daughter-in-law",
        "10": "Other relative",
        "11": "Roomer or boarder",
        "12": "Housemate or roommate",
        "13": "Unmarried partner",
        "14": "Foster child",
        "15": "Other nonrelative",
        "16": "Institutional group quarters",
        "17": "Other group quarters",
    },
    "parents_employment": {
        "0": "Does not apply",
        "1": "Two parents, both in labor force",
        "2": "Two parents, father in labor force",
        "3": "Two parents, mother in labor force",
        "4": "Two parents, neither in labor force",
        "5": "Father only, in labor force",
        "6": "Father only, not in labor force",
        "7": "Mother only, in labor force",
        "8": "Mother only, not in labor force",
    },
    "moved_last_year": {
        "0": "Under 1 year old",
        "1": "Same house",
        "2": "Moved from abroad",
        "3": "Moved within the US",
    },
    "military_service": {
        "0": "Under 17 years old",
        "1": "On active duty",
        "2": "On active duty in the past",
        "3": "Reserve or National Guard training only",
        "4": "Never served",
    },
    "ancestry_entry": {
        "1": "Single",
        "2": "Multiple",
        "3": "Unclassified",
        "4": "Not reported",
    },
    "nativity": {"1": "Native", "2": "Foreign born"},
    "hearing_difficulty": _YES_NO,
    "vision_difficulty": _YES_NO,
    "cognitive_difficulty": {"0": "Under 5 years old", **_YES_NO},
}
