"""The turns of scripts/attribution-peers: see there.

    attribution_peers.py PROGRAM FOLDER [--quick] [--rounds N]

PROGRAM is `convio-attribution`, which answers a line of JSON for each line that it is told; FOLDER is for files of paths.
"""

import argparse
import collections
import contextlib
import csv
import importlib.metadata
import io
import json
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import time

with contextlib.redirect_stdout(io.StringIO()):  # both say hello
    import ChannelAttribution as ca
    import mam
    import pandas as pd
    import polars as pl


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    arguments = parser.parse_args()
    rounds = arguments.rounds or (3 if arguments.quick else 7)
    rows, origin = given()
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    print(f"paths: {origin}; python {platform.python_version()}, "
          + ", ".join(f"{name} {version}" for name, version in versions.items())
          + f"; load {os.getloadavg()[0]:.1f}\n")
    bench = Bench(arguments.program, arguments.folder)

    one_size(bench, rows, "given" if "CONVIO_PATHDATA" in os.environ else "drawn", rounds, with_slow=True)
    if not arguments.quick:
        many = drawn_like(rows, MANY)
        one_size(bench, many, "drawn like them", arguments.rounds or 3, with_slow=False)
        del many

    table("Longer paths: all 12 models here, 3 models there")
    for length in LENGTHS:
        lengths(bench, rows, length, rounds)

    table("Markov chains of orders 1 to 3")
    for order in ORDERS:
        markov(bench, rows, order, 1 if order == 3 and arguments.quick else rounds)

    table("Shapley values")
    for size in SIZES:
        shapley(bench, rows, size, min(rounds, 3))

    print(f"\nload {os.getloadavg()[0]:.1f} at the end")
    if complaints:
        sys.exit("attribution-peers: " + "; ".join(complaints))


Row = collections.namedtuple("Row", "path conversions value nulls")


def given():
    """The paths of the file, or drawn ones; and what they are."""
    name = os.environ.get("CONVIO_PATHDATA")
    if name is None:
        return drawn_rows(), "drawn, since CONVIO_PATHDATA names no file"
    with open(name, newline="", encoding="utf-8") as file:
        rows = [
            Row(of["path"], int(of["total_conversions"]), float(of["total_conversion_value"]), int(of["total_null"]))
            for of in csv.DictReader(file, delimiter=";")
        ]
    return rows, f"{len(rows):,} of the file that CONVIO_PATHDATA names"


def drawn_rows():
    draw = random.Random(1)
    rows = []
    for _ in range(FEW):
        length = min(1 + int(draw.expovariate(0.2)), 80)
        # Ten channels: a chain of order 3 may have so many states.
        path = [f"channel {min(draw.randrange(10), draw.randrange(10))}" for _ in range(length)]
        rows.append(Row(" > ".join(path), draw.choice([0, 1, 1, 2, 5]), round(draw.random() * 30, 3), draw.randrange(12)))
    return rows


def drawn_like(rows, count, length=None):
    """Other paths, with the lengths of these (or one length), the steps from channel to channel, and the counts."""
    draw = random.Random(2)
    paths = [row.path.split(" > ") for row in rows]
    firsts, steps = [path[0] for path in paths], collections.defaultdict(list)
    for path in paths:
        for channel, after in zip(path, path[1:]):
            steps[channel].append(after)
    like = []
    for _ in range(count):
        path = [draw.choice(firsts)]
        for _ in range((length or len(draw.choice(paths))) - 1):
            path.append(draw.choice(steps[path[-1]] or firsts))
        row = draw.choice(rows)
        like.append(Row(" > ".join(path), row.conversions, row.value, row.nulls))
    return like


