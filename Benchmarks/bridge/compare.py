#!/usr/bin/env python3
"""Loads a Linekeeper gateway and a Python bridge in turn, on the same broker and the same kind of tree server.

usage: compare.py --linekeeper PATH [--duration 10] [--rate 2000] [--tags 1000] [--runs 1] [--saturate]

For each: messages taken, processor time a message, latency from publishing to a ZooKeeper watch (a sample of the tags), and
whether every tag holds the last value in the end. Figures of one run on one machine may be compared with each other and with
nothing else; quote ratios and medians.
"""
import argparse
import contextlib
import json
import pathlib
import sys
import time

from kazoo.client import KazooClient

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import Publisher, cpu_seconds, resident_mb, stage, wait_for  # noqa: E402
from plant import QUIET, ROOT, configure, ensemble, start_broker, start_tree  # noqa: E402


def microseconds():
    return time.monotonic_ns() // 1000


def payload(value):
    return b'{"v":%d,"ts":%d,"unit":"rpm","source":"bench"}' % (value, time.time_ns() // 1_000_000)


def measure(name, start, options):
    """Starts broker, tree and what `start` starts; loads it; one dictionary of figures."""
    with stage() as (scratch, run), contextlib.ExitStack() as closing:
        _, mqtt = start_broker(run, scratch)
        _, zookeeper = start_tree(run, scratch, options.linekeeper)
        bridge, prefix = start(run, scratch, mqtt, zookeeper)
        tree = KazooClient(hosts=f"127.0.0.1:{zookeeper}")
        tree.start()
        # Before its server goes: the client would look for it without end.
        closing.callback(lambda: (tree.stop(), tree.close()))
        publisher = Publisher(mqtt)
        topics = [b"factory/line%d/machine%d/speed" % (n % 10, n // 10) for n in range(options.tags)]
        paths = [f"{prefix}/{t.decode()}" for t in topics]

        def holds(path, value):
            try:
                return json.loads(tree.get(path)[0])["v"] == value
            except Exception:
                return False

        # One message a tag makes the nodes; again until somebody listens.
        for _ in range(60):
            publisher.publish((t, payload(0)) for t in topics)
            time.sleep(0.5)
            if holds(paths[-1], 0) and holds(paths[0], 0):
                break
        wait_for("the first value of every tag", lambda: all(holds(p, 0) for p in paths))

        latencies = []

        def watched(data, stat):
            value = json.loads(data)["v"] if data else 0
            if value:
                latencies.append(microseconds() - value)

        for path in paths[:: max(1, len(paths) // 20)]:
            tree.DataWatch(path, watched)
        cpu, begin, sent_before = cpu_seconds(bridge.pid), time.monotonic(), publisher.sent
        position, turn = 0, 0.01
        while time.monotonic() - begin < options.duration:
            count = 500 if options.saturate else max(1, int(options.rate * turn))
            publisher.publish(
                (topics[(position + n) % len(topics)], payload(microseconds())) for n in range(count))
            position += count
            if not options.saturate:
                ahead = begin + (publisher.sent - sent_before) / options.rate - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)
        published = publisher.sent - sent_before
        took = time.monotonic() - begin
        final = 7_000_000
        publisher.publish((t, payload(final + n)) for n, t in enumerate(topics))
        wait_for(f"the last values ({name})", lambda: holds(paths[-1], final + len(paths) - 1), seconds=120)
        settled = time.monotonic() - begin
        wrong = sum(not holds(p, final + n) for n, p in enumerate(paths))
        cpu = cpu_seconds(bridge.pid) - cpu
        latencies.sort()
        loaded = [l for l in latencies if l < 60_000_000] or [0]
        return dict(
            name=name, published=published, offered_per_s=round(published / took), taken_per_s=round(published / settled),
            cpu_us_per_message=round(cpu / published * 1e6, 1), p50_ms=round(loaded[len(loaded) // 2] / 1000, 2),
            p99_ms=round(loaded[len(loaded) * 99 // 100] / 1000, 2), wrong_last_values=wrong, rss_mb=resident_mb(bridge.pid))


def start_python(run, scratch, mqtt, zookeeper):
    bridge = run([sys.executable, HERE / "python_bridge.py", str(mqtt), f"127.0.0.1:{zookeeper}", "/tags"], "bridge")
    wait_for("the Python bridge", lambda: "READY" in (scratch / "bridge").read_text())
    return bridge, "/tags"


def start_linekeeper(options):
    def start(run, scratch, mqtt, zookeeper):
        # An alarm on every tag: the comparison is with everything that the gateway does.
        configuration = configure(
            scratch / "gw1", mqtt, ensemble(zookeeper), {"high": ("factory/+/+/speed", QUIET, "low")},
            route=["time: /ts", "staleAfter: 600s"])
        return run([options.linekeeper, "run", "--config", configuration], "gateway"), f"{ROOT}/tags"

    return start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--duration", type=float, default=10)
    parser.add_argument("--rate", type=int, default=2000, help="messages a second")
    parser.add_argument("--saturate", action="store_true", help="as fast as the broker takes them")
    parser.add_argument("--tags", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.runs):
        results = [
            measure("python bridge", start_python, options), measure("linekeeper", start_linekeeper(options), options)]
        for result in results:
            print(json.dumps(result), flush=True)
        python, ours = results
        print(
            "processor time a message: python / linekeeper = "
            f"{python['cpu_us_per_message'] / max(0.1, ours['cpu_us_per_message']):.1f}; "
            f"taken: linekeeper / python = {ours['taken_per_s'] / max(1, python['taken_per_s']):.1f}", flush=True)
        if any(result["wrong_last_values"] for result in results):
            sys.exit("a tag does not hold its last value")


if __name__ == "__main__":
    main()
