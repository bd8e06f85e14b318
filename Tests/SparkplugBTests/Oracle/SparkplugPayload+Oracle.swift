import SparkplugB
import SwiftProtobuf

// What swift-protobuf has read, as the values that our reader makes.

extension SparkplugPayload {
    init(_ oracle: OraclePayload) {
        self.init(
            timestamp: oracle.hasTimestamp ? oracle.timestamp : nil, sequence: oracle.hasSeq ? oracle.seq : nil,
            metrics: oracle.metrics.map { SparkplugMetric($0) })
        uuid = oracle.hasUuid ? oracle.uuid : nil
        body = oracle.hasBody ? Array(oracle.body) : nil
    }

    /// Read by swift-protobuf; nil when that refuses the bytes.
    init?(oracle bytes: [UInt8]) {
        var options = BinaryDecodingOptions()
        options.discardUnknownFields = true
        guard let oracle = try? OraclePayload(serializedBytes: bytes, options: options) else { return nil }
        self.init(oracle)
    }
}

private func type(_ number: UInt32) -> SparkplugDataType {
    UInt8(exactly: number).flatMap(SparkplugDataType.init(rawValue:)) ?? .unknown
}

extension SparkplugMetric {
    init(_ oracle: OracleMetric) {
        self.init(
            name: oracle.hasName ? oracle.name : nil, alias: oracle.hasAlias ? oracle.alias : nil,
            timestamp: oracle.hasTimestamp ? oracle.timestamp : nil, type: SparkplugBTests.type(oracle.datatype))
        isHistorical = oracle.isHistorical
        isTransient = oracle.isTransient
        isNull = oracle.isNull
        if oracle.hasMetadata { metaData = SparkplugMetaData(oracle.metadata) }
        if oracle.hasProperties { properties = SparkplugPropertySet(oracle.properties) }
        value =
            switch oracle.value {
            case nil: nil
            case .intValue(let value): .int(value)
            case .longValue(let value): .long(value)
            case .floatValue(let value): .float(value)
            case .doubleValue(let value): .double(value)
            case .booleanValue(let value): .bool(value)
            case .stringValue(let value): .string(value)
            case .bytesValue(let value): .bytes(Array(value))
            case .datasetValue(let value): .dataSet(SparkplugDataSet(value))
            case .templateValue(let value): .template(SparkplugTemplate(value))
            }
    }
}

extension SparkplugMetaData {
    init(_ oracle: OracleMetaData) {
        self.init()
        isMultiPart = oracle.hasIsMultiPart ? oracle.isMultiPart : nil
        contentType = oracle.hasContentType ? oracle.contentType : nil
        size = oracle.hasSize ? oracle.size : nil
        sequence = oracle.hasSeq ? oracle.seq : nil
        fileName = oracle.hasFileName ? oracle.fileName : nil
        fileType = oracle.hasFileType ? oracle.fileType : nil
        md5 = oracle.hasMd5 ? oracle.md5 : nil
        description = oracle.hasDescription_p ? oracle.description_p : nil
    }
}

extension SparkplugPropertySet {
    init(_ oracle: OraclePropertySet) {
        self.init(keys: oracle.keys, values: oracle.values.map { SparkplugPropertyValue($0) })
    }
}

extension SparkplugPropertyValue {
    init(_ oracle: OraclePropertyValue) {
        self.init(type: SparkplugBTests.type(oracle.type), value: nil)
        isNull = oracle.isNull
        value =
            switch oracle.value {
            case nil: nil
            case .intValue(let value): .int(value)
            case .longValue(let value): .long(value)
            case .floatValue(let value): .float(value)
            case .doubleValue(let value): .double(value)
            case .booleanValue(let value): .bool(value)
            case .stringValue(let value): .string(value)
            case .propertysetValue(let value): .propertySet(SparkplugPropertySet(value))
            case .propertysetsValue(let value):
                .propertySetList(value.propertyset.map { SparkplugPropertySet($0) })
            }
    }
}

extension SparkplugDataSet {
    init(_ oracle: OracleDataSet) {
        self.init(
            columns: oracle.columns, types: oracle.types.map { SparkplugBTests.type($0) },
            rows: oracle.rows.map { $0.elements.map { SparkplugValue($0) } })
        columnCount = oracle.hasNumOfColumns ? oracle.numOfColumns : nil
    }
}

extension SparkplugValue {
    init?(_ oracle: OracleDataSet.Value) {
        switch oracle.value {
        case nil: return nil
        case .intValue(let value): self = .int(value)
        case .longValue(let value): self = .long(value)
        case .floatValue(let value): self = .float(value)
        case .doubleValue(let value): self = .double(value)
        case .booleanValue(let value): self = .bool(value)
        case .stringValue(let value): self = .string(value)
        }
    }
}

extension SparkplugTemplate {
    init(_ oracle: OracleTemplate) {
        self.init(
            version: oracle.hasVersion ? oracle.version : nil,
            reference: oracle.hasTemplateRef ? oracle.templateRef : nil, isDefinition: oracle.isDefinition,
            metrics: oracle.metrics.map { SparkplugMetric($0) }, parameters: oracle.parameters.map { Parameter($0) })
    }
}

extension SparkplugTemplate.Parameter {
    init(_ oracle: OracleTemplate.Parameter) {
        let value: SparkplugValue? =
            switch oracle.value {
            case nil: nil
            case .intValue(let value): .int(value)
            case .longValue(let value): .long(value)
            case .floatValue(let value): .float(value)
            case .doubleValue(let value): .double(value)
            case .booleanValue(let value): .bool(value)
            case .stringValue(let value): .string(value)
            }
        self.init(
            name: oracle.hasName ? oracle.name : nil, type: SparkplugBTests.type(oracle.type), value: value)
    }
}
