#!/usr/bin/env python3
"""Raises the alarms of very many tags at once, and asks the command line about them while they stand.

usage: compare.py --linekeeper PATH [--beside PATH] [--tags 10000] [--runs 1]

For each program: seconds until a listener has heard the event of every alarm, and how many times as long that is as a bare
client takes to send as many messages of that size through the same broker; processor time; memory a tag; and seconds that
status, tags, alarms and devices take. `--beside` measures another build in turn. Figures of one run on one machine may be
compared with each other and with nothing else; quote ratios and medians.
"""
import argparse
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from measuring import MOSQUITTO, Publisher, cpu_seconds, free_port, listening, resident_mb, stage, wait_for  # noqa: E402


class Listener:
    """Subscribes to one topic (QoS 1) and counts what comes."""

    def __init__(self, port, topic):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = b"\x00\x04MQTT\x04\x02\x00\x00\x00\x04ears"
        self.socket.sendall(bytes([0x10, len(body)]) + body)
        assert self.socket.recv(4)[3] == 0
        body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
        self.socket.sendall(bytes([0x82, len(body)]) + body)
        assert self.socket.recv(5)[0] == 0x90
        self.count = 0
        self.bytes = 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        waiting = bytearray()
        while got := self.socket.recv(1 << 20):
            waiting += got
            acknowledgements = bytearray()
            start = 0
            while packet := self.packet(waiting, start):
                body, end = packet
                topic = int.from_bytes(waiting[body : body + 2], "big")
                acknowledgements += b"\x40\x02" + waiting[body + 2 + topic : body + 4 + topic]
                self.count += 1
                self.bytes += end - body
                start = end
            del waiting[:start]
            if acknowledgements:
                self.socket.sendall(acknowledgements)

    @staticmethod
    def packet(data, start):
        """Where the body of the packet at `start` begins and ends; None when it has not come as a whole."""
        length, shift, position = 0, 0, start + 1
        while position < len(data):
            length |= (data[position] & 0x7F) << shift
            shift += 7
            position += 1
            if data[position - 1] < 0x80:
                return (position, position + length) if len(data) >= position + length else None
        return None


def bare(mqtt, count, size):
    """Seconds for as many messages of that size from a bare client to a bare client."""
    listener, publisher = Listener(mqtt, b"bare"), Publisher(mqtt)
    begin = time.monotonic()
    publisher.publish((b"bare", bytes(size)) for _ in range(count))
    wait_for("the bare messages", lambda: listener.count >= count, seconds=120)
    return time.monotonic() - begin


def measure(linekeeper, tags):
    with stage() as (scratch, run):
        mqtt, tree = free_port(), free_port()
        (scratch / "mosquitto.conf").write_text(
            f"listener {mqtt} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
            "max_inflight_messages 2000\n")
        run([MOSQUITTO, "-c", scratch / "mosquitto.conf"], "mosquitto")
        wait_for("the broker", lambda: listening(mqtt))
        (scratch / "linekeeper.yaml").write_text(
            f"plant: bench\ngateway: bench\nmqtt:\n  broker: mqtt://127.0.0.1:{mqtt}\ntree:\n"
            f"  embedded: {{ data: {scratch}/tree, listen: \"127.0.0.1:{tree}\" }}\ninclude: [routes.yaml, alarms.yaml]\n")
        (scratch / "routes.yaml").write_text(
            "routes:\n  - name: machines\n    topic: factory/{line}/{machine}/{metric}\n"
            "    device: factory/{line}/{machine}\n    payload: json\n    value: /v\n    reporting: onChange\n")
        (scratch / "alarms.yaml").write_text(
            "alarms:\n  - name: hot\n    tags: factory/+/+/temperature\n    high: { limit: 85, priority: high }\n")
        gateway = run([linekeeper, "run", "--config", scratch / "linekeeper.yaml"], "gateway")
        wait_for("the gateway", lambda: "the broker is heard" in (scratch / "gateway").read_text())
        alone = resident_mb(gateway.pid)

        def rest():
            last = -1.0
            while cpu_seconds(gateway.pid) - last > 0.05:
                last = cpu_seconds(gateway.pid)
                time.sleep(0.5)

        def ask(what):
            begin = time.monotonic()
            answer = subprocess.run(
                [linekeeper, what, "--config", scratch / "linekeeper.yaml"], capture_output=True, check=False)
            # 3 says that something is wrong with the plant, such as a gateway that this machine lets wait.
            if answer.returncode not in (0, 3):
                sys.exit(f"{what}: exit status {answer.returncode}: {answer.stderr.decode()}")
            return round(time.monotonic() - begin, 2)

        topics = [b"factory/line%d/machine%d/temperature" % (n // 100, n % 100) for n in range(tags)]
        publisher = Publisher(mqtt)
        publisher.publish((topic, b'{"v":20}') for topic in topics)
        rest()
        loaded = resident_mb(gateway.pid)
        listener = Listener(mqtt, b"linekeeper/bench/alarm-events")
        cpu, begin = cpu_seconds(gateway.pid), time.monotonic()
        publisher.publish((topic, b'{"v":90}') for topic in topics)
        wait_for("the event of every alarm", lambda: listener.count >= tags, seconds=120)
        took, cpu = time.monotonic() - begin, cpu_seconds(gateway.pid) - cpu
        rest()
        floor = bare(mqtt, tags, listener.bytes // tags)
        return dict(
            linekeeper=str(linekeeper), tags=tags, all_announced_s=round(took, 2), bare_s=round(floor, 2),
            times_bare=round(took / floor, 1), cpu_s=round(cpu, 2),
            memory_bytes_per_tag=round((loaded - alone) * (1 << 20) / tags),
            **{what + "_s": ask(what) for what in ("status", "tags", "alarms", "devices")})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--linekeeper", required=True)
    parser.add_argument("--beside", help="another build, measured in turn")
    parser.add_argument("--tags", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    for _ in range(options.runs):
        for linekeeper in filter(None, [options.beside, options.linekeeper]):
            print(json.dumps(measure(linekeeper, options.tags)), flush=True)


if __name__ == "__main__":
    main()
