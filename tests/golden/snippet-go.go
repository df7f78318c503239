package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	body := `{
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
}`
	request, err := http.NewRequest("POST", "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages", strings.NewReader(body))
	if err != nil {
		panic(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("api-key", os.Getenv("KALEYRA_API_KEY"))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	response, err := client.Do(request)
	if err != nil {
		panic(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		panic(err)
	}
	fmt.Println(response.Status, string(answer))
}
