"""The servers that are compared: each on a free port, with a folder of its own on the same disk, synchronising it."""
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def grants_session(port):
    """Opens a session with a bare ConnectRequest and closes it; whether the server granted it."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.settimeout(2)
            body = struct.pack(">iqiqi", 0, 0, 10000, 0, 16) + bytes(17)
            s.sendall(struct.pack(">i", len(body)) + body)
            head = s.recv(4, socket.MSG_WAITALL)
            if len(head) < 4:
                return False
            answer = s.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL)
            granted = struct.unpack(">i", answer[4:8])[0] > 0
            if granted:
                s.sendall(struct.pack(">iii", 8, 1, -11))
                s.recv(64)
            return granted
    except OSError:
        return False


class Server:
    name = "?"

    def __init__(self, scratch):
        self.folder = pathlib.Path(scratch) / self.name.replace(" ", "-")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.process = None
        self.port = free_port()

    def command(self):
        raise NotImplementedError

    def start(self):
        """Starts it on what data there is; seconds until it granted a session."""
        with open(self.folder / "log", "ab") as log:
            begin = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=subprocess.STDOUT)
        while not grants_session(self.port):
            if self.process.poll() is not None or time.monotonic() - begin > 60:
                sys.exit(f"{self.name} did not start:\n" + (self.folder / "log").read_text()[-2000:])
            time.sleep(0.001)
        return time.monotonic() - begin

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process = None

    def empty(self):
        """Stops it and removes its data."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def resident_mb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0

    def processor_seconds(self):
        """What the process has used so far, of all its threads."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


class Linekeeper(Server):
    name = "linekeeper"

    def __init__(self, scratch, binary):
        super().__init__(scratch)
        self.binary = binary

    def command(self):
        return [self.binary, "tree", "serve", "--data", self.data, "--listen", self.address, "--max-client-connections", "0"]


class ApacheZooKeeper(Server):
    """Debian's package, with `forceSync` as it is by default: on."""

    name = "zookeeper 3.8"

    def command(self):
        self.data.mkdir(exist_ok=True)
        configuration = self.folder / "zoo.cfg"
        configuration.write_text(
            f"tickTime=2000\ndataDir={self.data}\nclientPort={self.port}\nclientPortAddress=127.0.0.1\n"
            "admin.enableServer=false\nmaxClientCnxns=0\n")
        flags = os.environ.get("ZOOKEEPER_JVM_FLAGS", "").split()
        return ["java", *flags, "-Dlog4j2.level=OFF", "-cp", "/usr/share/java/zookeeper.jar",
                "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration]
