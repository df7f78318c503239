"""A C# program for .NET as one that Mono compiles, with substitutes for what Mono's library does not have.

Mono reads C# 7: no top-level statements and no ``using var``. Its library has HttpClient and no ``System.Text.Json``.
"""

from __future__ import annotations

_LIBRARY = r"""
namespace System.Text.Json.Nodes
{
    using System.Collections;
    using System.Collections.Generic;
    using System.Globalization;
    using System.Linq;

    public class JsonNode
    {
        string text;
        public static implicit operator JsonNode(string value) => new JsonNode { text = Quoted(value) };
        public static implicit operator JsonNode(long value) => new JsonNode { text = value.ToString() };
        public static implicit operator JsonNode(bool value) => new JsonNode { text = value ? "true" : "false" };
        public static implicit operator JsonNode(double value) =>
            new JsonNode { text = value.ToString("R", CultureInfo.InvariantCulture) };
        public virtual string ToJsonString() => text;
        protected static string Written(JsonNode node) => node == null ? "null" : node.ToJsonString();
        protected static string Quoted(string text) =>
            '"' + string.Concat(text.Select(c => $"\\u{(int)c:x4}")) + '"';
    }

    public class JsonObject : JsonNode
    {
        readonly List<string> entries = new List<string>();
        public JsonNode this[string name] { set { entries.Add(Quoted(name) + ":" + Written(value)); } }
        public override string ToJsonString() => "{" + string.Join(",", entries) + "}";
    }

    public class JsonArray : JsonNode, IEnumerable
    {
        readonly List<string> items = new List<string>();
        public void Add(JsonNode item) => items.Add(Written(item));
        public IEnumerator GetEnumerator() => items.GetEnumerator();
        public override string ToJsonString() => "[" + string.Join(",", items) + "]";
    }
}

class StringContent : System.Net.Http.StringContent
{
    public StringContent(string text, System.Net.Http.Headers.MediaTypeHeaderValue type) : base(text)
    {
        Headers.ContentType = type;
    }
}
"""


def as_mono_reads(program: str) -> str:
    """Return ``program``, top-level statements, as a class with a ``Main``, followed by the substitutes."""
    lines = program.splitlines()
    usings = [line for line in lines if line.startswith("using ") and line.endswith(";") and " = " not in line]
    statements = [line.replace("using var ", "var ") for line in lines if line not in usings]
    implicit = ["using System;", "using System.Net.Http;", "using System.Threading.Tasks;"]
    main = ["class Program", "{", "static void Main() => Run().GetAwaiter().GetResult();", "static async Task Run()"]
    main += ["{", *statements, "}", "}"]
    return "\n".join([*implicit, *usings, *main, _LIBRARY])
