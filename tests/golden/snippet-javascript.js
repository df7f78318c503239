// an ES module: save it as message.mjs
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

const response = await fetch(url, {
  method: "POST",
  headers: {
    "Content-Type": "application/json",
    "api-key": key,
  },
  body: JSON.stringify(payload),
  redirect: "manual",
  signal: AbortSignal.timeout(30_000),
});
const answer = await response.text();
if (response.status !== 202) {
  throw new Error(`refused: ${response.status} ${answer}`);
}
console.log(answer);
