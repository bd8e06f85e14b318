import FoundationEssentials

extension GatewayConfiguration {
    /// Reads `file` and what it includes.
    ///
    /// Throws ``ConfigurationError`` with every mistake of every file; what is merely doubtful comes back in
    /// ``GatewayConfiguration/warnings``. Nothing is opened except the YAML files: a broken tree or broker does not show here.
    package static func load(
        file: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> GatewayConfiguration {
        var reader = ConfigurationReader(onThisMachineWith: environment)
        if let main = reader.document(file: file) {
            for include in reader.read(main: main) {
                if let document = reader.document(file: include) { reader.read(included: document) }
            }
        }
        return try reader.configuration()
    }

    /// Reads only where the tree is and how to come in: of a file that needs to hold nothing else.
    package static func loadTree(
        file: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationError) -> (place: TreePlace, access: TreeAccess) {
        var reader = ConfigurationReader(onThisMachineWith: environment)
        return try reader.tree(main: reader.document(file: file))
    }
}

extension ConfigurationReader {
    fileprivate init(onThisMachineWith environment: [String: String]) {
        let machine = ThisMachine(environment: environment)
        self.init(variables: machine.variables, machine: machine)
    }

    /// The file's bytes; nil when there are none, which has been reported then.
    fileprivate mutating func document(file path: String) -> ConfigurationDocument? {
        do throws(ReadableFile.Unreadable) {
            return try ConfigurationDocument(file: path)
        } catch {
            report(unreadable: path, because: error.reason)
            return nil
        }
    }
}
