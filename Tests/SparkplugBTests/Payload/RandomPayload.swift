import Primitives
import SparkplugB
import TestFixtures

/// Draws payloads of every shape, sensible or not.
struct RandomPayload {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func payload() -> SparkplugPayload {
        var payload = SparkplugPayload(
            timestamp: maybe { $0.time() }, sequence: maybe { .random(in: 0...255, using: &$0.random) },
            metrics: several(0...5) { $0.metric(depth: 0) })
        payload.uuid = maybe(10) { $0.text() }
        payload.body = maybe(10) { $0.bytes() }
        return payload
    }

    private mutating func time() -> UInt64 {
        random.chance(90) ? .random(in: 1_700_000_000_000...1_800_000_000_000, using: &random) : random.next()
    }

    private mutating func maybe<Value>(_ percent: Int = 70, _ draw: (inout Self) -> Value) -> Value? {
        random.chance(percent) ? draw(&self) : nil
    }

    private mutating func several<Value>(_ counts: ClosedRange<Int>, _ draw: (inout Self) -> Value) -> [Value] {
        (0..<Int.random(in: counts, using: &random)).map { _ in draw(&self) }
    }

    mutating func text() -> String {
        let pieces = ["a", "Quality", "/", "é", "水", "𐅑", "\0", "temperature", " ", "7", "\u{301}"]
        return several(0...4) { pieces.randomElement(using: &$0.random) ?? "" }.joined()
    }

    private mutating func bytes() -> [UInt8] { several(0...20) { .random(in: .min ... .max, using: &$0.random) } }

    mutating func type() -> SparkplugDataType {
        SparkplugDataType.allCases.randomElement(using: &random) ?? .unknown
    }

    private mutating func metric(depth: Int) -> SparkplugMetric {
        var metric = SparkplugMetric(
            name: maybe { $0.text() },
            alias: maybe { $0.random.next() >> UInt64.random(in: 0...63, using: &$0.random) },
            timestamp: maybe { $0.time() }, type: type(), value: maybe(95) { $0.metricValue(depth: depth) })
        metric.isHistorical = random.chance(10)
        metric.isTransient = random.chance(10)
        metric.isNull = random.chance(10)
        metric.metaData = maybe(10) { $0.metaData() }
        metric.properties = maybe(20) { $0.propertySet(depth: 0) }
        return metric
    }

    private mutating func metaData() -> SparkplugMetaData {
        var metaData = SparkplugMetaData()
        metaData.isMultiPart = maybe { $0.random.chance(50) }
        metaData.contentType = maybe { $0.text() }
        metaData.size = maybe { $0.random.next() }
        metaData.sequence = maybe { $0.random.next() }
        metaData.fileName = maybe { $0.text() }
        metaData.fileType = maybe { $0.text() }
        metaData.md5 = maybe { $0.text() }
        metaData.description = maybe { $0.text() }
        return metaData
    }

    private mutating func scalar() -> SparkplugValue {
        switch Int.random(in: 0..<6, using: &random) {
        case 0: .int(UInt32(truncatingIfNeeded: random.next()) >> UInt32.random(in: 0...31, using: &random))
        case 1: .long(random.next() >> UInt64.random(in: 0...63, using: &random))
        case 2: .float(Float(bitPattern: UInt32(truncatingIfNeeded: random.next())))
        case 3: .double(Double(bitPattern: random.next()))
        case 4: .bool(random.chance(50))
        default: .string(text())
        }
    }

    private mutating func metricValue(depth: Int) -> SparkplugValue {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .bytes(bytes())
        case 1: .dataSet(dataSet())
        case 2 where depth < 4: .template(template(depth: depth + 1))
        default: scalar()
        }
    }

    private mutating func propertySet(depth: Int) -> SparkplugPropertySet {
        SparkplugPropertySet(
            keys: several(0...3) { $0.text() },
            values: several(0...3) { draw in
                var value = SparkplugPropertyValue(
                    type: draw.type(), value: draw.maybe(90) { $0.propertyValue(depth: depth) })
                value.isNull = draw.random.chance(10)
                return value
            })
    }

    private mutating func propertyValue(depth: Int) -> SparkplugValue {
        switch Int.random(in: 0..<8, using: &random) {
        case 0 where depth < 3: .propertySet(propertySet(depth: depth + 1))
        case 1 where depth < 3: .propertySetList(several(0...2) { $0.propertySet(depth: depth + 1) })
        default: scalar()
        }
    }

    private mutating func dataSet() -> SparkplugDataSet {
        let width = Int.random(in: 0...3, using: &random)
        var dataSet = SparkplugDataSet(
            columns: several(width...width) { $0.text() }, types: several(width...width) { $0.type() },
            rows: several(0...3) { draw in draw.several(width...width) { $0.maybe(90) { $0.scalar() } } })
        if random.chance(10) { dataSet.columnCount = maybe { $0.random.next() } }
        if random.chance(5) { dataSet.types.append(type()) }
        return dataSet
    }

    private mutating func template(depth: Int) -> SparkplugTemplate {
        SparkplugTemplate(
            version: maybe { $0.text() }, reference: maybe { $0.text() }, isDefinition: random.chance(20),
            metrics: several(0...3) { $0.metric(depth: depth) },
            parameters: several(0...2) { draw in
                SparkplugTemplate.Parameter(
                    name: draw.maybe { $0.text() }, type: draw.type(), value: draw.maybe { $0.scalar() })
            })
    }
}
