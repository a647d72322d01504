#!/usr/bin/env python3
"""Checks this folder by itself: every file, the chain of the case, the invoice, the policy and the notices.

Usage: python3 verify.py [FOLDER]. It needs nothing but Python 3.8 or later and changes nothing. Exit status: 0 if
everything is as it was exported, 1 if not; each fault is named.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"


def sha256(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def canonical(manifest: dict[str, Any]) -> bytes:
    """The bytes of a manifest: it is written in this form only."""
    return (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode("utf-8")


def check(folder: Path) -> list[str]:
    """Every fault, in words."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        manifest = json.loads(raw.decode("utf-8"))
        listed = manifest["files"]
        digest = manifest.pop("digest")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        return [f"{MANIFEST}: it cannot be read: {error}"]
    faults = []
    if sha256(canonical(manifest)) != digest or canonical({**manifest, "digest": digest}) != raw:
        faults.append(f"{MANIFEST}: it was changed")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(set(listed) - there):
        faults.append(f"{name}: it is missing")
    for name in sorted(there - set(listed) - {MANIFEST}):
        faults.append(f"{name}: it is not one of the files that were exported")
    for name in sorted(set(listed) & there):
        if sha256((folder / name).read_bytes()) != listed[name]["sha256"]:
            faults.append(f"{name}: its content was changed")
    try:
        return faults + chain(folder, manifest)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        return [*faults, f"chain.jsonl: it cannot be read: {error!r}"]


def chain(folder: Path, manifest: dict[str, Any]) -> list[str]:
    """Faults of the chain, and of what its entries speak of."""
    faults, previous, place = [], "", 0
    opening: dict[str, Any] = {}
    for line in (folder / "chain.jsonl").read_text("utf-8").split("\n"):
        if not line:
            continue
        entry = json.loads(line)
        place += 1
        where = f"chain.jsonl, entry {place}"
        if entry["sequence"] != place:
            faults.append(f"{where}: it has the number {entry['sequence']}")
        if entry["previous"] != previous:
            faults.append(f"{where}: it does not follow from the entry before it")
        hashed = f"{entry['previous']}\n{manifest['case_id']}\n{entry['sequence']}\n{entry['content']}".encode()
        if sha256(hashed) != entry["hash"]:
            faults.append(f"{where}: its content does not have the hash")
        single = folder / "chain" / f"{place:06d}.txt"
        if not single.exists() or single.read_bytes() != hashed:
            faults.append(f"{where}: {single.name} has other bytes")
        previous = entry["hash"]
        opening = opening or json.loads(entry["content"])
    if place != manifest["sequence"] or previous != manifest["head_hash"]:
        faults.append(f"chain.jsonl: it ends with entry {place}, but {manifest['sequence']} were exported")
    if sha256((folder / "invoice.json").read_bytes()) != opening["invoice_fingerprint"]:
        faults.append("invoice.json: it is not the invoice that entry 1 of the chain speaks of")
    policies = {sha256(path.read_bytes()) for path in (folder / "policies").iterdir()}
    if opening["policy_digest"] not in policies:
        faults.append("policies: the one that entry 1 of the chain speaks of is missing")
    for name, digest in manifest["notices"].items():
        if sha256((folder / name).read_bytes()) != digest:
            faults.append(f"{name}: it does not have the digest that was taken before it was sent")
    return faults


def main() -> int:
    """Check the folder that is named, or else the one this file is in."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    faults = check(folder)
    for fault in faults:
        print(fault)
    print("NOT as it was exported" if faults else f"all is as it was exported ({folder.name})")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
