import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

public class Message {
    public static void main(String[] args) throws IOException, InterruptedException {
        String key = System.getenv("KALEYRA_API_KEY");
        if (key == null || key.isEmpty()) {
            throw new IllegalStateException("KALEYRA_API_KEY is not set");
        }
        String body = """
            {
              "messaging_object": {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "+91XXXXXXXXX",
                "type": "template",
                "template": {
                  "name": "auth1",
                  "language": {
                    "code": "en_US"
                  },
                  "components": [
                    {
                      "type": "body",
                      "parameters": [
                        {
                          "type": "text",
                          "text": "J$FpXXXX"
                        }
                      ]
                    },
                    {
                      "type": "button",
                      "sub_type": "url",
                      "index": 0,
                      "parameters": [
                        {
                          "type": "text",
                          "text": "J$FpXXXX"
                        }
                      ]
                    }
                  ]
                }
              },
              "extra_info": {
                "ref": "customer1",
                "ref1": "marketing",
                "ref2": "dictionary",
                "wa_source": "api"
              }
            }""";
        String url = "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages";
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("api-key", key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpResponse<String> response =
            HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 202) {
            throw new IOException("refused: " + response.statusCode() + " " + response.body());
        }
        System.out.println(response.body());
    }
}
