curl -X POST 'https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages' \
  -H 'Content-Type: application/json' \
  -H "api-key: $KALEYRA_API_KEY" \
  --data-raw '{
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
}'
