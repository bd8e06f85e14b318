/// Who a gateway is: the part of its registration that stays the same for as long as its process runs.
public struct GatewayIdentity: Sendable, Hashable {
    /// What tells on this machine, and on no other, whether a process still runs.
    public struct ProcessProof: Sendable, Hashable {
        /// Changes with each start of the machine's kernel (`/proc/sys/kernel/random/boot_id`).
        public var bootID: String
        /// Process ids are numbered in it (`/proc/self/ns/pid`): containers of one machine have one each.
        public var pidNamespace: String
        /// When the process started, in clock ticks since the kernel did (`/proc/<pid>/stat`): process ids come again.
        public var processStart: Int64

        public init(bootID: String, pidNamespace: String, processStart: Int64) {
            self.bootID = bootID
            self.pidNamespace = pidNamespace
            self.processStart = processStart
        }
    }

    public var gateway: String
    public var host: String
    public var pid: Int64
    public var version: String
    /// When the process started, milliseconds since 1970.
    public var started: Milliseconds
    /// Random for each start of a process; nil in the records of older gateways.
    public var life: String?
    /// nil where the machine does not say, and in the records of older gateways.
    public var proof: ProcessProof?

    public init(
        gateway: String, host: String, pid: Int64, version: String, started: Milliseconds, life: String? = nil,
        proof: ProcessProof? = nil
    ) {
        self.gateway = gateway
        self.host = host
        self.pid = pid
        self.version = version
        self.started = started
        self.life = life
        self.proof = proof
    }

    public var asLife: GatewayLife { GatewayLife(gateway: gateway, life: life, pid: pid, started: started) }

    /// Whether the process behind another registration of this name has certainly ended, so that its node may be replaced.
    ///
    /// Anything that is not proved may be a second gateway of the same name, on a machine or in a container that was cloned,
    /// say, and is left to its session.
    /// - Parameter isRunning: whether a process with that id runs in this process's own namespace that started then, or may.
    public func proves(deathOf other: GatewayIdentity, isRunning: (_ pid: Int64, _ start: Int64) -> Bool) -> Bool {
        guard other.gateway == gateway else { return false }
        // Our own node of a session that has ended.
        if let life, other.life == life { return true }
        guard let proof, let otherProof = other.proof, otherProof.bootID == proof.bootID,
            otherProof.pidNamespace == proof.pidNamespace
        else { return false }
        return !isRunning(other.pid, otherProof.processStart)
    }
}