class Ours:
    """The program that has the paths of a file."""

    def __init__(self, program, file):
        self.process = subprocess.Popen([program, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.file = json.loads(self.process.stdout.readline())

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = self.process.stdout.readline()
        if not said:
            sys.exit(f"attribution-peers: `{line}` ended the program")
        return json.loads(said)

    def seconds(self, line):
        return lambda: self.ask(line)["seconds"]

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def ours(self, rows):
        file = self.folder / "paths.csv"
        with open(file, "w", encoding="utf-8") as out:
            out.write("path;total_conversions;total_conversion_value;total_null\n")
            out.writelines(f"{row.path};{row.conversions};{row.value!r};{row.nulls}\n" for row in rows)
        return Ours(self.program, file)


def frame(rows):
    """As ChannelAttribution takes paths."""
    return pd.DataFrame(rows, columns=Row._fields)


def grouped(rows):
    """As marketing-attribution-models takes them: a row for those who converted, one for those who did not."""
    said = [(row.path, True, row.conversions, row.value) for row in rows if row.conversions]
    said += [(row.path, False, row.nulls, 0.0) for row in rows if row.nulls]
    return pl.DataFrame(said, schema=["journey", "conversion", "occurrences", "value"], orient="row")


def made(frame, by_value=False):
    return mam.MAM(
        frame, format_type="grouped_journey", channels_colname="journey", journey_with_conv_colname="conversion",
        occurrences_colname="occurrences", conversion_value_colname="value" if by_value else None,
    )


def heuristics(data):
    return ca.heuristic_models(data, "path", "conversions", var_value="value", sep=">", flg_pro=False)


def chain(data, order):
    return ca.markov_model(
        data, "path", "conversions", var_value="value", var_null="nulls", order=order, out_more=True, sep=">",
        verbose=False, flg_pro=False,
    )


def timed(work):
    def seconds():
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    return seconds


def in_turns(rounds, parts):
    """Lets the parts take turns, every second round the other way round; the first one warms up and is left out."""
    times = {name: [] for name in parts}
    for turn in range(rounds + 1):
        for name in list(parts)[:: -1 if turn % 2 else 1]:
            seconds = parts[name]()
            if turn > 0:
                times[name].append(seconds)
    return times


def one_size(bench, rows, what, rounds, with_slow):
    ours, data, groups = bench.ours(rows), frame(rows), grouped(rows)
    theirs = made(groups)
    ours.ask("journeys")
    parts = {
        "Convio, texts to touches": ours.seconds("touches"),
        "Convio, 12 models in one pass": ours.seconds("all"),
        "Convio, first, last, linear": ours.seconds("same"),
        "ChannelAttribution, first, last, linear": timed(lambda: heuristics(data)),
        "marketing-attribution-models, texts to lists": timed(lambda: made(groups)),
        "marketing-attribution-models, first, last, linear": timed(
            lambda: (theirs.run_first_click(), theirs.run_last_click(), theirs.run_linear())),
        "marketing-attribution-models, position": timed(theirs.run_position_based),
        "Convio, touches to journeys": ours.seconds("journeys"),
        "Convio, Markov 1": ours.seconds("markov 1"),
        "ChannelAttribution, Markov 1": timed(lambda: chain(data, 1)),
        "marketing-attribution-models, Markov 1": timed(lambda: theirs.run_markov(transition_to_same_state=True)),
    }
    if not with_slow:
        del parts["marketing-attribution-models, Markov 1"], parts["marketing-attribution-models, position"]
    times = in_turns(rounds, parts)
    size = f"{len(rows):,} paths {what}, {ours.file['touches']:,} touches"
    table(f"Rule models, and Markov chains of order 1: {rounds} rounds")
    for name in parts:
        line(size, name, times[name], len(rows))
    whole = [sum(of) for of in zip(times["Convio, texts to touches"], times["Convio, 12 models in one pass"])]
    chains = [sum(of) for of in zip(*(times[name] for name in (
        "Convio, texts to touches", "Convio, touches to journeys", "Convio, Markov 1")))]
    ca_rules, ca_chain = times["ChannelAttribution, first, last, linear"], times["ChannelAttribution, Markov 1"]
    mam_lists = times["marketing-attribution-models, texts to lists"]
    mam_rules = times["marketing-attribution-models, first, last, linear"]
    print(f"\n{size}: times theirs takes as long as ours\n\n| ours | theirs | median | from | to |\n|---|---|---|---|---|")
    ratio("12 models, touches at hand", "ChannelAttribution, first, last, linear",
          times["Convio, 12 models in one pass"], ca_rules)
    ratio("12 models, from texts", "ChannelAttribution, first, last, linear", whole, ca_rules)
    ratio("first, last, linear, touches at hand", "ChannelAttribution, first, last, linear",
          times["Convio, first, last, linear"], ca_rules)
    ratio("12 models, touches at hand", "marketing-attribution-models, first, last, linear, lists at hand",
          times["Convio, 12 models in one pass"], mam_rules)
    ratio("12 models, from texts", "marketing-attribution-models, first, last, linear, from texts",
          whole, [sum(of) for of in zip(mam_lists, mam_rules)])
    ratio("Markov 1, journeys at hand", "ChannelAttribution", times["Convio, Markov 1"], ca_chain)
    ratio("Markov 1, from texts", "ChannelAttribution", chains, ca_chain)
    if with_slow:
        ratio("Markov 1, journeys at hand", "marketing-attribution-models, lists at hand", times["Convio, Markov 1"],
              times["marketing-attribution-models, Markov 1"])
    compare(ours, rows, data, groups)
    ours.end()


def compare(ours, rows, data, groups):
    """The credits of both sides, where they mean the same."""
    found = ours.ask("credits")
    theirs = heuristics(data).set_index("channel_name")
    print("\n| the same by both | furthest apart, relative |\n|---|---|")
    for name, column in (("first_touch", "first_touch"), ("last_touch", "last_touch"), ("linear", "linear_touch")):
        for place, unit in ((0, "conversions"), (1, "value")):
            apart = furthest({c: of[place] for c, of in found[name].items()}, theirs[f"{column}_{unit}"])
            equal(f"ChannelAttribution, {name.replace('_', ' ')}, {unit}", apart)
    models = {"first_touch": "run_first_click", "last_touch": "run_last_click", "linear": "run_linear",
              "position_based": "run_position_based"}
    if len(rows) > FEW:
        del models["position_based"]  # it and their Markov chain take ten gigabytes for a million paths
    # Paths on which nobody converted but which have a value are told to one side alone.
    by_value = all(row.conversions or not row.value for row in rows)
    for place, unit in ((0, "conversions"), (1, "value"))[: 2 if by_value else 1]:
        peer = made(groups, by_value=place == 1)
        for name, call in models.items():
            each = getattr(peer, call)().to_polars()
            each = dict(zip(each["channels"].cast(pl.Utf8), each["attribution"]))
            apart = furthest({c: of[place] for c, of in found[name].items()}, each)
            equal(f"marketing-attribution-models, {name.replace('_', ' ')}, {unit}", apart)
    effects = ours.ask("markov 1")["worths"]
    if len(rows) <= FEW:
        peer = made(groups).run_markov(transition_to_same_state=True).metadata["removal_effect"]["removal_effect"]
        equal("marketing-attribution-models, removal effects, order 1", furthest(effects, peer))
    peer = chain(data, 1)["removal_effects"].set_index("channel_name")["removal_effects_conversion"]
    print(f"| ChannelAttribution, removal effects, order 1 (simulated: not the same) | {furthest(effects, peer):.1e} |")


def furthest(ours, theirs):
    theirs = {str(name): float(of) for name, of in dict(theirs).items()}
    return max(abs(of - theirs.get(name, 0.0)) / max(abs(of), abs(theirs.get(name, 0.0)), 1e-12) for name, of in ours.items())


def equal(what, apart):
    print(f"| {what} | {apart:.1e} |")
    if apart > 1e-9:
        complaints.append(f"{what}: {apart:.1e} apart")


def lengths(bench, rows, length, rounds):
    rows = drawn_like(rows, max(200_000 // length, 1), length)
    ours, data = bench.ours(rows), frame(rows)
    parts = {
        "Convio, texts to touches": ours.seconds("touches"),
        "Convio, 12 models in one pass": ours.seconds("all"),
        "ChannelAttribution, first, last, linear": timed(lambda: heuristics(data)),
    }
    times = in_turns(rounds, parts)
    for name in parts:
        line(f"{len(rows):,} paths of {length}", name, times[name], len(rows))
    ours.end()


def markov(bench, rows, order, rounds):
    ours, data = bench.ours(rows), frame(rows)
    ours.ask("journeys")
    states = ours.ask(f"markov {order}")["states"]
    parts = {"Convio": ours.seconds(f"markov {order}"), "ChannelAttribution": timed(lambda: chain(data, order))}
    times = in_turns(rounds, parts)
    for name in parts:
        line(f"order {order}, {states:,} states", name, times[name], len(rows))
    ours.end()


def shapley(bench, rows, size, rounds):
    """Theirs is another game: the rates of exact sets, of the last `size` channels of a path. Only the times are compared."""
    ours, theirs = bench.ours(rows), made(grouped(rows))
    ours.ask("journeys")
    channels = len(ours.ask("shapley rate")["worths"])
    parts = {f"marketing-attribution-models, sets of up to {size}": timed(lambda: theirs.run_shapley(max_size=size))}
    if size == SIZES[0]:
        parts[f"Convio, by rate, all sets of {channels}"] = ours.seconds("shapley rate")
        parts[f"Convio, by conversions, all sets of {channels}"] = ours.seconds("shapley conversions")
    times = in_turns(rounds, parts)
    for name in parts:
        line(f"{len(rows):,} paths", name, times[name], len(rows))
    ours.end()


def table(title):
    print(f"\n{title}\n\n| paths | what | ms, median | from | to | paths/s |\n|---|---|---|---|---|---|")


def line(size, name, times, paths):
    median, low, high = (1e3 * of for of in (statistics.median(times), min(times), max(times)))
    print(f"| {size} | {name} | {median:,.2f} | {low:,.2f} | {high:,.2f} | {paths / median * 1e3:,.0f} |", flush=True)


def ratio(ours_name, theirs_name, ours, theirs):
    ratios = [b / a for a, b in zip(ours, theirs)]
    print(f"| {ours_name} | {theirs_name} | **{statistics.median(ratios):.1f}x** | {min(ratios):.1f}x | {max(ratios):.1f}x |")


PACKAGES = ("ChannelAttribution", "marketing-attribution-models", "numpy", "pandas", "polars")
FEW, MANY = 10_000, 1_000_000
LENGTHS = (2, 5, 20, 100, 1_000)
ORDERS = (1, 2, 3)
SIZES = (4, 6)

complaints = []

if __name__ == "__main__":
    main()
