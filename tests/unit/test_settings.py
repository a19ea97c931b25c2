"""Settings refuse wrong values loudly, and read secrets from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.connectors.settings import PROJECT, read_settings
from core.domain.errors import BadInput


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GOVERNANCE_PORT", "eighty", "GOVERNANCE_PORT.*valid integer"),
        ("GOVERNANCE_PORT", "70000", "GOVERNANCE_PORT.*65535"),
        ("GOVERNANCE_HOST", "0.0.0.0", "GOVERNANCE_HOST.*there is no login"),
        ("GOVERNANCE_STORE", "/tmp/a[b]", "GOVERNANCE_STORE.*characters"),
        ("GOVERNANCE_TOKEN", "short", "GOVERNANCE_TOKEN.*at least 16"),
        ("GOVERNANCE_API_TOKEN", "a-token-long-enough", "GOVERNANCE_API_TOKEN is not a setting"),
        ("GOVERNANCE_ISSUER", "http://login.example.org", "GOVERNANCE_ISSUER.*no https address"),
        ("GOVERNANCE_ISSUER", "https://login.example.org", "GOVERNANCE_ISSUER needs GOVERNANCE_CLIENT_ID"),
        ("GOVERNANCE_PUBLIC_ADDRESS", "http://portal.example.org", "PUBLIC_ADDRESS.*no https address"),
        ("GOVERNANCE_STROE", "/tmp/x", "GOVERNANCE_STROE is not a setting"),
        ("GOVERNANCE_CONFIG", "/nowhere", r"without a policy\.yaml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=words) as refused:
        read_settings()
    assert refused.value.remedy


def test_a_secret_is_read_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "governance_client_secret").write_text("a-token-long-enough\n")
    monkeypatch.setenv("GOVERNANCE_SECRETS", str(tmp_path))
    token = read_settings().client_secret
    assert token is not None
    assert token.get_secret_value() == "a-token-long-enough"
    assert "long-enough" not in repr(read_settings())


def test_what_is_given_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOVERNANCE_PORT", "9000")
    assert read_settings(port=9001).port == 9001
    assert read_settings().port == 9000
    assert read_settings().config == PROJECT / "config"
