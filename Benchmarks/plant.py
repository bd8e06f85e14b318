"""What measurements of a gateway share: broker, tree server, configuration, a plant that publishes, and what a tree must hold."""
import json
import multiprocessing
import time

from measuring import MOSQUITTO, Publisher, free_port, listening, wait_for

# Of bridge-config/mosquitto.conf what concerns speed and loss.
SHIPPED_BROKER = ("max_inflight_messages 1000", "max_queued_bytes 268435456", "set_tcp_nodelay true")
PLANT = "bench"
ROOT = f"/linekeeper/{PLANT}"
FILTER = "factory/+/+/+"
# An alarm that is evaluated with each value and never raised.
QUIET = "9.0e18"
PUBLISH_EVERY = 0.05


def start_broker(run, scratch, *settings):
    """The broker's process and port. It drops nothing for their number."""
    port = free_port()
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "max_queued_messages 0", *settings]
    (scratch / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    broker = run([MOSQUITTO, "-c", scratch / "mosquitto.conf"], "mosquitto")
    wait_for("the broker", lambda: listening(port))
    return broker, port


def start_tree(run, scratch, linekeeper, port=None):
    """The process and the port of a tree server; with a port, one that comes back with the data that it had."""
    port = port or free_port()
    server = run([
        linekeeper, "tree", "serve", "--data", scratch / "tree", "--listen", f"127.0.0.1:{port}", "--four-letter-words", "cons",
    ], "tree.log")
    wait_for("the tree", lambda: listening(port))
    return server, port


def configure(folder, mqtt, tree, alarms, route=("staleAfter: 600s",), gateway="gw1", settings=()):
    """Writes a gateway's configuration and returns its file.

    `tree` is its section in YAML's flow style; `alarms` has, by name, the filter of the tags, the limit and the priority.
    """
    folder.mkdir(exist_ok=True)
    (folder / "linekeeper.yaml").write_text("\n".join([
        f"plant: {PLANT}", f"gateway: {gateway}", f"mqtt: {{ broker: 'mqtt://127.0.0.1:{mqtt}' }}", f"tree: {tree}", *settings,
        "include: [routes.yaml, alarms.yaml]", ""]))
    (folder / "routes.yaml").write_text("\n    ".join([
        "routes:\n  - name: machines", "topic: factory/{line}/{machine}/{metric}", "device: factory/{line}/{machine}",
        "payload: json", "value: /v", *route]) + "\n")
    (folder / "alarms.yaml").write_text("alarms:\n" + "".join(
        f"  - {{ name: {name}, tags: {tags}, high: {{ limit: {limit}, priority: {priority} }} }}\n"
        for name, (tags, limit, priority) in alarms.items()))
    return folder / "linekeeper.yaml"


def ensemble(port):
    return f"{{ ensemble: '127.0.0.1:{port}' }}"


def topics(devices, tags):
    """One per tag."""
    return [f"factory/line{d % 10}/machine{d // 10}/t{t}" for d in range(devices) for t in range(tags)]


def path(topic):
    return f"{ROOT}/tags/{topic}"


def wrong_values(tree, last):
    """Of the tags whose last value, by topic, the tree does not hold: topic, last value, what it holds."""
    answers = [(topic, value, tree.get_async(path(topic))) for topic, value in last.items()]
    wrong = []
    for topic, value, answer in answers:
        try:
            held = json.loads(answer.get()[0])["v"]
        except Exception as error:
            held = repr(error)
        if held != value:
            wrong.append((topic, value, held))
    return wrong


class Plant:
    """Publishes values that grow by one from message to message, in a process of its own: so many messages per second of the
    topics in turn, and besides a value of each probe every `PUBLISH_EVERY` seconds."""

    def __init__(self, port, topics, rate, probes=()):
        self.last = {}
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=publish, args=(theirs, port, topics, list(probes), rate), daemon=True)
        self.process.start()

    @property
    def published(self):
        """How many messages, as of the last stop."""
        return max(self.last.values(), default=0)

    def fill(self):
        """One value of every tag."""
        self.ask("fill")

    def start(self):
        self.ask("start")

    def stop(self):
        """Afterwards `last` is what was published last of each tag."""
        self.ask("stop")

    def ask(self, what):
        self.pipe.send(what)
        self.last = self.pipe.recv() or self.last


def publish(pipe, port, topics, probes, rate):
    publisher, last, number, position = Publisher(port), {}, 0, 0
    others = sorted(set(topics) - set(probes))

    def send(chosen):
        nonlocal number
        messages = []
        for topic in chosen:
            number += 1
            last[topic] = number
            messages.append((topic.encode(), b'{"v":%d}' % number))
        publisher.publish(messages)

    running, due = False, 0
    while True:
        if not running or pipe.poll():
            try:
                asked = pipe.recv()
            except EOFError:
                return
            match asked:
                case "fill":
                    # In portions, so that the broker need not keep all of it.
                    for start in range(0, len(topics), 2000):
                        send(topics[start : start + 2000])
                        time.sleep(0.5)
                    pipe.send(last)
                case "start":
                    running, due = True, time.monotonic()
                    pipe.send(None)
                case "stop":
                    running = False
                    pipe.send(last)
            continue
        count = int(rate * PUBLISH_EVERY)
        send(probes + [others[(position + n) % len(others)] for n in range(count)])
        position += count
        due += PUBLISH_EVERY
        time.sleep(max(0, due - time.monotonic()))
