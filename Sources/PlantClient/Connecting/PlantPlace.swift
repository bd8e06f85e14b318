package import PlantConfiguration

/// Where a plant's tree is, and what proves to it who this program is.
package struct PlantPlace: Sendable {
    /// `host:port,…`
    package var servers: String
    /// The plant's part of the tree; nil: of the only plant that the tree holds.
    package var chroot: String?
    package var access: TreeAccess

    package init(servers: String, chroot: String?, access: TreeAccess = TreeAccess()) {
        self.servers = servers
        self.chroot = chroot
        self.access = access
    }
}
