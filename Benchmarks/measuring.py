"""What measurements of the whole program share: ports, waiting, what a process costs, and a publisher that costs little."""
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    sys.exit(f"waited in vain for {what}")


def listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


class Publisher:
    """MQTT 3.1.1 by hand, QoS 1, many packets a system call: a load generator must cost less than what it loads."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = b"\x00\x04MQTT\x04\x02\x00\x00\x00\x04load"
        self.socket.sendall(bytes([0x10, len(body)]) + body)
        assert self.socket.recv(4)[3] == 0
        self.acknowledged = 0
        self.sent = 0
        threading.Thread(target=self.count_acknowledgements, daemon=True).start()

    def count_acknowledgements(self):
        while True:
            got = self.socket.recv(65536)
            if not got:
                return
            self.acknowledged += len(got) / 4  # a PUBACK has four bytes

    def publish(self, messages):
        out = bytearray()
        for topic, payload in messages:
            self.sent += 1
            body = len(topic).to_bytes(2, "big") + topic + ((self.sent - 1) % 65535 + 1).to_bytes(2, "big") + payload
            length = len(body)
            out += bytes([0x32]) + (bytes([length]) if length < 128 else bytes([length & 0x7F | 0x80, length >> 7])) + body
        self.socket.sendall(out)
        while self.sent - self.acknowledged > 20000:
            time.sleep(0.001)


@contextlib.contextmanager
def stage():
    """A scratch folder and what starts a process whose output goes into a file there; both are gone afterwards."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="linekeeper-bench-"))
    processes = []

    def run(command, log):
        with open(scratch / log, "wb") as output:
            processes.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT))
        return processes[-1]

    try:
        yield scratch, run
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(scratch, ignore_errors=True)
