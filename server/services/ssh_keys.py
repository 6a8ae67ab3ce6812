"""A person's SSH key: made by ssh-keygen, or read from what they pasted, in the format that OpenSSH keeps it in.

Nothing here computes with keys. It takes the format (PROTOCOL.key of OpenSSH) apart far enough to say what a key is.
"""

import asyncio
import base64
import hashlib
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.errors import Invalid, Unavailable

MOST_KEY: Final = 16 * 1024
KEYGEN_SECONDS: Final = 30.0
_BEGIN, _END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"
_MAGIC: Final = b"openssh-key-v1\0"
_PARTS: Final = {
    b"ssh-ed25519": 2,
    b"ssh-rsa": 6,
    b"ecdsa-sha2-nistp256": 3,
    b"ecdsa-sha2-nistp384": 3,
    b"ecdsa-sha2-nistp521": 3,
}
"""How many values follow the name of each kind in the private half; the comment comes after them."""
_FIELD: Final = "privateKey"


@dataclass(frozen=True)
class SshKey:
    """`private` is the text of an unencrypted file of OpenSSH, `public` the line that Git hosts take."""

    private: str
    public: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public.split()[1])


def fingerprint(blob: str) -> str:
    """Of a public key in base64, as OpenSSH and Git hosts show it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(blob)).digest()).decode().rstrip("=")


async def make(folder: Path) -> SshKey:
    """A new Ed25519 key. It lies in a file of `folder` that only the server reads, until this returns.

    Raises Unavailable when the server has no ssh-keygen. Cancelling ends that.
    """
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        raise Unavailable(
            "the server has no ssh-keygen: install openssh-client where Hutch runs, or paste a key made elsewhere"
        )
    with tempfile.TemporaryDirectory(dir=folder) as private:
        file = Path(private, "key")
        argv = (keygen, "-q", "-t", "ed25519", "-N", "", "-C", "hutch", "-f", str(file))
        quiet = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*argv, stdin=quiet, stdout=quiet, stderr=quiet)
        try:
            async with asyncio.timeout(KEYGEN_SECONDS):
                code = await process.wait()
        except BaseException:
            process.kill()
            await process.wait()
            raise
        if code:
            raise Unavailable("ssh-keygen of the server could not make a key; paste one that was made elsewhere")
        return read_key(await asyncio.to_thread(file.read_text))


def read_key(text: object) -> SshKey:
    """The key of a private key's text. Raises Invalid that says what it is instead, and what to do."""
    if not isinstance(text, str) or len(text) > MOST_KEY:
        raise Invalid(f"expected a private key as text of at most {MOST_KEY} characters", field=_FIELD)
    lines = [line.strip() for line in text.strip().splitlines()]
    if not lines or lines[0] != _BEGIN or lines[-1] != _END:
        raise Invalid(_why_not(text), field=_FIELD)
    encoded = "".join(lines[1:-1])
    try:
        content = base64.b64decode(encoded, validate=True)
        kind, blob, comment = _take_apart(content)
    except (ValueError, _Malformed):
        raise Invalid("the key is damaged or not whole: paste all of its file", field=_FIELD) from None
    wrapped = [encoded[at : at + 70] for at in range(0, len(encoded), 70)]
    public = f"{kind.decode()} {base64.b64encode(blob).decode()}"
    return SshKey("\n".join([_BEGIN, *wrapped, _END, ""]), f"{public} {comment}".rstrip())


def _why_not(text: str) -> str:
    if re.match(r"\s*(ssh-|ecdsa-|sk-)", text):
        return "this is the public half of a key; paste the private one, whose file has no .pub at its end"
    if "PuTTY-User-Key-File" in text:
        return "this is a key of PuTTY: export it as an OpenSSH key in PuTTYgen, without a passphrase"
    if "PRIVATE KEY-----" in text and _BEGIN not in text:
        return "this is a key in an older format: write a copy of it anew with ssh-keygen -p -N '' -f FILE"
    return f"expected a private key of OpenSSH, from {_BEGIN} to {_END}"


class _Malformed(Exception):
    pass


def _take_apart(content: bytes) -> tuple[bytes, bytes, str]:
    """Kind, public half and comment. Raises _Malformed, or Invalid for a key that can't be lent to Git."""
    if not content.startswith(_MAGIC):
        raise _Malformed
    reader = _Reader(content[len(_MAGIC) :])
    cipher = reader.value()
    reader.value(), reader.value()
    if cipher != b"none":
        raise Invalid(
            "the key is protected by a passphrase, which nobody can type when Git needs it: paste a copy without one "
            "(ssh-keygen -p -N '' -f COPY), or have a key made here",
            field=_FIELD,
        )
    if reader.number() != 1:
        raise _Malformed
    blob = reader.value()
    secret = _Reader(reader.value())
    if secret.number() != secret.number():
        raise _Malformed
    kind = secret.value()
    if kind != _Reader(blob).value():
        raise _Malformed
    if kind not in _PARTS:
        name = kind.decode(errors="replace")
        raise Invalid(f"keys of the kind {name:.40} can't be lent to Git: expected Ed25519, ECDSA or RSA", field=_FIELD)
    values = [secret.value() for _ in range(_PARTS[kind])]
    # Modulus and exponent of RSA lie the other way round in the public half.
    shared = [values[1], values[0]] if kind == b"ssh-rsa" else values[: -1 if kind == b"ssh-ed25519" else 2]
    public = _Reader(blob)
    if [public.value() for _ in range(1 + len(shared))] != [kind, *shared]:
        raise _Malformed
    comment = secret.value().decode(errors="replace")
    return kind, blob, comment if comment.isprintable() else ""


class _Reader:
    """Values behind their lengths, as SSH writes them."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self) -> int:
        return int.from_bytes(self._bytes(4), "big")

    def value(self) -> bytes:
        return self._bytes(self.number())

    def _bytes(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        if len(taken) < count:
            raise _Malformed
        self._at += count
        return taken
