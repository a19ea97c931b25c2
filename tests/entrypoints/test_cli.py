"""The command line on a real store: exit codes, JSON, and errors of one sentence."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from core.connectors.settings import PROJECT
from core.entrypoints import by_hand
from tests.entrypoints.conftest import LIGHT, SCHEDULED, Govern, answers

HEAVY = (
    *("nannyml", "shap", "pandas", "numpy", "altair", "streamlit", "fastapi", "polars", "pyarrow", "httpx"),
    *("rich", "core.analytics", "core.services.measured", "core.services.models", "core.services.oversight"),
    *("core.services.record.use_cases", "core.services.work"),
)
DIGEST, COMMIT = "ab" * 32, "cd" * 20
PROVEN = ("purpose_and_personal_data", "metrics_recorded", "model_documented", "groups_named")


def test_a_gate_opens_once_everything_is_proved(govern: Govern, moderate: str, tmp_path: Path) -> None:
    blocked = govern("decide", moderate, "--gate", "development")
    assert blocked.code == 1
    assert "Purpose and personal data recorded: no evidence yet. Submit the note" in blocked.out

    digests = ("--artifact-sha256", DIGEST, "--data-sha256", DIGEST, "--environment-sha256", DIGEST)
    version = ("version", "add", moderate, "1", "--algorithm", "Seasonal mean", "--task", "regression")
    assert govern(*version, *digests, "--commit", COMMIT, "--metric", "mae=3.2").code == 0
    paper = tmp_path / "paper.txt"
    paper.write_text("as agreed", encoding="utf-8")
    for measure in PROVEN:
        said = govern("evidence", "add", moderate, measure, "--title", "As agreed", "--file", str(paper))
        assert said.code == 0, said.err
    checked = govern("check", moderate, "--json")
    verdicts = {check["check"]: check["verdict"] for check in checked.json["checks"]}
    assert verdicts["versions_locked"] == verdicts["data_digest"] == "pass"
    assert verdicts["bias_limit"] == "cannot_tell"
    assert checked.code == 1, "what cannot be told is not a pass"
    assert govern("check", moderate, "--only", "versions_locked").code == 0

    opened = govern("decide", moderate, "--gate", "development", "--json")
    assert (opened.code, opened.json["outcome"], opened.json["decided"]) == (0, "open", True)
    shown = govern("show", moderate)
    assert shown.code == 0
    assert "Built and tested" in shown.out
    assert govern("verify").out.startswith("The record is whole")


def test_everything_that_reports_gives_json(govern: Govern, moderate: str) -> None:
    for command in (
        ["list"],
        ["show", moderate],
        ["kpis"],
        ["standings", "--by", "deadlines_met_rate"],
        ["record", "--initiative", moderate],
        ["verify"],
        ["people", "list"],
        ["policy", "check", str(PROJECT / "config" / "policy.yaml")],
    ):
        said = govern(*command, "--json")
        assert said.code == 0, (command, said.err)
        assert said.out.isascii()
        assert said.json
        plain = govern(*command)
        assert plain.code == 0
        assert "\x1b" not in plain.out


def test_the_inventory_is_searched_and_filtered(govern: Govern, moderate: str) -> None:
    govern(
        "register",
        "--name",
        "Odd sales",
        "--purpose",
        "Look at odd sales.",
        *answers(LIGHT),
        "--team",
        "Sales",
    )

    def listed(*filters: str) -> list[str]:
        return [row["initiative"] for row in govern("list", *filters, "--json").json["initiatives"]]

    assert listed() == ["odd-sales", moderate]
    assert listed("stock") == [moderate]
    assert listed("--class", "low") == ["odd-sales"]
    assert listed("--team", "Shops", "--team", "Sales") == ["odd-sales", moderate]
    assert listed("--status", "live") == []
    assert "No initiative" in govern("list", "--status", "live").out


def test_reading_the_past_records_nothing(govern: Govern, moderate: str) -> None:
    before = govern("record", "--json").json["entries"][0]["seq"]
    today = datetime.now(UTC).date().isoformat()
    said = govern("decide", moderate, "--gate", "deployment", "--as-of", today, "--json")
    assert (said.code, said.json["recorded"]) == (1, False)
    assert govern("record", "--json").json["entries"][0]["seq"] == before
    assert govern("decide", moderate, "--gate", "deployment").code == 1
    assert govern("record", "--json").json["entries"][0]["seq"] == before + 2, "with what it rested on"
    assert govern("list", "--as-of", "2026-02-01", "--json").json["initiatives"] == []


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("2999-01-01", "lies too far ahead"),
        ("2999-01-01T00:00:00Z", "lies too far ahead"),
        ("2026-02-30", "is neither a day nor a UTC time"),
        ("yesterday", "is neither a day nor a UTC time"),
        ("2026-02-01T12:00:00", "is neither a day nor a UTC time"),
        ("2026-02-01T12:00:00+02:00", "is neither a day nor a UTC time"),
        ("2025-12-31", "the record begins after 2025-12-31"),
    ],
)
def test_only_a_past_utc_moment_can_be_read(govern: Govern, store: Path, as_of: str, said: str) -> None:
    refused = govern("list", "--as-of", as_of)
    assert refused.code == 2
    assert said in refused.err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["show", "nope"], "no initiative 'nope' is registered"),
        (["decide", "nope", "--gate", "deployment"], "no initiative 'nope' is registered"),
        (["decide", "ID", "--gate", "nope"], "'nope' is no gate of class Moderate"),
        (["decide", "ID"], "missing option '--gate'"),
        (["evidence", "add", "ID", "nope", "--title", "A title", "--link", "https://x.org"], "no measure"),
        (
            ["evidence", "add", "ID", "groups_named", "--title", "A title", "--file", "/nope"],
            "cannot be read",
        ),
        (["evidence", "add", "ID", "groups_named", "--title", "A title"], "belongs to a model version"),
        (["version", "add", "ID", "1", "--algorithm", "Mean", "--task", "nope"], "task input should be"),
        (
            ["version", "add", "ID", "1", "--algorithm", "Mean", "--task", "binary", "--metric", "a"],
            "is not a pair",
        ),
        (["check", "ID", "--only", "nope"], "'nope' is no check"),
        (["override", "ID", "high", "--justification", "because"], "justification"),
        (
            ["override", "ID", "nope", "--justification", "because it must be so", "--as", "vera-validator"],
            "'nope' is no risk class",
        ),
        (["slices", "ID", "--by", "sex"], "has no model version"),
        (["decay", "ID", "--version", "9"], "has no estimates"),
        (["standings", "--by", "nope"], "measure input should be"),
        (["list", "--status", "nope"], "status input should be"),
        (["list", "--nope"], "no such option"),
        (["nope"], "no such command 'nope'"),
        (["policy"], "missing command"),
        (["policy", "check", "/nope"], "there is no file '/nope'"),
        (["policy", "compare"], "missing argument 'DRAFT|FILE'"),
        (["policy", "compare", "/nope"], "there is no file '/nope'"),
        (["policy", "compare", "P9"], "there is no policy draft 'P9'"),
        (["people", "add", "ann", "--name", "Ann Analyst"], "missing option '--role'"),
        (["show", "ID", "--as", "nobody"], "nobody is called 'nobody'"),
        (["list", "--store", "/nope/nowhere"], "there is no store"),
        (["register", "--answer", "consumers"], "'consumers' is not a pair"),
        (["register", "--name", "x", "--answer", "consumers=internal"], "--purpose must be given"),
        (["record", "--most", "0"], "invalid value for '--most'"),
    ],
)
def test_wrong_input_is_refused_in_one_sentence(
    govern: Govern, moderate: str, command: list[str], said: str
) -> None:
    refused = govern(*[moderate if part == "ID" else part for part in command])
    assert refused.code == 2
    assert refused.err.startswith("governance: ")
    assert said in refused.err
    assert refused.err.count("\n") == 1
    assert "Traceback" not in refused.err


def test_a_person_may_not_do_what_their_role_may_not(govern: Govern, moderate: str) -> None:
    refused = govern("override", moderate, "high", "--justification", "x" * 20, "--as", "bram-builder")
    assert refused.code == 2
    assert "Bram Builder may not override a classification" in refused.err
    done = govern("--as", "vera-validator", "override", moderate, "high", "--justification", "x" * 20)
    assert done.out == f"{moderate} is now in class High.\n"


@pytest.mark.parametrize(
    "where", ["core.services.process.gates.ask_gate", "core.domain.process.gates.requirement_states"]
)
def test_any_doubt_blocks(govern: Govern, moderate: str, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("the moon is full")

    monkeypatch.setattr(where, break_down)
    said = govern("decide", moderate, "--gate", "deployment", "--json")
    assert said.code == 2
    assert (said.json["outcome"], said.json["decided"]) == ("blocked", False)
    assert "Traceback" not in said.err + said.out
    assert "blocked" in govern("decide", moderate, "--gate", "deployment").out


def test_a_damaged_store_blocks(govern: Govern, moderate: str, tmp_path: Path) -> None:
    (tmp_path / "store" / "governance.duckdb").write_bytes(b"not a database" * 1000)
    said = govern("decide", moderate, "--gate", "deployment", "--json")
    assert (said.code, said.json["outcome"]) == (2, "blocked")
    assert "the store cannot be read" in said.err


def test_an_unforeseen_error_is_one_line(
    govern: Govern, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("core.services.process.initiatives.inventory_lines", break_down)
    said = govern("list")
    assert said.code == 2
    assert said.err.startswith("governance: something went wrong that should not: RuntimeError: two lines.")
    assert said.err.count("\n") == 1


def test_a_changed_row_is_named(govern: Govern, moderate: str, store: Path) -> None:
    with duckdb.connect(str(store / "governance.duckdb")) as connection:
        connection.execute("UPDATE initiative SET owner = 'mallory'")
    said = govern("verify")
    assert said.code == 1
    assert "The record is broken at entry 5" in said.out
    assert govern("verify", "--json").json["first_break"]["seq"] == 5


def test_a_newcomer_is_asked_question_by_question(
    govern: Govern, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = govern("register", "--name", "Odd sales", "--purpose", "Look at odd sales.")
    assert without.code == 2
    assert "--answer consumers=own_team|internal|partners|public" in without.err

    monkeypatch.setattr(by_hand, "_on_terminal", lambda: True)
    typed = [
        "Odd sales",
        "Look at odd sales.",
        "4",
        "n",
        "2, 3",
        "9",
        "x",
        "1",
        "1",
        "1,2",
        "1",
        "1",
        "1",
        "1",
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(typed) + "\n"))
    said = govern("register", "--json")
    assert said.code == 0, said.err
    assert said.json["initiative"] == "odd-sales"
    assert "Who uses the results?" in said.err
    given = govern("show", "odd-sales", "--json").json["initiative"]["answers"]
    assert given["regulations"] == ["personal_data", "sector_rules"]
    assert given["error_impact"] == ["rework", "small_loss"]

    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert govern("register").code == 130


def test_names_cannot_steer_the_terminal(govern: Govern, store: Path) -> None:
    name = "Approved \u202e]evil[ \u200bsales"
    said = govern(
        "register", "--name", name, "--purpose", "Look at odd sales.", *answers(SCHEDULED), "--team", "Sales"
    )
    assert said.code == 0, said.err
    for shown in (govern("list").out, govern("show", "approved-evil-sales").out):
        assert "\u202e" not in shown
        assert "\u200b" not in shown
    assert "\\u202e" in govern("list", "--json").out


def test_a_policy_is_checked_published_and_described(govern: Govern, moderate: str, tmp_path: Path) -> None:
    shipped = (PROJECT / "config" / "policy.yaml").read_text(encoding="utf-8")
    file = tmp_path / "policy.yaml"
    file.write_text(
        shipped.replace("reproducibility: 3", "reproducibility: 9", 1) + "\nodd: 1\n", encoding="utf-8"
    )
    checked = govern("policy", "check", str(file))
    assert checked.code == 2
    assert "'odd'" in checked.err
    assert govern("policy", "draft", str(file)).code == 2

    file.write_text(shipped, encoding="utf-8")
    assert "was published before" in govern("policy", "draft", str(file)).err
    file.write_text(
        shipped.replace('version: "2.0"', 'version: "2.1"', 1).replace(
            "delegation_days: 60", "delegation_days: 30"
        ),
        encoding="utf-8",
    )
    assert "longest delegation" in govern("policy", "compare", str(file)).out
    assert "Passed gates that would be shut: 0" in govern("policy", "preview", str(file)).out
    assert govern("policy", "draft", str(file), "--note", "Sixty days are long.").code == 0
    assert "longest delegation" in govern("policy", "compare", "P1").out
    assert "not approved" in govern("policy", "publish", "P1").err
    approved = ("policy", "review", "P1", "--outcome", "approved", "--note", "Read it and its preview.")
    assert "nobody reviews a policy that they drafted" in govern(*approved).err
    govern("people", "add", "rita-risk", "--name", "Rita Risk", "--role", "risk_audit")
    assert "rita-risk gets: Risk and audit." in govern("proposal", "list", "--open").out
    assert govern("proposal", "agree", "C1", "--as", "vera-validator").out == "C1 is agreed to.\n"
    assert govern(*approved, "--as", "rita-risk").out == "Draft P1 is approved.\n"
    said = f"Policy version 2.1 is published, and holds from {datetime.now(UTC).date()}.\n"
    assert govern("policy", "publish", "P1").out == said
    assert "published" in govern("policy", "drafts").out.lower()
    assert "policy 2.1" in govern("decide", moderate, "--gate", "deployment").out
    assert govern("policy", "schema").json["title"] == "Policy"


def test_somebody_new_can_act(govern: Govern, moderate: str) -> None:
    new = ("people", "add", "ann-analyst", "--name", "Ann Analyst", "--role", "business_analyst")
    said = "Ann Analyst (ann-analyst) is in the directory. Proposal C1 is on record"
    assert govern(*new, "--team", "Shops").out.startswith(said)
    assert "may not run checks" in govern("check", moderate, "--as", "ann-analyst").err
    assert govern("proposal", "agree", "C1", "--as", "vera-validator").code == 0
    assert govern("check", moderate, "--as", "ann-analyst").code in (0, 1)
    assert "is no role" in govern(*new[:-1], "nope").err
    assert "Ann Analyst" in govern("people", "list").out


def test_predictions_are_sliced(govern: Govern, moderate: str, tmp_path: Path) -> None:
    govern("version", "add", moderate, "1", "--algorithm", "Boosted trees", "--task", "binary")
    rows = [(n, "Female" if n % 2 else "Male", 0.9 if n % 4 < 2 else 0.2, int(n % 4 < 2)) for n in range(400)]
    file = tmp_path / "decisions.csv"
    lines = ["case,sex,probability,granted", *(",".join(map(str, row)) for row in rows)]
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    batch = [
        "predictions",
        "add",
        str(file),
        "--initiative",
        moderate,
        "--version",
        "1",
        "--part",
        "analysis",
    ]
    mapped = ["--task", "binary", "--score", "probability", "--prediction", "granted", "--id", "case"]
    said = govern(*batch, *mapped, "--sensitive", "sex")
    first, *notes = said.out.splitlines()
    assert first == f"400 rows are on record as analysis of {moderate} version 1."
    assert all(note.startswith("Note: ") for note in notes)
    assert "was added before" in govern(*batch, *mapped, "--sensitive", "sex").err
    assert not list((tmp_path / "store" / "incoming").iterdir())

    found = govern("slices", moderate, "--by", "sex", "--metric", "selection_rate", "--json").json
    assert {line["label"]: line["value"] for line in found["slices"]} == {"Female": 0.5, "Male": 0.5}
    assert "outcome 1 by sex" in govern("slices", moderate, "--by", "sex").out
    assert "is no metric" in govern("slices", moderate, "--by", "sex", "--metric", "nope").err
    assert govern("slices", moderate, "--by", "nope").code == 2
    assert govern("decay", moderate).code == 2


def test_deciding_imports_nothing_heavy(moderate: str, store: Path) -> None:
    asked = (
        "import sys; from core.entrypoints.cli import run;"
        f"code = run(['decide', {moderate!r}, '--gate', 'deployment', '--store', {str(store)!r}]);"
        f"print([name for name in {HEAVY!r} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stderr == ""


def test_arrow_makes_tables_where_pandas_is_left_out() -> None:
    """The command line leaves pandas out; pyarrow took that for a pandas without a version, and broke."""
    asked = (
        "import sys; from core.entrypoints.client import without_pandas\n"
        "with without_pandas():\n"
        "    import duckdb, pyarrow\n"
        "    assert pyarrow.array(['a']).to_pylist() == ['a']\n"
        "    assert duckdb.connect().execute('SELECT ?', [1]).fetchall() == [(1,)]\n"
        "    assert 'pandas' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_reader_that_leaves_is_no_error(moderate: str, store: Path) -> None:
    command = [sys.executable, "-m", "core.entrypoints.cli", "record", "--json", "--store", str(store)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_a_locale_without_the_characters_still_gets_the_rest(moderate: str, store: Path) -> None:
    command = [sys.executable, "-m", "core.entrypoints.cli", "show", moderate, "--store", str(store)]
    locale = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, env=locale, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"Weekly stock report" in done.stdout


def test_stopping_by_hand_is_no_error(govern: Govern, moderate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("core.services.process.gates.ask_gate", stop)
    said = govern("decide", moderate, "--gate", "deployment")
    assert (said.code, said.out) == (130, "")
    assert "Traceback" not in said.err


def test_no_command_takes_a_time_for_the_record(govern: Govern) -> None:
    for command in (["register"], ["evidence", "add"], ["version", "add"], ["check"], ["predictions", "add"]):
        assert "--as-of" not in govern(*command, "--help").out
