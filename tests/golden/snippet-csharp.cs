using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

var key = Environment.GetEnvironmentVariable("KALEYRA_API_KEY");
if (string.IsNullOrEmpty(key))
{
    throw new InvalidOperationException("KALEYRA_API_KEY is not set");
}

var payload = new JsonObject
{
    ["messaging_object"] = new JsonObject
    {
        ["messaging_product"] = "whatsapp",
        ["recipient_type"] = "individual",
        ["to"] = "+91XXXXXXXXX",
        ["type"] = "template",
        ["template"] = new JsonObject
        {
            ["name"] = "auth1",
            ["language"] = new JsonObject
            {
                ["code"] = "en_US",
            },
            ["components"] = new JsonArray
            {
                new JsonObject
                {
                    ["type"] = "body",
                    ["parameters"] = new JsonArray
                    {
                        new JsonObject
                        {
                            ["type"] = "text",
                            ["text"] = "J$FpXXXX",
                        },
                    },
                },
                new JsonObject
                {
                    ["type"] = "button",
                    ["sub_type"] = "url",
                    ["index"] = 0,
                    ["parameters"] = new JsonArray
                    {
                        new JsonObject
                        {
                            ["type"] = "text",
                            ["text"] = "J$FpXXXX",
                        },
                    },
                },
            },
        },
    },
    ["extra_info"] = new JsonObject
    {
        ["ref"] = "customer1",
        ["ref1"] = "marketing",
        ["ref2"] = "dictionary",
        ["wa_source"] = "api",
    },
};
var url = "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages";

using var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false })
{
    Timeout = TimeSpan.FromSeconds(30),
};
using var request = new HttpRequestMessage(HttpMethod.Post, url)
{
    Content = new StringContent(payload.ToJsonString(), new MediaTypeHeaderValue("application/json")),
};
request.Headers.Add("api-key", key);
using var response = await client.SendAsync(request);
var answer = await response.Content.ReadAsStringAsync();
if (response.StatusCode != HttpStatusCode.Accepted)
{
    throw new HttpRequestException($"refused: {(int)response.StatusCode} {answer}");
}
Console.WriteLine(answer);
