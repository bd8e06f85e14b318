package import MQTT

extension MQTTSettings {
    /// Address, identity and credentials for a connection; the caller adds what the connection is for.
    ///
    /// The password is read here, so that it is in memory only where a connection needs it.
    package func clientConfiguration(clientID: String) throws -> MQTTClient.Configuration {
        var result = MQTTClient.Configuration(
            broker: MQTTBroker(host: broker.endpoint.host, port: broker.endpoint.port, secure: broker.isSecure),
            clientID: clientID)
        result.protocolVersion = protocolVersion == .v5 ? .v5 : .v311
        result.keepAlive = keepAlive
        result.username = username
        result.password = try passwordFile.map(SecretFile.firstLine)
        if broker.isSecure {
            result.tls = MQTTTLS(caFile: ca, certificateFile: certificate, keyFile: key)
        }
        return result
    }
}
