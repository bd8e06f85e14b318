import ArgumentParser
import EmbeddedZooKeeper
import PlantConfiguration

/// Which folder holds the tree.
struct TreeFolderOptions: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("The folder that holds the tree, instead of the configuration's.", valueName: "dir"))
    var data: String?

    @OptionGroup var configuration: ConfigurationOptions

    func folder() throws -> String {
        if let data { return data }
        switch try configuration.load().local.tree.place {
        case .embedded(let settings): return settings.data
        case .ensemble:
            throw CommandFailure(
                .usage, "the configuration names an ensemble, whose data is not here: name a folder with --data")
        }
    }

    static func explained<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as EmbeddedServerError {
            throw CommandFailure(.no, error.description)
        }
    }
}

extension TreeBackup.Summary {
    var text: String {
        "\(nodes) nodes and \(sessions) sessions up to transaction 0x\(String(zxid, radix: 16))"
    }
}
