#!/usr/bin/env python3
"""Plays edge nodes that others wrote against two gateways: birth, data, a rebirth on request, commands, kill -9 of the active
gateway, death by will, birth again, farewell. Ends with 1 when something that must hold does not.

usage: play.py --linekeeper PATH --folder FOLDER --python LIBRARY=PYTHON … [--left-out LIBRARY=REASON …] [--tree serve|zookeeper]

Started by script/edge-nodes, which makes the Python environments.
"""
import argparse
import pathlib
import signal
import subprocess
import sys
import time

from cast import CAST, GROUP, REJECTED
from stage import Stage, eventually, has_zookeeper

HERE = pathlib.Path(__file__).resolve().parent
# A gateway that takes over spreads the requests that it finds wanted over 30 s (`RebirthRule.wideSpread`).
SILENCE = 32


def pair(text):
    key, _, value = text.partition("=")
    return key, value


def version(python, library):
    code = f"import importlib.metadata; print(importlib.metadata.version('{library}'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


class Play:
    def __init__(self, stage, pythons, cast):
        self.stage, self.pythons, self.cast = stage, pythons, cast
        self.running = {}
        self.held = {node: 0 for node in cast}
        self.broken = {node: [] for node in cast}

    # ---- what is seen ---------------------------------------------------------------------------------------------------

    def say(self, text):
        print(f"\n{time.strftime('%H:%M:%S')} {text}", flush=True)

    def check(self, node, what, holds, saw=""):
        """Counts for the edge node's verdict. `saw` is printed when it does not hold."""
        if holds:
            self.held[node] += 1
        else:
            self.broken[node].append(what)
        print(f"  {'ok ' if holds else 'NOT'}  {node.name}: {what}" + (f"; saw {saw}" if saw and not holds else ""), flush=True)

    def expect(self, node, what, condition, saw=lambda: "", seconds=15):
        holds = eventually(condition, seconds)
        self.check(node, what, holds, "" if holds else saw())

    def expect_state(self, node, devices, state):
        self.expect(
            node, f"{', '.join(devices)} {state}",
            lambda: all(self.stage.devices().get(device) == state for device in devices), self.stage.devices)

    def expect_values(self, node):
        def values():
            tags = self.stage.tags()
            return {name: tags.get(f"{node.device}/{name}", {}) for name in node.values}

        def as_born():
            # The type as well: True is no 1 here.
            return all(
                tag.get("q") == "good" and tag.get("v") == node.values[name] and type(tag["v"]) is type(node.values[name])
                for name, tag in values().items())

        self.expect(node, "values, their types and their quality are those of the birth", as_born, values)

    def counted(self, node):
        return self.stage.tags().get(f"{node.device}/{node.counter}", {})

    def expect_data(self, node):
        if node.needs_births:
            return
        begin = self.counted(node).get("v", 0)
        self.expect(
            node, "data arrives and is good",
            lambda: (tag := self.counted(node)).get("q") == "good" and tag["v"] != begin, lambda: (begin, self.counted(node)))

    def expect_end(self, node, command, ends):
        *end, detail = self.stage.send(f"{node.device}/dev", command.name, command.parameter)
        words = " ".join(word for word in ends if word)
        self.check(node, f"{command.name} {command.parameter} ends {words}", tuple(end) == ends, (*end, detail))

    # ---- what is done ---------------------------------------------------------------------------------------------------

    def start(self, node):
        self.running[node] = self.stage.run(
            [self.pythons[node.library], "-u", HERE / node.program, self.stage.broker_port, GROUP, node.name, *node.arguments],
            node.name)

    def births(self):
        for node in self.cast:
            self.start(node)
        for node in self.cast:
            self.expect_state(node, node.devices, "online")
            self.expect_values(node)
            self.expect_data(node)

    def rebirths(self):
        """A gateway that has just been started has heard no birth: it asks each edge node whose data it hears."""
        before = len(self.stage.heard)
        self.stage.start_gateway("b")
        self.stage.need("gateway b", lambda: self.stage.ready_gateways() == {"a", "b"})
        for node in self.cast:
            self.expect(
                node, "gateway b asks for a birth", lambda: self.stage.count("NCMD", node, before) >= 1,
                lambda: self.stage.heard[before:])
            self.expect(
                node, "it is born again", lambda: self.stage.count("NBIRTH", node, before) >= 1,
                lambda: self.stage.heard[before:])
            self.expect_state(node, node.devices, "online")
            self.expect_data(node)

    def commands(self):
        for node in self.cast:
            for command in node.commands:
                self.expect_end(node, command, command.ends)

    def takeover(self, active):
        before = len(self.stage.heard)
        active.kill()
        active.wait()
        self.stage.need("gateway b to take over", lambda: self.stage.active_gateway() == "b")
        for node in self.cast:
            self.expect_data(node)
            self.expect_end(node, node.commands[0], node.commands[0].ends)
        time.sleep(SILENCE)
        for node in self.cast:
            asked = self.stage.count("NCMD", node, before)
            if node.needs_births:
                print(f"  --   {node.name}: asked for {asked} births, as its data means nothing", flush=True)
            else:
                self.check(node, "nobody asks for a birth", asked == 0, f"{asked} requests")
            self.expect_state(node, node.devices, "online")

    def deaths(self):
        for node in self.cast:
            self.running[node].kill()
            self.running[node].wait()
        for node in self.cast:
            device = f"{node.device}/dev"
            self.expect_state(node, node.devices if node.will_counts else (device,), "offline")
            below = f"{node.device}/" if node.will_counts else f"{device}/"
            self.expect(
                node, f"all tags below {below} stale",
                lambda: all(tag["q"] == "stale" for name, tag in self.stage.tags().items() if name.startswith(below)),
                self.stage.tags)
            if not node.will_counts:
                self.check(node, f"{node.device} stays online", self.stage.devices().get(node.device) == "online",
                           self.stage.devices())
            self.expect_end(node, node.commands[0], REJECTED)

    def births_again(self):
        self.births()
        for node in self.cast:
            self.expect_end(node, node.commands[0], node.commands[0].ends)

    def farewells(self):
        for node in self.cast:
            self.running[node].send_signal(signal.SIGTERM)
        for node in self.cast:
            self.expect(node, "the program ends", lambda: self.running[node].poll() is not None)
        for node in self.cast:
            if node.farewell_counts:
                self.expect_state(node, node.devices, "offline")
            else:
                # Long enough for a farewell to have been taken.
                time.sleep(2)
                self.expect_state(node, node.devices, "online")

    def verdict(self, left_out):
        print()
        for node in self.cast:
            held, broken = self.held[node], self.broken[node]
            title = f"{node.name} ({node.library} {version(self.pythons[node.library], node.library)})"
            print(f"{title}: {held} of {held + len(broken)} hold" + ("" if not broken else ": NOT " + "; NOT ".join(broken)))
            for lack in node.lacks:
                print(f"    lacks {lack}")
        for library, reason in left_out.items():
            print(f"{library}: LEFT OUT, {reason}")
        failed = sum(bool(broken) for broken in self.broken.values())
        print(f"\n{len(self.cast)} edge nodes played, {failed} with failures, {len(left_out)} libraries left out")
        return bool(self.cast) and failed == 0


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--linekeeper", required=True)
    arguments.add_argument("--folder", required=True, type=pathlib.Path)
    arguments.add_argument("--python", action="append", type=pair, default=[])
    arguments.add_argument("--left-out", action="append", type=pair, default=[])
    arguments.add_argument("--tree", choices=["serve", "zookeeper"], default="zookeeper" if has_zookeeper() else "serve")
    arguments.add_argument("--first-port", type=int, default=19500)
    options = arguments.parse_args()
    pythons = dict(options.python)

    # As an exception, so that the processes end with this one.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    stage = Stage(options.folder.resolve(), options.linekeeper, HERE / "plant.yaml", options.first_port)
    play = Play(stage, pythons, [node for node in CAST if node.library in pythons])
    if not play.cast:
        play.verdict(dict(options.left_out))
        sys.exit("Nothing was played.")
    try:
        play.say(f"broker, tree ({options.tree}), gateway a")
        stage.start_broker()
        stage.start_tree(options.tree)
        active = stage.start_gateway("a")
        stage.need("gateway a", lambda: stage.active_gateway() == "a" and "spBv1.0/STATE/scada" in stage.heard)
        play.say("births and data")
        play.births()
        play.say("gateway b starts: births on request")
        play.rebirths()
        play.say("commands")
        play.commands()
        play.say("kill -9 of gateway a")
        play.takeover(active)
        play.say("kill -9 of the edge nodes: deaths by will")
        play.deaths()
        play.say("births again")
        play.births_again()
        play.say("the edge nodes leave in order")
        play.farewells()
    finally:
        stage.close()
    sys.exit(0 if play.verdict(dict(options.left_out)) else 1)


if __name__ == "__main__":
    main()
