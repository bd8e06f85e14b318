"""Broker, tree, gateways and edge nodes as processes, each with its output in a file, and what the command line says of them."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from cast import GROUP

# Debian's.
ZOOKEEPER_JAR = "/usr/share/java/zookeeper.jar"
ZOOKEEPER_CLASSPATH = "/usr/share/java/*:/etc/zookeeper/conf"
PATH = os.environ["PATH"] + ":/usr/sbin"


def has_zookeeper():
    return os.path.exists(ZOOKEEPER_JAR) and shutil.which("java") is not None


def eventually(condition, seconds):
    """Whether the condition holds before so many seconds have passed."""
    end = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < end:
        time.sleep(0.1)
    return bool(holds)


def listening(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def free_port(first):
    port = first
    while listening(port):
        port += 1
    return port


class Stage:
    def __init__(self, folder, linekeeper, plant, first_port):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder, self.linekeeper, self.plant = folder, linekeeper, plant
        self.broker_port = free_port(first_port)
        self.tree_port = free_port(self.broker_port + 1)
        self.processes = []
        self.heard = []  # topics, in the order of the broker

    def run(self, command, log, **options):
        with open(self.folder / f"{log}.log", "ab") as output:
            process = subprocess.Popen(
                [str(word) for word in command], stdout=options.pop("stdout", output), stderr=output, **options)
        self.processes.append(process)
        return process

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
            if process.poll() is None:
                process.kill()
                process.wait()

    def start_broker(self):
        configuration = self.folder / "mosquitto.conf"
        configuration.write_text(f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\n")
        self.run([shutil.which("mosquitto", path=PATH), "-c", configuration], "mosquitto")
        self.need("the broker", lambda: listening(self.broker_port))
        ears = self.run(
            ["mosquitto_sub", "-p", self.broker_port, "-t", f"spBv1.0/{GROUP}/#", "-t", "spBv1.0/STATE/+", "-F", "%U %t %x"],
            "mosquitto_sub", stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, args=(ears.stdout,), daemon=True).start()

    def listen(self, lines):
        with open(self.folder / "messages.log", "w") as log:
            for line in lines:
                log.write(line)
                log.flush()
                self.heard.append(line.split()[1])

    def start_tree(self, kind):
        if kind == "zookeeper":
            configuration = self.folder / "zoo.cfg"
            configuration.write_text(
                f"tickTime=500\ndataDir={self.folder / 'tree'}\nclientPort={self.tree_port}\n"
                "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n")
            command = [
                "java", "-cp", ZOOKEEPER_CLASSPATH, "org.apache.zookeeper.server.quorum.QuorumPeerMain", configuration]
        else:
            command = [
                self.linekeeper, "tree", "serve", "--data", self.folder / "tree", "--listen", f"127.0.0.1:{self.tree_port}"]
        self.run(command, "tree")
        self.need("the tree", lambda: listening(self.tree_port))

    def start_gateway(self, name):
        self.configuration(name).write_text("\n".join([
            f"gateway: {name}", "plant: edge-nodes", f"state: {self.folder / name}", f"include: ['{self.plant}']",
            f"tree: {{ ensemble: '127.0.0.1:{self.tree_port}' }}",
            f"mqtt: {{ broker: 'mqtt://127.0.0.1:{self.broker_port}' }}", ""]))
        return self.run([self.linekeeper, "run", "--config", self.configuration(name)], f"gateway-{name}")

    def configuration(self, gateway):
        return self.folder / f"{gateway}.yaml"

    def need(self, what, condition, seconds=30):
        if not eventually(condition, seconds):
            sys.exit(f"waited in vain for {what}; see {self.folder}")

    def ask(self, *words):
        """The objects that the command line prints. Both gateways have the same tree, so either's configuration serves."""
        command = [self.linekeeper, *words, "--json", "--config", self.configuration("a")]
        output = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in output.stdout.splitlines() if line.startswith("{")]

    def tags(self):
        return {tag["tag"]: tag for tag in self.ask("tags", f"{GROUP}/#")}

    def devices(self):
        return {device["device"]: device["state"] for device in self.ask("devices", f"{GROUP}/#")}

    def active_gateway(self):
        return next((o["gateway"] for o in self.ask("status") if o.get("kind") == "alarm-processor"), None)

    def ready_gateways(self):
        return {o["gateway"] for o in self.ask("status") if o.get("kind") == "gateway" and o.get("ready")}

    def send(self, device, command, parameter):
        """How a command ended: state, verification, and the reason in words."""
        answers = self.ask("command", "send", device, command, parameter)
        last = answers[-1] if answers else {}
        return last.get("state"), last.get("verification"), last.get("detail", "")

    def count(self, kind, node, since=0):
        """How many messages of a kind the edge node sent or got since so many had been heard."""
        return self.heard[since:].count(f"spBv1.0/{GROUP}/{kind}/{node.name}")
