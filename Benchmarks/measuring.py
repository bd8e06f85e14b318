"""What measurements of the whole program share: ports, waiting, what a process costs, and clients of MQTT that cost little."""
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


def thread_changes(pid):
    """How often a thread of the process has left a processor so far."""
    count = 0
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):
            count += sum(int(line.split()[1]) for line in status.read_text().splitlines() if "ctxt_switches" in line)
    return count


def resident_mb(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) // 1024
    return 0


def rest(pid):
    """Waits until a process has nothing more to do."""
    last = -1.0
    while cpu_seconds(pid) - last > 0.05:
        last = cpu_seconds(pid)
        time.sleep(0.5)


def load_average():
    """Of the last minute: what else this machine had to do."""
    return round(os.getloadavg()[0], 1)


def median(numbers):
    """The upper one of an even number of them."""
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2]


def connect(port, name):
    """A connection of MQTT 3.1.1 to the broker at that port."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
    connection.sendall(bytes([0x10, len(body)]) + body)
    assert connection.recv(4)[3] == 0
    return connection


def compile_receiver(folder):
    """The program of bare_receiver.c."""
    program = folder / "bare_receiver"
    compiler = os.environ.get("CC") or shutil.which("cc") or "clang"
    source = pathlib.Path(__file__).parent / "bare_receiver.c"
    subprocess.run([compiler, "-O2", "-o", program, source, "-lmosquitto"], check=True)
    return program


class Publisher:
    """MQTT 3.1.1 by hand, QoS 1, many packets a system call: a load generator must cost less than what it loads."""

    def __init__(self, port, name=b"load"):
        self.socket = connect(port, name)
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


class Listener:
    """Subscribes to one topic (QoS 1) and counts what comes; with `keeps`, it keeps the payloads, too."""

    def __init__(self, port, topic, keeps=False):
        self.payloads = [] if keeps else None
        self.socket = connect(port, b"ears")
        body = b"\x00\x01" + len(topic).to_bytes(2, "big") + topic + b"\x01"
        self.socket.sendall(bytes([0x82, len(body)]) + body)
        assert self.socket.recv(5)[0] == 0x90
        self.count = 0
        self.bytes = 0
        self.heard_at = 0.0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        waiting = bytearray()
        while got := self.socket.recv(1 << 20):
            waiting += got
            self.heard_at = time.time()
            acknowledgements = bytearray()
            start = 0
            while packet := self.packet(waiting, start):
                body, end = packet
                topic = int.from_bytes(waiting[body : body + 2], "big")
                acknowledgements += b"\x40\x02" + waiting[body + 2 + topic : body + 4 + topic]
                if self.payloads is not None:
                    self.payloads.append(bytes(waiting[body + 4 + topic : end]))
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


@contextlib.contextmanager
def stage():
    """A scratch folder and what starts a process whose output goes into a file there; both are gone afterwards."""
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="linekeeper-bench-"))
    processes = []

    def run(command, log):
        with open(scratch / log, "ab") as output:
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
