package import MQTT
package import PlantConfiguration
import Primitives

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

extension MQTTSettings {
    /// Address, identity and credentials for a connection; the caller adds what the connection is for.
    ///
    /// The password is read at each attempt to connect: in memory only where a connection needs it, and taken when it was
    /// changed. A file that cannot be read at the start is an error here.
    package func clientConfiguration(clientID: String) throws -> MQTTClient.Configuration {
        var result = MQTTClient.Configuration(broker: MQTTBroker(broker), clientID: clientID)
        result.alternatives = alternatives.map(MQTTBroker.init)
        result.protocolVersion = protocolVersion == .v5 ? .v5 : .v311
        result.keepAlive = keepAlive
        result.username = username
        if let passwordFile {
            _ = try SecretFile.firstLine(of: passwordFile)
            result.passwordSource = { try SecretFile.firstLine(of: passwordFile) }
        }
        if broker.isSecure {
            result.tls = MQTTTLS(caFile: ca, certificateFile: certificate, keyFile: key)
        }
        return result
    }
}

extension MQTTSettings {
    /// The same for a program that is no gateway, under a client id that no other process has.
    package func clientConfiguration(purpose: String) throws -> MQTTClient.Configuration {
        try clientConfiguration(clientID: "linekeeper-\(purpose)-\(getpid())-\(UInt32.random(in: 0 ... .max))")
    }
}

extension MQTTBroker {
    fileprivate init(_ address: BrokerAddress) {
        self.init(host: address.endpoint.host, port: address.endpoint.port, secure: address.isSecure)
    }
}
