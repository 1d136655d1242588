"""Compares iCalendar files with what `expected.json` beside them says, as the library `icalendar` reads them.

    scripts/check_ics.py DIRECTORY      see scripts/check-ics
"""

import collections
import datetime
import json
import pathlib
import sys

import icalendar
import vobject


def main():
    directory = pathlib.Path(sys.argv[1])
    samples = json.loads((directory / "expected.json").read_text(encoding="utf-8"))
    files, events, fields = (collections.Counter() for _ in range(3))
    wrong = []
    for sample in samples:
        raw = (directory / sample["file"]).read_bytes()
        found = list(form(raw))
        calendar = icalendar.Calendar.from_ical(raw)
        method = str(calendar["METHOD"])
        found += required(calendar, sample["method"])
        found += valid(raw)
        read = {str(event["UID"]): read_event(event) for event in calendar.walk("VEVENT")}
        expected = {event["uid"]: event for event in sample["events"]}
        if len(calendar.walk("VEVENT")) != len(read) or read.keys() != expected.keys():
            found.append(f"events {sorted(read)}, expected {sorted(expected)}")
        for uid, event in expected.items():
            for name, value in event.items():
                fields[method] += 1
                if read.get(uid, {}).get(name) != value:
                    found.append(f"{name} is {read.get(uid, {}).get(name)!r}, expected {value!r}")
        files[method] += 1
        events[method] += len(expected)
        wrong += [f"{sample['file']}: {text}" for text in found]
    print(f"icalendar {icalendar.__version__}, vobject {vobject.VERSION}, Python {sys.version.split()[0]}")
    for method in files:
        print(f"{method}: {files[method]} files, {events[method]} events, {fields[method]} fields compared")
    print("\n".join(wrong) or "all equal, all well-formed")
    if wrong or set(files) != set(REQUIRED):
        sys.exit(1)


def form(raw):
    """RFC 5545, section 3.1."""
    if not raw.endswith(b"\r\n") or raw.replace(b"\r\n", b"").count(b"\n") or raw.replace(b"\r\n", b"").count(b"\r"):
        yield "a line does not end with CRLF"
    for line in raw.split(b"\r\n")[:-1]:
        if not 1 <= len(line) <= 75:
            yield f"a line of {len(line)} octets"
        line.decode("utf-8")


def valid(raw):
    """What `vobject` finds wrong: another reader, which checks how often each property may stand where."""
    try:
        vobject.readOne(raw.decode("utf-8")).validate(raiseException=True)
    except (vobject.base.ParseError, vobject.base.ValidateError) as error:
        yield f"vobject: {error}"


def required(calendar, method):
    """RFC 5545, section 3.6, and the tables of RFC 5546, section 3.2."""
    for name in ("VERSION", "PRODID", "METHOD"):
        if name not in calendar:
            yield f"no {name}"
    if str(calendar["METHOD"]) != method or str(calendar["VERSION"]) != "2.0":
        yield f"method {calendar['METHOD']}, version {calendar['VERSION']}"
    needed, forbidden = REQUIRED[method]
    for event in calendar.walk("VEVENT"):
        if event.errors:
            yield f"errors {event.errors}"
        for name in needed:
            if name not in event:
                yield f"no {name}"
        for name in forbidden:
            if name in event:
                yield f"{name} in a {method}"
        times = [event[name].dt for name in ("DTSTART", "DTEND", "DTSTAMP")]
        if any(at.utcoffset() != datetime.timedelta(0) for at in times) or times[0] >= times[1]:
            yield f"times {times}"


def read_event(event):
    return {
        "uid": str(event["UID"]),
        "sequence": int(event["SEQUENCE"]),
        "status": str(event["STATUS"]),
        "starts": event["DTSTART"].dt.isoformat(),
        "ends": event["DTEND"].dt.isoformat(),
        "stamped": event["DTSTAMP"].dt.isoformat(),
        "summary": str(event["SUMMARY"]),
        "description": str(event["DESCRIPTION"]),
        "location": str(event["LOCATION"]),
        "organizer": [str(event["ORGANIZER"]), parameter(event["ORGANIZER"], "CN")],
        "attendees": [[str(a), parameter(a, "CN"), parameter(a, "PARTSTAT")] for a in several(event.get("ATTENDEE", []))],
    }


def parameter(value, name):
    text = value.params.get(name)
    return None if text is None else str(text)


def several(value):
    return value if isinstance(value, list) else [value]


COMMON = ("UID", "DTSTAMP", "DTSTART", "DTEND", "ORGANIZER", "SUMMARY", "SEQUENCE", "STATUS")
# What each method needs of an event, and what it may not have.
REQUIRED = {
    "REQUEST": ((*COMMON, "ATTENDEE"), ()),
    "CANCEL": ((*COMMON, "ATTENDEE"), ()),
    "PUBLISH": (COMMON, ("ATTENDEE",)),
}

if __name__ == "__main__":
    main()
