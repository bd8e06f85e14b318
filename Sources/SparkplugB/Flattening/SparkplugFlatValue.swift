/// One value of a data set or of a template, with the name of its tag.
///
/// - A template's members are `<metric>/<member>`, those of a template in it `<metric>/<member>/<member>`, and so on. Its
///   parameters describe it and are no tags.
/// - A data set's first row is `<metric>/<column>`, each further row `<metric>/<row>/<column>`, where the second row has the
///   number 1. So the tags of a row never depend on how many rows there are: most data sets have one row, and when a second one
///   comes, and goes, the tags of the first one stay what they were.
public struct SparkplugFlatValue: Hashable, Sendable {
    /// Most values of one metric.
    public static let capacity = 1000

    /// Not checked: see ``SparkplugTagName``.
    public let name: String
    /// Unknown where the metric does not say it: then it is what it was before.
    public let type: SparkplugDataType
    /// nil where none is given.
    public let value: SparkplugValue?
    public let isNull: Bool
    /// What its own metric says, for a member of a template.
    public let timestamp: UInt64?
    let quality: SparkplugQuality

    /// The values of a metric whose value is a data set or a template, named `name`; of any other none.
    ///
    /// - Throws: when there are more than ``capacity``, two have the same name, a data set is no table or a member has no name.
    /// - Parameter offset: where the metric begins, for the mistake.
    public static func values(
        of value: SparkplugValue, named name: String, at offset: Int = 0
    ) throws(SparkplugError) -> [SparkplugFlatValue] {
        var list = List(offset: offset)
        try list.add(value, named: name)
        guard Set(list.values.map(\.name)).count == list.values.count else {
            throw SparkplugError(.duplicateName, at: offset)
        }
        return list.values
    }

    private struct List {
        let offset: Int
        var values: [SparkplugFlatValue] = []

        mutating func add(_ value: SparkplugValue, named name: String) throws(SparkplugError) {
            switch value {
            case .dataSet(let dataSet): try add(dataSet, named: name)
            case .template(let template): try add(template, named: name)
            case .int, .long, .float, .double, .bool, .string, .bytes, .propertySet, .propertySetList: break
            }
        }

        private mutating func add(_ dataSet: SparkplugDataSet, named name: String) throws(SparkplugError) {
            guard dataSet.isRectangular else { throw SparkplugError(.columnCount, at: offset) }
            for (row, cells) in dataSet.rows.enumerated() {
                let start = row == 0 ? name : "\(name)/\(row)"
                for (column, cell) in cells.enumerated() {
                    try checkLength(start, dataSet.columns[column])
                    try append(
                        SparkplugFlatValue(
                            name: "\(start)/\(dataSet.columns[column])", type: dataSet.types[column], value: cell,
                            isNull: cell == nil, timestamp: nil, quality: .good))
                }
            }
        }

        private mutating func add(_ template: SparkplugTemplate, named name: String) throws(SparkplugError) {
            for member in template.metrics {
                guard let own = member.name else { throw SparkplugError(.unnamed, at: offset) }
                try checkLength(name, own)
                let path = "\(name)/\(own)"
                switch member.value {
                case .dataSet?, .template?:
                    if let value = member.value, !member.isNull { try add(value, named: path) }
                default:
                    try append(
                        SparkplugFlatValue(
                            name: path, type: member.type, value: member.value, isNull: member.isNull,
                            timestamp: member.timestamp, quality: SparkplugQuality(member.properties)))
                }
            }
        }

        /// Before the name is made: a long one would be made for every row.
        private func checkLength(_ name: String, _ part: String) throws(SparkplugError) {
            guard name.utf8.count + 1 + part.utf8.count <= SparkplugTagName.lengthLimit else {
                throw SparkplugError(.unusableName, at: offset)
            }
        }

        private mutating func append(_ value: SparkplugFlatValue) throws(SparkplugError) {
            guard values.count < capacity else { throw SparkplugError(.tooManyTags, at: offset) }
            values.append(value)
        }
    }
}

extension SparkplugQuality {
    /// As in a property set that was read; what is not understood is uncertain.
    init(_ set: SparkplugPropertySet?) {
        self = .good
        guard let set, let position = set.keys.firstIndex(where: { $0.lowercased() == "quality" }),
            position < set.values.count, !set.values[position].isNull
        else { return }
        switch set.values[position].value {
        case .int(let code): self = SparkplugQuality(code: Int64(Int32(bitPattern: code)))
        case .long(let code): self = SparkplugQuality(code: Int64(bitPattern: code))
        default: self = .uncertain
        }
    }
}
