"""The curl commands of the API's page: its sample, and its request format with placeholders."""

from __future__ import annotations

PAGE = """curl -X POST \\
https://api.in.kaleyra.io/v2/HXAP16XXXXXX97IN/whatsapp/+91XXXXXXXXXX/messages \\
-H 'Content-Type: application/json' \\
-H 'api-key: Axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3' \\
-d '{
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
"text": "J$FXXXXp"
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
"""
FORMAT = (
    PAGE.replace("api.in.kaleyra.io", "<api_domain>")
    .replace("HXAP16XXXXXX97IN", "<sid>")
    .replace("+91XXXXXXXXXX", "<phone_number>")
    .replace("application/json", "<content_type>")
    .replace("Axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3", "<api-key>")
    .replace("whatsapp", "<messaging_product>")
    .replace("/<messaging_product>/", "/whatsapp/")
    .replace("+91XXXXXXXXX", "<to_number>")
    .replace("J$FpXXXX", "<one-time-password>")
    .replace("J$FXXXXp", "<one_time_password>")
    .replace('"index": 0', '"index": <index_value>')
)
