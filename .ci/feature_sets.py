"""Prints the sets of a package's features that the CI builds, one a line, comma-separated; the first is empty.

    python3 .ci/feature_sets.py PACKAGE

Every set while there are at most `ALL_SETS_UP_TO` features; beyond that every set of at most two, and the full one.
"""

import itertools
import json
import subprocess
import sys


def main():
    package = sys.argv[1]
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    features = [set(p["features"]) for p in metadata["packages"] if p["name"] == package]
    if len(features) != 1:
        sys.exit(f"feature_sets: no package `{package}` in the workspace")
    for chosen in sets(sorted(features[0] - {"default"})):
        print(",".join(chosen))


def sets(features):
    small = len(features) if len(features) <= ALL_SETS_UP_TO else 2
    for size in range(small + 1):
        yield from itertools.combinations(features, size)
    if small < len(features):
        yield tuple(features)


# 16 sets. Each further feature would double them.
ALL_SETS_UP_TO = 4

if __name__ == "__main__":
    main()
