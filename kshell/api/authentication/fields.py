"""The fields of a request, one row each. Limits and allowed values are stated only here.

``rules`` checks these rows, ``explain`` shows them, completion offers them. The simulator does not read them: it states
the page a second time. Source of every row: Kaleyra's page *Send Authentication Template Messages*; ``section`` is the
table or heading there. Language codes are Meta's list of supported template languages.
"""

from kshell.core.endpoint import Field

OTP_LIMIT = 15  # characters
REF_LIMIT = 255  # characters
NAME_LIMIT = 512  # characters of a template's name, by Meta
INDEX_RANGE = range(10)
E164 = r"\+[1-9][0-9]{6,14}"

WA_SOURCES = (
    "api", "clevertap", "zoho", "webengage", "shopify", "leadsquared", "responsys", "braze", "hubspot", "salesforce",
    "zapier", "eloqua", "moengage",
)  # fmt: skip

LANGUAGES = tuple(
    "af ar ar_AE ar_EG ar_LB ar_MA ar_QA az be_BY bg bn bn_IN ca cs da de de_AT de_CH el en en_AE en_AU en_CA en_GB en_GH "
    "en_IE en_IN en_JM en_MY en_NZ en_QA en_SG en_UG en_US en_ZA es es_AR es_CL es_CO es_CR es_DO es_EC es_ES es_HN es_MX "
    "es_PA es_PE es_UY et fa fi fil fr fr_BE fr_CA fr_CH fr_CI fr_MA ga gu ha he hi hr hu id it ja ka kk kn ko ky_KG lo "
    "lt lv mk ml mr ms nb nl nl_BE pa pl prs_AF ps_AF pt_BR pt_PT ro ru rw_RW si_LK sk sl sq sr sv sw ta te th tr uk ur uz "
    "vi zh_CN zh_HK zh_TW zu".split()
)

# pointers that rules use too
TO = "/messaging_object/to"
TYPE = "/messaging_object/type"
_TEMPLATE = "/messaging_object/template"
TEMPLATE_NAME = f"{_TEMPLATE}/name"
LANGUAGE_CODE = f"{_TEMPLATE}/language/code"
COMPONENTS = f"{_TEMPLATE}/components"
_BODY = f"{COMPONENTS}/body"
_BUTTON = f"{COMPONENTS}/button"
INDEX = f"{_BUTTON}/index"
WA_SOURCE = "/extra_info/wa_source"

_HEADERS = "URL Parameters and Headers"
_MESSAGE = "messaging_object"
_EXTRA = "extra_info"
_CODE = f"The one-time password: at most {OTP_LIMIT} characters. It appears twice in the payload, here and in the "
_REF = f"Any context to keep with the message; it comes back in reports and callbacks. Cut at {REF_LIMIT} characters."

# fields of every endpoint of this API
SID = Field("sid", "", "text", True, "The account's SID. It is part of the URL.", "HXAP16XXXXXX97IN", _HEADERS)
API_KEY = Field(
    "api-key", "", "text", True, "A header: the API key of the account.", "Axxx…", _HEADERS, variable="api_key"
)

FIELDS = (
    SID,
    Field(
        "phone_number", "", "text", True,
        "The WhatsApp business number that sends. It is part of the URL. (The page calls it the end customer's number; its "
        "own error text, 'does not belong to the account', shows that it is the sender's.)",
        "+91XXXXXXXXXX", _HEADERS, role="sender",
    ),
    Field("Content-Type", "", "text", True, "A header.", "application/json", _HEADERS, ("application/json",)),
    API_KEY,
    Field("messaging_object", "/messaging_object", "object", True, "The message, as Meta defines it.", "{…}", "payload"),
    Field("extra_info", "/extra_info", "object", False, "Details that travel with the message.", "{…}", "payload"),
    Field(
        "messaging_product", "/messaging_object/messaging_product", "text", True, "The messaging service.", "whatsapp",
        _MESSAGE, ("whatsapp",),
    ),
    Field(
        "recipient_type", "/messaging_object/recipient_type", "text", False,
        "Messages go to individuals only; that is the default.", "individual", _MESSAGE, ("individual",),
    ),
    Field(
        "to_number", TO, "text", True,
        "The recipient in E.164 form: +, country code, number. Several are separated by commas.", "+91XXXXXXXXX",
        _MESSAGE, variable="to", role="recipients",
    ),
    Field(
        "type", TYPE, "text", False,
        "The kind of message. The default is text, which this API does not send.", "template", _MESSAGE,
        ("template",),
    ),
    Field("template", _TEMPLATE, "object", True, "The message template and what fills it.", "{…}", _MESSAGE),
    Field(
        "template_name", TEMPLATE_NAME, "text", True, "The template's name. WhatsApp must have approved it.", "auth1",
        "template", variable="template_name",
    ),
    Field("language", f"{_TEMPLATE}/language", "object", True, "The language to send in.", '{"code": …}', _MESSAGE),
    Field(
        "template_language_code", LANGUAGE_CODE, "text", True,
        "The template's language and locale code. The template must be approved in it.", "en_US", "language",
        known=LANGUAGES, variable="language",
    ),
    Field("components", COMPONENTS, "list", True, "One body and its button.", "[…]", "Request Format"),
    Field("type", f"{_BODY}/type", "text", True, "The component's type.", "body", "body-components", ("body",)),
    Field(
        "parameters", f"{_BODY}/parameters", "list", True, "What fills the body: one parameter, the code.", "[…]",
        "body-components",
    ),
    Field("type", f"{_BODY}/parameters/*/type", "text", True, "The parameter's type.", "text", "body-parameters", ("text",)),
    Field(
        "one_time_password", f"{_BODY}/parameters/*/text", "text", True, f"{_CODE}button.", "J$FpXXXX", "body-parameters",
        variable="otp", role="code",
    ),
    Field("type", f"{_BUTTON}/type", "text", True, "The component's type.", "button", "button-components", ("button",)),
    Field(
        "sub_type", f"{_BUTTON}/sub_type", "text", True, "The type of button. A code's button is of type url.", "url",
        "button-components", ("quick_reply", "url", "catalog"),
    ),
    Field(
        "index_value", INDEX, "integer", True,
        f"The button's position, an integer from {INDEX_RANGE[0]} to {INDEX_RANGE[-1]}.", "0", "button-components",
        variable="index",
    ),
    Field(
        "parameters", f"{_BUTTON}/parameters", "list", True, "What fills the button: one parameter, the code.", "[…]",
        "button-components",
    ),
    Field(
        "type", f"{_BUTTON}/parameters/*/type", "text", True, "The parameter's type.", "text", "button-parameters",
        ("text",),
    ),
    Field(
        "one_time_password", f"{_BUTTON}/parameters/*/text", "text", True, f"{_CODE}body.", "J$FXXXXp",
        "button-parameters", variable="otp", role="code",
    ),
    Field("ref", "/extra_info/ref", "text", False, _REF, "customer1", _EXTRA, variable="ref", cut_at=REF_LIMIT),
    Field("ref1", "/extra_info/ref1", "text", False, _REF, "marketing", _EXTRA, variable="ref1", cut_at=REF_LIMIT),
    Field("ref2", "/extra_info/ref2", "text", False, _REF, "dictionary", _EXTRA, variable="ref2", cut_at=REF_LIMIT),
    Field(
        "wa_source", WA_SOURCE, "text", False,
        "Where the API was called from. The API replaces any value it does not know by API.", "api", _EXTRA,
        known=WA_SOURCES, variable="wa_source",
    ),
)  # fmt: skip
