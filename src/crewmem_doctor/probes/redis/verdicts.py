"""What a server's own words mean for memory. Pure: an answer of `steps.look` goes in, a verdict comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from crewmem_doctor.model.record import dataclass
from crewmem_doctor.probes.session import Verdict

QUIET = 900             # seconds that a crash may cost without being reported: what `save 900 1` promises
NEARLY_FULL = 0.9
AOF = "appendonly yes\nappendfsync everysec"
NOEVICTION = "maxmemory-policy noeviction"
FSYNC = {
    "always": "a write is on disk before it is answered",
    "everysec": "a crash of the machine loses the last one or two seconds",
    "no": "a crash of the machine loses what the operating system had not written yet, often 30 seconds",
}


@dataclass(frozen=True, slots=True)
class Seen:
    """An answer of `steps.look`, read."""

    info: Mapping[str, Any]
    config: Mapping[str, str]
    hidden: Mapping[str, str]
    keys: Mapping[str, int]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Seen:
        return cls(answer["info"], answer["config"], answer["hidden"], answer["keys"])

    def number(self, name: str) -> int | None:
        word = str(self.info.get(name))
        return int(word) if word.isdecimal() else None

    @property
    def appends(self) -> bool | None:
        """Whether there is an append-only file; None where neither command says so."""
        enabled = self.number("aof_enabled")
        if enabled is not None:
            return enabled != 0
        said = self.config.get("appendonly")
        return None if said is None else said == "yes"

    @property
    def saves(self) -> tuple[tuple[int, int], ...] | None:
        """The save points as (seconds, writes); None where CONFIG does not say."""
        said = self.config.get("save")
        if said is None:
            return None
        words = said.split()
        return tuple((int(words[i]), int(words[i + 1])) for i in range(0, len(words) - 1, 2))

    @property
    def policy(self) -> str:
        return str(self.info.get("maxmemory_policy") or self.config.get("maxmemory-policy") or "")

    @property
    def limit(self) -> int | None:
        number = self.number("maxmemory")
        if number is not None:
            return number
        said = self.config.get("maxmemory", "")
        return int(said) if said.isdecimal() else None

    @property
    def server(self) -> str:
        """Name and version, as far as INFO says."""
        if "valkey_version" in self.info:
            return f"Valkey {self.info['valkey_version']}"
        if "rlec_version" in self.info:
            return f"Redis Enterprise {self.info['rlec_version']}"
        return f"Redis {self.info['redis_version']}" if "redis_version" in self.info else ""

    def why(self, *commands: str) -> str:
        """Why something cannot be seen."""
        told = [f"{name} is not allowed here ({self.hidden[name]})" for name in commands if name in self.hidden]
        return " and ".join(told) or f"{' and '.join(commands)} do not say"


def database(seen: Seen, check: Verdict, *, number: int) -> None:
    known = seen.config.get("databases")
    cluster = seen.number("cluster_enabled")
    of = f" of {known}" if known and not cluster else ""
    held = seen.keys.get(f"db{number}")
    what = f", which holds {held or 0} key{'' if held == 1 else 's'}" if seen.keys else ""
    others = sorted(int(name[2:]) for name in seen.keys if name != f"db{number}" and name[2:].isdecimal())
    beside = f"; others in use: {', '.join(map(str, others))}" if others else ""
    check.passed(f"logical database {number}{of}{what}{beside}")


def configuration(seen: Seen, check: Verdict) -> None:
    beside = f" ({seen.server})" if seen.server else ""
    if seen.hidden:
        unseen = {"CONFIG": "save points and the policy of syncing", "INFO": "role, limits and counters"}
        missing = [name for name in unseen if name in seen.hidden]
        check.skipped(f"{seen.why(*missing)}: {' and '.join(unseen[name] for name in missing)} could not be seen"
                      f"{beside}; the service's own console shows them")
    elif not seen.config:
        check.skipped("CONFIG answers nothing here: save points and the policy of syncing could not be seen")
    else:
        check.passed(f"CONFIG and INFO can be seen{beside}")


def role(seen: Seen, check: Verdict) -> None:
    said = seen.info.get("role")
    if said is None:
        check.skipped(seen.why("INFO"))
    elif said == "master":
        followers = seen.number("connected_slaves") or 0
        check.passed("a primary" + (f" with {followers} replica{'' if followers == 1 else 's'}" if followers else ""))
    else:
        primary = f"{seen.info.get('master_host', '?')}:{seen.info.get('master_port', '?')}"
        writable = seen.info.get("slave_read_only") == 0
        link = "" if seen.info.get("master_link_status") == "up" else ", and the link to it is down"
        detail = f"this is a replica of {primary}{link}"
        detail += "; it takes writes, and its primary overwrites them" if writable else "; it takes no writes"
        check.failed(detail, remedy="Use the primary's address", snippet=f"redis://{primary}/0")


def persistence(seen: Seen, check: Verdict) -> None:
    appends, saves = seen.appends, seen.saves
    if appends:
        sync = seen.config.get("appendfsync", "")
        window = FSYNC.get(sync)
        check.passed(f"appendonly yes, appendfsync {sync}: {window}" if window else
                     f"appendonly yes; how often it is synced could not be seen: {seen.why('CONFIG')}")
    elif appends is None and saves is None:
        check.skipped(seen.why("CONFIG", "INFO"))
    elif saves is None:
        check.skipped(f"no append-only file, and the save points could not be seen: {seen.why('CONFIG')}")
    elif appends is None and not saves:
        check.skipped('save "", and whether there is an append-only file could not be seen')
    elif not saves:
        check.failed('nothing is written to disk: save "" and appendonly no, so a restart loses everything',
                     remedy="Let the server append every write to a file on a volume", snippet=AOF)
    else:
        _snapshots(saves, check)


def _snapshots(saves: tuple[tuple[int, int], ...], check: Verdict) -> None:
    """Save points only. An orderly stop saves; a crash loses what came after the last save."""
    points = " ".join(f"{seconds} {writes}" for seconds, writes in saves)
    alone = [seconds for seconds, writes in saves if writes <= 1]
    shown = f'snapshots only (save "{points}", appendonly no)'
    remedy = "Let the server append every write to a file"
    if not alone:
        fewest = min(writes for _, writes in saves)
        check.failed(f"{shown}: fewer than {fewest} writes are not saved until the server stops in an orderly way; a "
                     "crash loses them", remedy=remedy, snippet=AOF, minor=True)
    elif min(alone) > QUIET:
        check.failed(f"{shown}: a crash loses the writes of up to {span(min(alone))}", remedy=remedy, snippet=AOF,
                     minor=True)
    else:
        check.passed(f"{shown}: a crash loses the writes of up to {span(min(alone))}")


def span(seconds: int) -> str:
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds >= 2 * size or seconds == size:
            count = round(seconds / size)
            return f"{count} {name}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def eviction(seen: Seen, check: Verdict) -> None:
    policy, limit = seen.policy, seen.limit
    if not policy:
        check.skipped(seen.why("INFO", "CONFIG"))
    elif policy.startswith("allkeys-") and limit is None:
        check.skipped(f"maxmemory-policy {policy}; whether there is a limit could not be seen: {seen.why('INFO')}")
    elif policy.startswith("allkeys-") and limit:
        check.failed(f"maxmemory-policy {policy} with maxmemory {_size(limit)}: when that is reached, any record may "
                     f"be thrown away{_used(seen, limit)}", snippet=NOEVICTION,
                     remedy="Let the server refuse writes rather than drop records")
    elif policy.startswith("allkeys-"):
        check.passed(f"maxmemory-policy {policy}, but maxmemory is 0: without a limit nothing is thrown away")
    elif policy.startswith("volatile-"):
        check.passed(f"maxmemory-policy {policy}: only keys with a lifetime are thrown away"
                     + (f"{_used(seen, limit)}" if limit else ", and maxmemory is 0"))
    else:
        check.passed(f"maxmemory-policy {policy}: nothing is thrown away" + (
            f"; at {_size(limit)} writes are refused{_used(seen, limit)}" if limit else ""))


def _used(seen: Seen, limit: int) -> str:
    used = seen.number("used_memory")
    return "" if used is None else f" ({100 * used / limit:.0f} % is used)"


def _size(count: int) -> str:
    for size, unit in ((1 << 30, "gb"), (1 << 20, "mb"), (1 << 10, "kb")):
        if count >= size:
            return f"{count / size:.1f}".removesuffix(".0") + unit
    return str(count)


def last_save(seen: Seen, check: Verdict) -> None:
    """A snapshot that failed on a server that also appends to a file is a warning of a full disk."""
    appends, saves = seen.appends, seen.saves
    statuses = {name: seen.info.get(name) for name in (
        "aof_last_write_status", "rdb_last_bgsave_status", "aof_last_bgrewrite_status")}
    if all(value is None for value in statuses.values()):
        check.skipped(seen.why("INFO"))
    elif appends and statuses["aof_last_write_status"] == "err":
        check.failed("the last write to the append-only file failed (aof_last_write_status err)", remedy=_SPACE,
                     snippet=_DIR)
    elif statuses["rdb_last_bgsave_status"] == "err" and saves != ():
        stops = seen.config.get("stop-writes-on-bgsave-error", "")
        then = {"no": ", and writes are taken all the same", "yes": ", and writes are refused until one succeeds"}
        check.failed("the last snapshot failed (rdb_last_bgsave_status err)" + (
            f"{then[stops]} (stop-writes-on-bgsave-error {stops})" if stops in then else ""),
            remedy=_SPACE, snippet=_DIR, minor=bool(appends))
    elif appends and statuses["aof_last_bgrewrite_status"] == "err":
        check.failed("the append-only file could not be rewritten (aof_last_bgrewrite_status err): it grows until the "
                     "disk is full", remedy=_SPACE, snippet=_DIR, minor=True)
    elif not appends and saves == ():
        check.skipped("nothing is ever saved")
    else:
        blind = seen.config.get("stop-writes-on-bgsave-error") == "no" and not appends
        check.passed("the last save succeeded" + (
            "; a failing one would go unnoticed (stop-writes-on-bgsave-error no)" if blind else ""))


_SPACE = "Free space where the server saves, and give its user that directory"
_DIR = "dir /data     # on a volume with free space, owned by the server's user"


def evictions(seen: Seen, check: Verdict) -> None:
    count = seen.number("evicted_keys")
    if count is None:
        check.skipped(seen.why("INFO"))
    elif not count:
        check.passed("no key was thrown away since the counter began")
    else:
        keys = f"{count} key{' was' if count == 1 else 's were'} thrown away since the counter began"
        still = seen.policy.startswith("allkeys-") and bool(seen.limit)
        kind = "any key may be the next" if still else (
            "keys with a lifetime only, by today's policy" if seen.policy.startswith("volatile-") else
            "by a policy that no longer holds")
        check.failed(f"{keys} (evicted_keys): {kind}", remedy="Give the server more memory, and let it refuse writes "
                     "rather than drop records", snippet=NOEVICTION, minor=not still)


Judge = Callable[[Seen, Verdict], None]


def judges(number: int) -> tuple[tuple[str, Judge], ...]:
    """The checks that one look decides, in the order in which they are told."""
    return (
        ("database", partial(database, number=number)), ("configuration", configuration), ("role", role),
        ("persistence", persistence), ("eviction", eviction), ("last-save", last_save), ("evictions", evictions),
    )
