extension PartitionAssignment {
    /// How eagerly a member follows the others, and how large its part is.
    public struct Settings: Sendable, Hashable {
        /// For how long the list of members must stay the same before items move. An item whose owner is gone does not
        /// wait for it: its runner-up has it at once.
        public var settling = Duration.seconds(1)
        /// After so long they move although the list still changes.
        public var patience = Duration.seconds(10)
        /// How much more than its even part a member may have: 1 to 2, the same for all members; any other counts as the nearest.
        public var slack = 1.5
        /// How many times as many items as a member of weight 1 this member should have at first; one of
        /// ``PartitionPlan/Member/weights``. See ``PartitionAssignment/setWeight(_:)``.
        public var weight = 1
        /// Whether this member waits in the queues of the items whose runner-up it is. Each costs the tree a node and up
        /// to four watches. Without it these items wait for the next plan when their owner dies; and when a member leaves
        /// and is back within ``settling``, its items stay with it instead of moving to their runners-up and back.
        public var standsBy = true

        public init() {}
    }
}
