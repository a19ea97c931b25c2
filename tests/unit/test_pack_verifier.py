"""The pack's verifier in plain Python: Ed25519 against RFC 8032 and the library, and its zip files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.connectors.pack_verifier import ORDER, canonical, ed25519_valid, key_id, zip_parts
from core.connectors.settings import KEY_FILE, SigningKey, read_signing_key, signature_valid
from core.domain import chain
from core.domain import chain as checkpoint
from core.domain.errors import BadInput

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
]
seeds = st.binary(min_size=32, max_size=32).map(bytes.hex)


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(part) for part in (public, message, signature)]
    assert ed25519_valid(*parts)
    assert not ed25519_valid(parts[0], parts[1] + b"\0", parts[2])


@settings(max_examples=40, deadline=None)
@given(seeds, st.binary(max_size=200))
def test_what_the_library_signs_is_valid(seed: str, message: bytes) -> None:
    key = SigningKey(seed)
    signature = key.sign(message)
    assert signature_valid(key.public, message, signature)
    assert ed25519_valid(bytes.fromhex(key.public), message, bytes.fromhex(signature))


@settings(max_examples=60, deadline=None)
@given(seeds, st.binary(min_size=1, max_size=80), st.data())
def test_one_bit_anywhere_makes_it_invalid_as_the_library_says(
    seed: str, message: bytes, data: st.DataObject
) -> None:
    key = SigningKey(seed)
    parts = [bytearray.fromhex(key.public), bytearray(message), bytearray.fromhex(key.sign(message))]
    part = parts[data.draw(st.integers(0, 2))]
    part[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    public, said, signature = (bytes(part) for part in parts)
    assert not ed25519_valid(public, said, signature)
    assert not signature_valid(public.hex(), said, signature.hex())


def test_a_signature_has_one_form_only() -> None:
    public, message, signature = (bytes.fromhex(part) for part in RFC_8032[1])
    shifted = int.from_bytes(signature[32:], "little") + ORDER
    assert not ed25519_valid(public, message, signature[:32] + shifted.to_bytes(32, "little"))
    assert not ed25519_valid(public, message, signature + b"\0")
    assert not ed25519_valid(b"\xff" * 32, message, signature)


def test_the_verifier_and_the_record_encode_and_name_alike() -> None:
    value = {"b": [1.5, None, "é"], "a": {"z": True}}
    assert canonical(value) == chain.canonical(value)
    assert key_id(RFC_8032[0][0]) == checkpoint.key_id(RFC_8032[0][0])


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.text("abcdef/.-", min_size=1, max_size=12).filter(lambda name: not name.endswith("/")),
        st.binary(max_size=50),
        min_size=1,
        max_size=5,
    )
)
def test_a_zip_file_written_here_is_one_for_everybody(files: dict[str, bytes]) -> None:
    written = b"".join(zip_parts("pack", files.items()))
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            f"pack/{name}": content for name, content in files.items()
        }


def test_a_key_that_is_a_link_to_nowhere_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).symlink_to(tmp_path / "gone" / "away.key")
    with pytest.raises(BadInput, match="the signing key is a link that leads nowhere"):
        read_signing_key(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == [KEY_FILE]
