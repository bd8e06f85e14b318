/// One YAML document as bytes, with the name that problems show: the path of a file, or any other name.
package struct ConfigurationDocument: Sendable {
    package var name: String
    package var bytes: [UInt8]

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }
}
