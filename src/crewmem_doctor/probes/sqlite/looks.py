"""What a file is, from its first bytes. Nothing is opened as a database: even a reader may leave files beside it."""

from __future__ import annotations

MAGIC = b"SQLite format 3\0"
SAMPLE = 4096
_OTHERS = (
    (b"\x1f\x8b", "a gzip file"), (b"PK\x03\x04", "a zip file"), (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was not fetched"),
    (b"** This file contains an SQLite 2", "an SQLite 2 database"), (b"PGDMP", "a dump of Postgres"),
    (b"%PDF", "a PDF"), (b"PAR1", "a Parquet file"), (b"\x7fELF", "a program"), (b"MZ", "a program"),
    (b"-----BEGIN", "a PEM file"),
)


def looks(sample: bytes, size: int) -> tuple[str, str]:
    """A word and a phrase: "sqlite", "empty", "zeros", "other" (a known kind of file) or "unknown", which may be an
    encrypted database. `sample` is the beginning of a file of `size` bytes."""
    if not size:
        return "empty", "empty"
    if sample.startswith(MAGIC):
        return "sqlite", "an SQLite database"
    if not sample.strip(b"\0"):
        return "zeros", "nothing but zeros at its beginning, as a crash can leave a file"
    if sample[8:12] == b"DUCK":
        return "other", "a DuckDB database"
    for magic, name in _OTHERS:
        if sample.startswith(magic):
            return "other", name
    try:
        text = sample[:1024].decode("utf-8", "ignore")
    except ValueError:
        text = ""
    if text and len(text.encode()) >= len(sample[:1024]) - 3 and all(c.isprintable() or c in "\t\r\n\f" for c in text):
        return "other", "a text file"
    if size % 512:      # every database, encrypted or not, is made of pages
        return "other", "neither an SQLite database nor made of pages as an encrypted one is"
    return "unknown", "an encrypted database or damaged: it does not begin as SQLite's files do"


def journal(sample: bytes) -> str:
    """"wal" or "rollback", as the header of a database says (sqlite.org/fileformat2.html, bytes 18 and 19)."""
    return "wal" if sample[18:20] == b"\2\2" else "rollback"
