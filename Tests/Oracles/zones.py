#!/usr/bin/env python3
"""Writes Tests/PlantTests/Clocks/ZoneFixture.swift: time zone files, and what Python's zoneinfo makes of local times in them.

    Tests/Oracles/zones.py              writes the fixture from /usr/share/zoneinfo of this machine
    Tests/Oracles/zones.py --compare    prints "ZONE DIGEST" for every zone of this machine, for ZoneDatabaseTests.
                                        LINEKEEPER_ZONE_DIGESTS=FILE names a file with them
"""
import base64
import io
import os
import struct
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "Pacific/Apia",
         "America/Caracas", "UTC", "Europe/Dublin"]
DATABASE = "/usr/share/zoneinfo"
FIXTURE = os.path.join(os.path.dirname(__file__), "../PlantTests/Clocks/ZoneFixture.swift")
YEARS = range(1970, 2061)
EPOCH = datetime(1970, 1, 1)
DAY = 86_400_000
QUARTER = 900_000


def day_of(year):
    return (datetime(year, 1, 1) - EPOCH).days


def slim(content):
    """The second block from 1970 on, without what the footer says as well: small enough to be checked in."""
    def header(at):
        return struct.unpack(">4sc15x6l", content[at:at + 44])
    _, _, ut, standard, leaps, times, types, characters = header(0)
    at = 44 + times * 5 + types * 6 + characters + leaps * 8 + standard + ut
    _, version, ut, standard, leaps, times, types, characters = header(at)
    at += 44
    moments = struct.unpack(f">{times}q", content[at:at + times * 8])
    indices = content[at + times * 8:at + times * 9]
    at += times * 9
    records = [content[at + i * 6:at + i * 6 + 6] for i in range(types)]
    at += types * 6
    names = content[at:at + characters]
    footer = content[at + characters + leaps * 12 + standard + ut:]
    end = 1_262_304_000 if b"," in footer else 1 << 62  # 2010: the rules of these zones are older.
    kept = [(m, i) for m, i in zip(moments, indices) if 0 <= m < end]
    first = ([0] + [i for m, i in zip(moments, indices) if m < 0])[-1]
    used = [first] + sorted({i for _, i in kept} - {first})
    block = struct.pack(f">{len(kept)}q", *[m for m, _ in kept]) + bytes(used.index(i) for _, i in kept)
    block += b"".join(records[i] for i in used) + names
    empty = struct.pack(">4sc15x6l", b"TZif", version, 0, 0, 0, 0, 1, 1) + bytes(6) + b"\0"
    return (empty + struct.pack(">4sc15x6l", b"TZif", version, 0, 0, 0, len(kept), len(used), len(names)) + block + footer)


def offset_at(zone, moment):
    """Milliseconds ahead of UTC."""
    utc = (EPOCH + timedelta(milliseconds=moment)).replace(tzinfo=timezone.utc)
    return utc.astimezone(zone).utcoffset() // timedelta(milliseconds=1)


def moments(zone, local):
    """0 skipped, 1 or 2, and the moments."""
    naive = EPOCH + timedelta(milliseconds=local)
    candidates = [local - naive.replace(tzinfo=zone, fold=fold).utcoffset() // timedelta(milliseconds=1) for fold in (0, 1)]
    real = sorted({moment for moment in candidates if moment + offset_at(zone, moment) == local})
    return (len(real), *real) if real else (0, candidates[0])


def samples(zone, year):
    """A local time of each day, and each quarter of an hour with the millisecond before it where the clocks are changed."""
    for day in range(day_of(year), day_of(year + 1)):
        yield day * DAY + day * 7_919_017 % DAY
        if offset_at(zone, day * DAY) != offset_at(zone, (day + 1) * DAY):
            for quarter in range(-96, 192):
                yield day * DAY + quarter * QUARTER - 1
                yield day * DAY + quarter * QUARTER


def digest(zone, years):
    """FNV-1a over the answers, folded to 32 bits."""
    state = 0xCBF29CE484222325
    for year in years:
        for local in samples(zone, year):
            for value in moments(zone, local):
                state = ((state ^ (value & 0xFFFFFFFFFFFFFFFF)) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return (state >> 32) ^ (state & 0xFFFFFFFF)


def literal(text, indent, width=100):
    parts = [text[at:at + width] for at in range(0, len(text), width)]
    return f'{indent}"""\n' + "\\\n".join(indent + part for part in parts) + f'\n{indent}"""'


def write():
    out = ["/// Time zone files of tzdata from 1970 on, and what Python's zoneinfo makes of local times in them.",
           "///", "/// Written by Tests/Oracles/zones.py, which says what each digest is made of.",
           "struct ZoneFixture: Sendable {", "    let name: String", "    /// The file in Base64.", "    let file: String",
           f"    /// A digest of eight hexadecimal digits for each year from {YEARS[0]} to {YEARS[-1]}.",
           "    let digests: String", "", "    static let all: [ZoneFixture] = ["]
    for name in ZONES:
        with open(f"{DATABASE}/{name}", "rb") as file:
            content = slim(file.read())
        zone = zoneinfo.ZoneInfo.from_file(io.BytesIO(content), name)
        digests = "".join(f"{digest(zone, [year]):08x}" for year in YEARS)
        out += ["        ZoneFixture(", f'            name: "{name}",', "            file:",
                literal(base64.b64encode(content).decode(), " " * 16) + ",", "            digests:",
                literal(digests, " " * 16, 80) + "),"]
        print(name, len(content), file=sys.stderr)
    out += ["    ]", "}", ""]
    with open(FIXTURE, "w") as file:
        file.write("\n".join(out))


def compare():
    for name in sorted(zoneinfo.available_timezones()):
        print(name, f"{digest(zoneinfo.ZoneInfo(name), YEARS):08x}", flush=True)


if sys.argv[1:] == ["--compare"]:
    compare()
elif len(sys.argv) == 1:
    write()
else:
    sys.exit(__doc__)
