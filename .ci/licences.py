"""Checks every package of the build, for all features and platforms, against deny.toml: its licence expression
must be satisfiable with the licences under `[licenses] allow`, and it must come from crates.io or this repository.

    python3 .ci/licences.py              checks the workspace
    python3 .ci/licences.py --self-test  checks that the check can fail

It stands in for `cargo deny check licenses sources` where cargo-deny is not installed, and is stricter: it
believes only the manifest's `license`, knows no exceptions, and reads anything unusual as a refusal.
Needs Python 3.11.
"""

import collections
import json
import re
import subprocess
import sys
import tomllib


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    with open("deny.toml", "rb") as file:
        allowed = set(tomllib.load(file)["licenses"]["allow"])
    command = ["cargo", "metadata", "--format-version", "1", "--all-features", "--locked"]
    packages = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["packages"]
    refused = [(p, reason) for p in packages for reason in reasons_against(p, allowed)]
    for package, reason in refused:
        print(f"licences: {package['name']} {package['version']}: {reason}", file=sys.stderr)
    if refused or not packages:
        sys.exit(1)
    expressions = collections.Counter(p["license"] for p in packages)
    print(f"{len(packages)} packages under {len(expressions)} licence expressions, all satisfiable")


def reasons_against(package, allowed):
    source = package["source"]
    if source is not None and not source.endswith(CRATES_IO):
        yield f"comes from `{source}`"
    expression = package["license"]
    if not expression:
        yield "states no licence expression"
        return
    try:
        if not satisfiable(expression, allowed):
            yield f"`{expression}` is not satisfiable with the licences allowed in deny.toml"
    except ValueError as error:
        yield f"`{expression}` is not a licence expression: {error}"


def satisfiable(expression, allowed):
    """Whether one may choose among the alternatives so that every licence left is allowed (SPDX: AND binds closer
    than OR, WITH belongs to its licence; the old `MIT/Apache-2.0` means OR)."""
    tokens = re.findall(r"[()/]|[^\s()/]+", expression)
    position = 0

    def peek():
        return tokens[position] if position < len(tokens) else None

    def take():
        nonlocal position
        position += 1
        return tokens[position - 1]

    def any_of():
        result = all_of()
        while peek() in ("OR", "/"):
            take()
            result |= all_of()
        return result

    def all_of():
        result = one()
        while peek() == "AND":
            take()
            result &= one()
        return result

    def one():
        if peek() == "(":
            take()
            result = any_of()
            if peek() != ")":
                raise ValueError("a parenthesis is not closed")
            take()
            return result
        licence = identifier()
        if peek() == "WITH":
            take()
            licence += " WITH " + identifier()
        return licence in allowed

    def identifier():
        token = peek()
        if token is None or token in ("AND", "OR", "WITH") or not re.fullmatch(r"[A-Za-z0-9.+:-]+", token):
            raise ValueError(f"a licence should stand where `{token or 'the end'}` does")
        return take()

    result = any_of()
    if peek() is not None:
        raise ValueError(f"`{peek()}` is not expected")
    return result


def self_test():
    allowed = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Zlib"}
    cases = {
        "MIT": True,
        "MIT OR GPL-3.0-only": True,
        "GPL-3.0-only OR MIT": True,
        "MIT/GPL-3.0": True,
        "MIT AND Zlib": True,
        "MIT AND GPL-3.0-only": False,
        "GPL-3.0-only": False,
        "MIT OR Zlib AND GPL-3.0-only": True,
        "(MIT OR Zlib) AND GPL-3.0-only": False,
        "(GPL-3.0-only OR MIT) AND (Zlib OR Unlicense)": True,
        "Apache-2.0 WITH LLVM-exception": True,
        "MIT WITH LLVM-exception": False,
        "Apache-2.0+": False,
        "mit": False,
        "": None,
        "MIT OR": None,
        "(MIT": None,
        "MIT Zlib": None,
        "MIT or Zlib": None,
    }
    for expression, expected in cases.items():
        try:
            found = satisfiable(expression, allowed)
        except ValueError:
            found = None
        if found is not expected:
            sys.exit(f"licences: self-test: `{expression}` gave {found}, not {expected}")
    packages = {
        (None, "MIT"): 0,
        ("registry+x" + CRATES_IO, "MIT"): 0,
        ("git+https://example.com/x", "MIT"): 1,
        (None, None): 1,
        (None, "GPL-3.0-only"): 1,
        (None, "MIT OR"): 1,
        ("git+https://example.com/x", None): 2,
    }
    for (source, licence), expected in packages.items():
        found = list(reasons_against({"source": source, "license": licence}, allowed))
        if len(found) != expected:
            sys.exit(f"licences: self-test: ({source}, {licence}) gave {found}, not {expected} reasons")
    print("self-test passed")


# How cargo names crates.io in a package's source, whatever mirror the crates were fetched from.
CRATES_IO = "/rust-lang/crates.io-index"

if __name__ == "__main__":
    main()
