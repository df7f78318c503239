import { check } from "k6";
import http from "k6/http";

const url = "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages";
const body = String.raw`{
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
}`;
const options = {
  headers: {
    "Content-Type": "application/json",
    "api-key": __ENV.KALEYRA_API_KEY,
  },
  redirects: 0,
};

export default function () {
  const response = http.request("POST", url, body, options);
  check(response, { "202 Accepted": (answer) => answer.status === 202 });
}
