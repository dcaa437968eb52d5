"""SHA-256 of files that come without one: recorded at the first sight, and the same ever after."""

import fcntl
import json
from pathlib import Path

from vqa.io import InputError, write_json

CHECKSUMS = Path("data") / "checksums.json"


class Checksums:
    """A JSON file of checksums by URL or by name, safe to share between processes.

    Args:
        path: the file; made with the first record.
    """

    def __init__(self, path: Path = CHECKSUMS) -> None:
        self._path = path

    def get(self, key: str) -> str | None:
        """The checksum that was recorded for ``key``, or None.

        Raises:
            InputError: if the file is not what :meth:`record` writes.
        """
        entry = self._read().get(key)
        return None if entry is None else entry["sha256"]

    def record(self, key: str, sha256: str, size: int) -> None:
        """Record the checksum and the size in bytes of ``key``, once.

        Raises:
            InputError: if another checksum was recorded before.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_name(f".{self._path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = self._read()
            earlier = known.setdefault(key, {"sha256": sha256, "bytes": size})
            if earlier["sha256"] != sha256:
                raise InputError(
                    f"{key}: sha256 is {sha256}, at the first time it was {earlier['sha256']}: get the file again, or "
                    f"remove its lines from {self._path} if the new one is right"
                )
            write_json(self._path, dict(sorted(known.items())))

    def _read(self) -> dict[str, dict]:
        if not self._path.is_file():
            return {}
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
            if not all(isinstance(entry["sha256"], str) for entry in known.values()):
                raise TypeError
        except (ValueError, TypeError, KeyError, AttributeError):
            raise InputError(f"{self._path}: not a list of checksums; remove it to record them anew") from None
        return known
