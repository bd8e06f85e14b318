"""Compares a run of kazoo's suite with what is expected: report.py RESULTS.xml EXPECTED.txt MINIMUM.

Prints a summary. Exit status 0: everything passed but what is expected, and at least MINIMUM tests passed.
"""

import base64
import hashlib
import importlib.metadata
import re
import sys
import xml.etree.ElementTree


def outcomes(path):
    """The outcome of each test by its name below kazoo.tests; the text of each that did not pass."""
    found, texts, seconds = {}, {}, 0.0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        name = re.sub(r"^.*kazoo\.tests\.", "", case.get("classname")) + "." + case.get("name")
        outcome, text = "passed", None
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                outcome = "skipped" if child.tag == "skipped" else "failed"
                text = child.get("message", "").split("\n")[0]
        # A test can fail and fail again when it is cleared away.
        if found.get(name) != "failed":
            found[name], texts[name] = outcome, text
        seconds += float(case.get("time", 0))
    return found, texts, seconds


def expectations(path):
    expected = {}
    with open(path) as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                outcome, name, reason = line.split(None, 2)
                expected[name] = (outcome, reason.strip())
    return expected


def changed_files():
    """The suite's files that are not as the package index delivered them."""
    for file in importlib.metadata.files("kazoo"):
        if str(file).endswith(".py") and file.hash is not None:
            digest = hashlib.new(file.hash.mode, file.read_binary()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii") != file.hash.value:
                yield str(file)


def main(results, expected_path, minimum):
    found, texts, seconds = outcomes(results)
    expected = expectations(expected_path)
    problems = ["changed since it was installed: " + name for name in changed_files()]
    for name, outcome in sorted(found.items()):
        wanted, reason = expected.get(name, ("passed", None))
        if outcome != wanted:
            problems.append("%s, expected %s: %s%s" % (outcome, wanted, name, ": " + texts[name] if texts[name] else ""))
            if outcome == "passed":
                problems[-1] += " (take it off %s)" % expected_path
        elif reason:
            print("%-8s as expected: %s: %s" % (outcome, name, reason))
    problems += ["not run: " + name for name in expected if name not in found]
    count = {kind: sum(outcome == kind for outcome in found.values()) for kind in ("passed", "failed", "skipped")}
    if count["passed"] < int(minimum):
        problems.append("%d passed; at least %s must" % (count["passed"], minimum))
    for problem in problems:
        print("PROBLEM  " + problem)
    print(
        "kazoo %s: %d tests, %d passed, %d failed, %d skipped, %d not as expected, %d s"
        % (importlib.metadata.version("kazoo"), len(found), count["passed"], count["failed"], count["skipped"], len(problems), seconds)
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
