// an ES module: save it as message.mjs
import axios from "axios";

const key = process.env.KALEYRA_API_KEY;
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

try {
  const response = await axios.post(url, payload, {
    headers: {
      "Content-Type": "application/json",
      "api-key": key,
    },
    maxRedirects: 0,
    timeout: 30_000,
    validateStatus: (status) => status === 202,
  });
  console.log(response.data);
} catch (error) {
  // the error itself holds the request with its key
  console.error(error.message, error.response?.data);
  process.exitCode = 1;
}
