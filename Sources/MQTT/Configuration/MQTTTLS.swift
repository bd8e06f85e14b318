/// Whom to trust and who we are, for `mqtts`.
public struct MQTTTLS: Sendable, Hashable {
    /// The authorities that may have signed the broker's certificate (PEM); nil: those of the operating system.
    public var caFile: String?
    /// Our certificate and its key (PEM), when the broker asks for one. Both or neither.
    public var certificateFile: String?
    public var keyFile: String?
    /// What the key file is encrypted with.
    public var keyPassword: String?
    /// Whether the broker's certificate must name the host that we connect to. Turn it off only in a laboratory.
    public var verifyHostname: Bool

    public init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, keyPassword: String? = nil,
        verifyHostname: Bool = true
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.keyPassword = keyPassword
        self.verifyHostname = verifyHostname
    }
}
