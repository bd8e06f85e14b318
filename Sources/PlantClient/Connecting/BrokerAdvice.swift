package import MQTT

/// Why the broker cannot be used and what to look at.
package enum BrokerAdvice {
    package static func text(_ failure: MQTTUnreachable) -> String {
        let why = failure.reason.map { ": \($0)" } ?? ""
        return "the broker cannot be reached\(why); \(advice(after: failure.reason))"
    }

    private static func advice(after reason: MQTTDisconnection?) -> String {
        switch reason {
        case .refused(.badUserNameOrPassword), .refused(.notAuthorized):
            "look at mqtt.username and mqtt.passwordFile, and at the broker's password file and access list"
        case .refused(.clientIDNotValid): "look at mqtt.clientID"
        case .refused, .closedByBroker: "the broker's log says why"
        case .tls:
            "look at mqtt.ca, mqtt.certificate and mqtt.key, and at the certificate that the broker shows and its dates"
        case .protocolError: "does a broker listen there, for mqtt:// or mqtts:// and mqtt.protocol as configured?"
        case nil, .notStarted, .stopped, .suspended, .givenUp, .timedOut, .network:
            "is it running? (systemctl status mosquitto)"
        }
    }
}
