/// How a gateway proves to the tree's servers who it is, and makes sure that they are who they should be.
package struct TreeAccess: Sendable, Equatable {
    /// Files that differ from the system's.
    package struct TLS: Sendable, Equatable {
        /// PEM file of the certificate authorities to trust; nil: those of the system.
        package var ca: String?
        /// PEM file of this gateway's certificate and those that vouch for it.
        package var certificate: String?
        package var key: String?

        package init() {}
    }

    package enum Login: Sendable {
        /// SASL with DIGEST-MD5: the password does not cross the wire.
        case sasl
        /// The `digest` scheme of access lists: the password crosses the wire; for use under TLS.
        case digest
    }

    /// nil: no TLS.
    package var tls: TLS?
    package var username: String?
    /// File whose first line is the password; read when a connection is made, never kept in the configuration.
    package var passwordFile: String?
    package var login = Login.sasl

    package init() {}
}
