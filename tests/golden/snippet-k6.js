import { check } from "k6";
import http from "k6/http";

export const options = {
  thresholds: { checks: ["rate==1"] },
};

const key = __ENV.KALEYRA_API_KEY;
if (!key) {
  throw new Error("KALEYRA_API_KEY is not set");
}

const url =
  "https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages";
const payload = {
  messaging_object: {
    messaging_product: "whatsapp",
    recipient_type: "individual",
    to: "+91XXXXXXXXX",
    type: "template",
    template: {
      name: "auth1",
      language: {
        code: "en_US",
      },
      components: [
        {
          type: "body",
          parameters: [
            {
              type: "text",
              text: "J$FpXXXX",
            },
          ],
        },
        {
          type: "button",
          sub_type: "url",
          index: 0,
          parameters: [
            {
              type: "text",
              text: "J$FpXXXX",
            },
          ],
        },
      ],
    },
  },
  extra_info: {
    ref: "customer1",
    ref1: "marketing",
    ref2: "dictionary",
    wa_source: "api",
  },
};

const params = {
  headers: {
    "Content-Type": "application/json",
    "api-key": key,
  },
  redirects: 0,
  timeout: "30s",
};

export default function () {
  const response = http.post(url, JSON.stringify(payload), params);
  check(response, { "202 Accepted": ({ status }) => status === 202 });
}
