import Testing

/// A payload, and what its lines become (``ReadLine/description``).
struct LineExample: Sendable, CustomTestStringConvertible {
    let payload: String
    let lines: [String]

    init(_ payload: String, _ lines: String...) {
        self.payload = payload
        self.lines = lines
    }

    var testDescription: String { payload.debugDescription }

    static let points: [LineExample] = [
        // Parts.
        LineExample("m f=1", "m|f:1.0"),
        LineExample("m,a=b f=1 5", "m|a=b|f:1.0|@5"),
        LineExample("m,a=b,c=d f=1,g=2i,h=t 5", "m|a=b|c=d|f:1.0|g:2i|h:true|@5"),
        LineExample(
            "weather,location=us-midwest temperature=82 1465839830100400200",
            "weather|location=us-midwest|temperature:82.0|@1465839830100400200"),
        LineExample("m=x f=1", "m=x|f:1.0"),
        LineExample("m,t=\"a f=1", "m|t=\"a|f:1.0"),
        LineExample("m,t=\"a b=1,c=\"x\" 5", "m|t=\"a|b:1.0|c:'x'|@5"),
        LineExample("m,a=1,a=2 f=1,f=2", "m|a=1|a=2|f:1.0|f:2.0"),
        LineExample("grüße,größe=zwölf straße=\"über\"", "grüße|größe=zwölf|straße:'über'"),
        LineExample("m# f=1", "m#|f:1.0"),
        // Spaces.
        LineExample("  m f=1", "m|f:1.0"),
        LineExample("m   f=1   5   ", "m|f:1.0|@5"),
        LineExample("m f=1 ", "m|f:1.0"),
        // Lines.
        LineExample(""), LineExample("\n"), LineExample("\r\n"), LineExample("\r"), LineExample("  "),
        LineExample("  \n  \r\n"),
        LineExample("# comment"), LineExample("#"), LineExample("  # m f=1\n"),
        LineExample("#\u{1}\t=\"\nm f=1", "m|f:1.0"),
        LineExample("m f=1\n", "m|f:1.0"), LineExample("m f=1\r\n", "m|f:1.0"), LineExample("m f=1\r", "m|f:1.0"),
        LineExample("m f=1 5\r\nn g=2 6\r\n\r\n", "m|f:1.0|@5", "n|g:2.0|@6"),
        LineExample("m f=1 5 \r\nn g=t\r\no h=\"\"\r\n", "m|f:1.0|@5", "n|g:true", "o|h:''"),
        LineExample("m f=1\n\n#\n \nn g=2", "m|f:1.0", "n|g:2.0"),
        // Escapes in names.
        LineExample(#"a\,b f=1"#, "a,b|f:1.0"), LineExample(#"a\ b f=1"#, "a b|f:1.0"),
        LineExample(#"a\=b f=1"#, #"a\=b|f:1.0"#),
        LineExample(#"a\b f=1"#, #"a\b|f:1.0"#), LineExample(#"a\\,b f=1"#, #"a\,b|f:1.0"#),
        LineExample(#"a\\b f=1"#, #"a\\b|f:1.0"#),
        LineExample(#"\,\  f=1"#, ", |f:1.0"), LineExample(##"\#a f=1"##, ##"\#a|f:1.0"##),
        LineExample(#"a\" f=1"#, #"a\"|f:1.0"#),
        LineExample(#"m,a\,b=c\,d f=1"#, "m|a,b=c,d|f:1.0"), LineExample(#"m,a\=b=c\=d f=1"#, "m|a=b=c=d|f:1.0"),
        LineExample(#"m,a\ b=c\ d f=1"#, "m|a b=c d|f:1.0"), LineExample(#"m,a\b=c\d f=1"#, #"m|a\b=c\d|f:1.0"#),
        LineExample(#"m,a\\=b=c\\,d f=1"#, #"m|a\=b=c\,d|f:1.0"#), LineExample(#"m,a=\n f=1"#, #"m|a=\n|f:1.0"#),
        LineExample(#"m f\,g=1,h\=i=2,j\ k=3,l\m=4"#, #"m|f,g:1.0|h=i:2.0|j k:3.0|l\m:4.0"#),
        LineExample(#"m f\="=1"#, #"m|f=":1.0"#),
        // Numbers.
        LineExample("m a=0,b=-0,c=1.5,d=-1.5", "m|a:0.0|b:-0.0|c:1.5|d:-1.5"),
        LineExample("m a=1.,b=.5,c=-.5,d=-1.,e=007,f=00.5", "m|a:1.0|b:0.5|c:-0.5|d:-1.0|e:7.0|f:0.5"),
        LineExample(
            "m a=1e3,b=1E3,c=1e+3,d=1e-3,e=-1.5e3,f=1.e3,g=.5e1,h=01e02",
            "m|a:1000.0|b:1000.0|c:1000.0|d:0.001|e:-1500.0|f:1000.0|g:5.0|h:100.0"),
        LineExample("m a=1e-400,b=-1e-400,c=0e999", "m|a:0.0|b:-0.0|c:0.0"),
        LineExample("m a=123456789012345678901234567890", "m|a:1.2345678901234568e+29"),
        LineExample("m a=0i,b=-0i,c=007i,d=-12i", "m|a:0i|b:0i|c:7i|d:-12i"),
        LineExample(
            "m a=9223372036854775807i,b=-9223372036854775808i", "m|a:9223372036854775807i|b:-9223372036854775808i"),
        LineExample("m a=000000000000000000000000000009223372036854775807i", "m|a:9223372036854775807i"),
        LineExample("m a=0u,b=12u,c=012u,d=18446744073709551615u", "m|a:0u|b:12u|c:12u|d:18446744073709551615u"),
        // Booleans.
        LineExample("m a=t,b=T,c=true,d=True,e=TRUE", "m|a:true|b:true|c:true|d:true|e:true"),
        LineExample("m a=f,b=F,c=false,d=False,e=FALSE", "m|a:false|b:false|c:false|d:false|e:false"),
        // Text.
        LineExample(#"m a="",b="x y",c="x,y=z""#, "m|a:''|b:'x y'|c:'x,y=z'"),
        LineExample(
            #"m a="\"",b="\\",c="\\\"",d="\n",e="\\n",f="x\ y\,z\=""#,
            #"m|a:'"'|b:'\'|c:'\"'|d:'\n'|e:'\n'|f:'x\ y\,z\='"#),
        LineExample("m a=\"x\ny\" 5\nn b=1", "m|a:'x\ny'|@5", "n|b:1.0"),
        LineExample("m a=\"x\r\ny\"\r\nn b=1", "m|a:'x\r\ny'", "n|b:1.0"),
        LineExample("m a=\"\n\",b=\"\n\"", "m|a:'\n'|b:'\n'"),
        LineExample("m a=\"x\n#y\nn b=1\" 5", "m|a:'x\n#y\nn b=1'|@5"),
        LineExample("m a=\"x\n\"\r", "m|a:'x\n'"),
        LineExample("m a=\"\u{0}\u{1f}\"", "m|a:'\u{0}\u{1f}'"),
        // Timestamps.
        LineExample("m f=1 0", "m|f:1.0|@0"), LineExample("m f=1 -5", "m|f:1.0|@-5"),
        LineExample("m f=1 007", "m|f:1.0|@7"),
        LineExample(
            "m f=1 9223372036854775807\nm f=1 -9223372036854775808", "m|f:1.0|@9223372036854775807",
            "m|f:1.0|@-9223372036854775808"),
    ]

    static let mistakes: [LineExample] = [
        LineExample(",a=b f=1", "missingMeasurement@0"), LineExample("\u{1}m f=1", "controlCharacter@0"),
        LineExample("a\tb f=1", "controlCharacter@1"), LineExample("m\rn f=1", "controlCharacter@1"),
        LineExample("m\u{7f} f=1", "controlCharacter@1"),
        LineExample("m,a\t=b f=1", "controlCharacter@3"), LineExample("m,a=\0 f=1", "controlCharacter@4"),
        LineExample("m f\t=1", "controlCharacter@3"),
        LineExample("m", "missingFields@1"), LineExample("m ", "missingFields@2"),
        LineExample("m,a=b", "missingFields@5"),
        LineExample("m,a=b  \r\n", "missingFields@7"),
        LineExample(#"m\ f=1"#, "missingFields@6"),
        LineExample("m, f=1", "missingTagKey@2"), LineExample("m,=b f=1", "missingTagKey@2"),
        LineExample("m,,a=b f=1", "missingTagKey@2"), LineExample("m,", "missingTagKey@2"),
        LineExample("m,a f=1", "missingTagValue@3"), LineExample("m,a= f=1", "missingTagValue@4"),
        LineExample("m,a=,b=c f=1", "missingTagValue@4"), LineExample("m,a", "missingTagValue@3"),
        LineExample("m,a=b=c f=1", "unescapedEquals@5"),
        LineExample("m =1", "missingFieldKey@2"), LineExample("m f=1,", "missingFieldKey@6"),
        LineExample("m f=1, g=2", "missingFieldKey@6"), LineExample("m f=1,,g=2", "missingFieldKey@6"),
        LineExample("m f", "missingFieldValue@3"), LineExample("m f=", "missingFieldValue@4"),
        LineExample("m f= ", "missingFieldValue@4"), LineExample("m f=,g=1", "missingFieldValue@4"),
        LineExample("m f g=1", "missingFieldValue@3"), LineExample("m f=\r\n", "missingFieldValue@4"),
        LineExample("m 1465839830100400200", "missingFieldValue@21"),
        LineExample("m f=x", "invalidValue@4"), LineExample("m f=+1", "invalidValue@4"),
        LineExample("m f=tRUE", "invalidValue@4"),
        LineExample("m f=truee", "invalidValue@4"),
        LineExample("m f=yes", "invalidValue@4"), LineExample("m f='x'", "invalidValue@4"),
        LineExample("m f==1", "invalidValue@4"),
        LineExample("m f=\\", "invalidValue@4"), LineExample("m f=t\tx", "invalidValue@4"),
        LineExample("m f=-", "invalidNumber@4"), LineExample("m f=.", "invalidNumber@4"),
        LineExample("m f=-.", "invalidNumber@4"),
        LineExample("m f=1e", "invalidNumber@4"), LineExample("m f=1e+", "invalidNumber@4"),
        LineExample("m f=.e1", "invalidNumber@4"), LineExample("m f=1.5i", "invalidNumber@4"),
        LineExample("m f=1e3i", "invalidNumber@4"), LineExample("m f=-1u", "invalidNumber@4"),
        LineExample("m f=i", "invalidValue@4"),
        LineExample("m f=1x", "invalidNumber@4"), LineExample("m f=1ii", "invalidNumber@4"),
        LineExample("m f=1.2.3", "invalidNumber@4"), LineExample("m f=0x10", "invalidNumber@4"),
        LineExample("m f=--1", "invalidNumber@4"), LineExample("m f=1_000", "invalidNumber@4"),
        LineExample("m f=nan", "notFinite@4"), LineExample("m f=NaN,g=1", "notFinite@4"),
        LineExample("m f=-inf", "notFinite@4"),
        LineExample("m f=Infinity 5", "notFinite@4"), LineExample("m f=+Inf", "notFinite@4"),
        LineExample("m f=1e309", "numberOutOfRange@4"), LineExample("m f=-1e309", "numberOutOfRange@4"),
        LineExample("m f=9223372036854775808i", "numberOutOfRange@4"),
        LineExample("m f=-9223372036854775809i", "numberOutOfRange@4"),
        LineExample("m f=18446744073709551616u", "numberOutOfRange@4"),
        LineExample("m f=99999999999999999999999i", "numberOutOfRange@4"),
        LineExample("m f=\"x", "unclosedText@4"), LineExample("m f=\"", "unclosedText@4"),
        LineExample("m f=\"x\\\"", "unclosedText@4"),
        LineExample("m f=\"x\"y", "unexpectedByte@7"), LineExample("m f=\"x\"\"y\"", "unexpectedByte@7"),
        LineExample("m f=\"x\"\ry", "unexpectedByte@7"),
        LineExample("m f=1 x", "invalidTime@6"), LineExample("m f=1 1.5", "invalidTime@6"),
        LineExample("m f=1 g=2", "invalidTime@6"), LineExample("m f=1 +5", "invalidTime@6"),
        LineExample("m f=1 -", "invalidTime@6"), LineExample("m f=1 5i", "invalidTime@6"),
        LineExample("m f=1 ,g=2", "invalidTime@6"),
        LineExample("m f=1 9223372036854775808", "timeOutOfRange@6"),
        LineExample("m f=1 -9223372036854775809", "timeOutOfRange@6"),
        LineExample("m f=1 5 6", "trailingBytes@8"), LineExample("m f=1 5 \rx", "trailingBytes@8"),
    ]

    /// A wrong line and the lines around it.
    static let confined: [LineExample] = [
        LineExample("m f=1\nbad\nn f=2", "m|f:1.0", "missingFields@9", "n|f:2.0"),
        LineExample("bad\r\nn f=2\r\n", "missingFields@3", "n|f:2.0"),
        // The line break in the text of a wrong line does not end it.
        LineExample("m f=x,g=\"a\nb\" 5\nn f=2", "invalidValue@4", "n|f:2.0"),
        LineExample("m,a f=\"a\nb\" 5\nn f=2", "missingTagValue@3", "n|f:2.0"),
        LineExample("m f=\"a\"x,g=\"a\nb\"\nn f=2", "unexpectedByte@7", "n|f:2.0"),
        // Nothing is quoted before the fields, behind another character than =, or behind \=.
        LineExample("m,t=\"a=\nn f=2", "unescapedEquals@6", "n|f:2.0"),
        LineExample("m f=x\"\nn f=2", "invalidValue@4", "n|f:2.0"),
        LineExample("m f\\=\"\nn f=2", "missingFieldValue@6", "n|f:2.0"),
        // A quote that is never closed, and one that another line's quote closes.
        LineExample("m f=\"a\nn f=2\no f=3", "unclosedText@4", "n|f:2.0", "o|f:3.0"),
        LineExample("m f=\"a\nn f=\"b\"\no f=3", "unclosedText@4", "n|f:'b'", "o|f:3.0"),
        LineExample("m e=?,f=\"a\nn f=\"b\"\no f=3", "invalidValue@4", "n|f:'b'", "o|f:3.0"),
        // As far as can be told: this one is closed where text may end.
        LineExample("m f=\"a\nn f=\",g=1\no f=3", "m|f:'a\nn f='|g:1.0", "o|f:3.0"),
        LineExample("m\\\nn f=2", "missingFields@2", "n|f:2.0"),
    ]
}
