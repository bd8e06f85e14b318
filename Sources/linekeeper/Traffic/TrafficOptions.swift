import ArgumentParser
import MQTT
import PlantConfiguration
import Primitives

/// How `simulate` and `replay` find the broker.
struct BrokerOptions: ParsableArguments {
    @OptionGroup var configuration: ConfigurationOptions

    @Option(
        name: .long,
        help: ArgumentHelp("The broker, instead of the one in the configuration.", valueName: "mqtt://host:port"))
    var broker: String?

    @Option(name: .long, help: ArgumentHelp("Who to be to the broker, with --broker.", valueName: "name"))
    var username: String?

    @Option(
        name: .long,
        help: ArgumentHelp("The file whose first line is the password, with --username.", valueName: "file"))
    var passwordFile: String?

    /// Address and credentials. Without any configuration it is the broker of this machine.
    func settings() throws -> MQTTSettings {
        var settings: MQTTSettings
        if let broker {
            do throws(BrokerAddress.Mistake) {
                settings = MQTTSettings(broker: try BrokerAddress(parsing: broker))
            } catch {
                throw ValidationError("--broker: \(error); expected \(BrokerAddress.Mistake.expected)")
            }
        } else if configuration.file != nil {
            settings = try configuration.load().local.mqtt
        } else {
            settings = MQTTSettings(
                broker: BrokerAddress(isSecure: false, endpoint: HostAndPort(host: "127.0.0.1", port: 1883)))
        }
        if let username {
            settings.username = username
            settings.passwordFile = passwordFile
        }
        return settings
    }
}
