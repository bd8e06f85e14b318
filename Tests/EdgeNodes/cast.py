"""The edge nodes that are played, and what must become of each: what its library can do, and where it cannot, what happens."""
import dataclasses

GROUP = "edges"
VERIFIED = ("SUCCEEDED", "VERIFIED")
REJECTED = ("REJECTED", None)


@dataclasses.dataclass(frozen=True)
class Command:
    """What is sent to the device `dev`, and how it must end: state and verification."""
    name: str
    parameter: str
    ends: tuple = VERIFIED


# Compared by identity, so that it can be a key.
@dataclasses.dataclass(frozen=True, eq=False)
class EdgeNode:
    name: str
    library: str
    program: str
    # By tag below the edge node's device, the value that each birth must give it.
    values: dict
    # The tag that the edge node counts up each second; None where no data of its can be read.
    counter: str | None
    # Sent before the takeover, in this order. The first one is sent again after it and after the second birth, and must
    # be rejected while the device is dead.
    commands: tuple
    lacks: tuple = ()
    arguments: tuple = ()
    # Whether the broker's last will, and the library's own farewell, belong to the session of the birth.
    will_counts: bool = True
    farewell_counts: bool = True

    @property
    def device(self):
        return f"{GROUP}/{self.name}"

    @property
    def devices(self):
        return (self.device, f"{self.device}/dev")

    @property
    def needs_births(self):
        """Nothing but births tells its values, so gateways ask for them again and again."""
        return self.counter is None


MACHINE = {"dev/Outputs/Speed": 100.0, "dev/Outputs/On": False, "dev/Mode": "ready"}
WRAPPED = {"dev/DATA/speed": 100.0, "dev/DATA/on": False, "dev/DATA/mode": "ready"}
WRAPPED_LACKS = (
    "a death by will that belongs to its session: births count bdSeq on (`--bdSeq` is no decrement in Python), so the edge "
    "node stays online when it dies; its devices, which have connections of their own, do not",
    "a rebirth on request by itself: `include_spb_rebirth` calls one before there is a connection, and registers nothing",
)

CAST = (
    EdgeNode(
        "pysparkplug", "pysparkplug", "edge_pysparkplug.py", MACHINE, "uptime",
        commands=(Command("setSpeed", "v=250"), Command("setSpeed", "v=0.25"), Command("switch", "on=true")),
        lacks=(
            "a rebirth on request by itself: the program connects again",
            "an orderly farewell that belongs to its session: `disconnect` sends the bdSeq of the next one, so the edge node "
            "stays online",
        ),
        farewell_counts=False),
    EdgeNode(
        "wrapper", "mqtt-spb-wrapper", "edge_mqtt_spb_wrapper.py", WRAPPED, None,
        commands=(
            # It is sent, and the library looks for another name.
            Command("setpointAsBorn", "v=7.5", ("TIMED_OUT", None)),
            Command("setpointAsObeyed", "v=7.5", REJECTED)),
        lacks=(
            "one name per metric: births say DATA/speed and CMD/setpoint, data says speed, and setpoint is obeyed; so its data "
            "means nothing, nothing can be written, and gateways ask for births",
            *WRAPPED_LACKS),
        will_counts=False),
    EdgeNode(
        "wrapper-twice", "mqtt-spb-wrapper", "edge_mqtt_spb_wrapper.py", WRAPPED, "DATA/uptime", arguments=("--twice",),
        commands=(Command("setpointAsBorn", "v=7.5"), Command("setpointAsObeyed", "v=7.5", REJECTED)),
        lacks=("one name per metric: the program sets each one under both names, and sends one", *WRAPPED_LACKS),
        will_counts=False),
    EdgeNode(
        "aiospb", "aiospb", "edge_aiospb.py", MACHINE, "uptime",
        commands=(
            Command("setSpeed", "v=250"),
            # It is carried out, and told as 0.
            Command("setSpeed", "v=0.25", ("TIMED_OUT", "MISMATCH")),
            Command("switch", "on=true")),
        lacks=(
            "fractions: what it sends of a Float or Double is rounded to a whole number",
            "the edge node's own devices in `new_edge_of_node`, which takes only those of others: the program adds its device",
        )),
)
