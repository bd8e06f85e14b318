/// Reads the names of files that hold secrets.
extension LocalReader {
    /// A secret's file: a bare name is first looked for among systemd's credentials, then beside the configuration.
    func readSecretFile(_ value: ConfigurationValue) -> String? {
        guard let name = value.text("the name of a file whose first line is the secret") else { return nil }
        if !name.contains("/"), let folder = machine.credentials {
            let credential = folder + "/" + name
            if machine.exists(credential) {
                refuseOpenSecret(credential, value)
                return credential
            }
        }
        let path = value.path(name)
        if !machine.exists(path) {
            // Only a warning: a credential exists while the service runs, not while somebody checks by hand.
            value.warn("\(value.name): there is no file \(path) now", expected: "the file when the gateway starts")
        }
        refuseOpenSecret(path, value)
        return path
    }

    /// What everybody can read is no secret, and what everybody can change is somebody else's.
    func refuseOpenSecret(_ path: String, _ value: ConfigurationValue) {
        guard let rights = machine.rightsOfOthers(toSecret: path) else { return }
        value.reportTolerated(
            "\(value.name): everybody on this machine may \(rights) \(path)",
            expected: "a file for its owner alone: chmod o= \(path)")
    }
}

extension ConfigurationValue {
    /// A path in the document, which is relative to the document.
    func path(_ name: String) -> String { RelativePath.resolve(name, relativeTo: document.name) }
}
