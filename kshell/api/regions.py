"""Names of countries by dialling code (ITU-T E.164), and of the languages and territories in WhatsApp's language codes.

Completion and hints show them beside a code. No decision depends on them.
"""

import re
from collections.abc import Sequence

from kshell.core.errors import did_you_mean, nearest

_DIALLING = """
1 United States, Canada, Caribbean|7 Russia, Kazakhstan|20 Egypt|27 South Africa|30 Greece|31 Netherlands|32 Belgium
33 France|34 Spain|36 Hungary|39 Italy, Vatican|40 Romania|41 Switzerland|43 Austria|44 United Kingdom|45 Denmark
46 Sweden|47 Norway|48 Poland|49 Germany|51 Peru|52 Mexico|53 Cuba|54 Argentina|55 Brazil|56 Chile|57 Colombia
58 Venezuela|60 Malaysia|61 Australia|62 Indonesia|63 Philippines|64 New Zealand|65 Singapore|66 Thailand|81 Japan
82 South Korea|84 Vietnam|86 China|90 Turkey|91 India|92 Pakistan|93 Afghanistan|94 Sri Lanka|95 Myanmar|98 Iran
211 South Sudan|212 Morocco, Western Sahara|213 Algeria|216 Tunisia|218 Libya|220 Gambia|221 Senegal|222 Mauritania
223 Mali|224 Guinea|225 Ivory Coast|226 Burkina Faso|227 Niger|228 Togo|229 Benin|230 Mauritius|231 Liberia
232 Sierra Leone|233 Ghana|234 Nigeria|235 Chad|236 Central African Republic|237 Cameroon|238 Cape Verde
239 Sao Tome and Principe|240 Equatorial Guinea|241 Gabon|242 Congo, Brazzaville|243 Congo, Kinshasa|244 Angola
245 Guinea-Bissau|246 British Indian Ocean Territory|247 Ascension|248 Seychelles|249 Sudan|250 Rwanda|251 Ethiopia
252 Somalia|253 Djibouti|254 Kenya|255 Tanzania|256 Uganda|257 Burundi|258 Mozambique|260 Zambia|261 Madagascar
262 Reunion, Mayotte|263 Zimbabwe|264 Namibia|265 Malawi|266 Lesotho|267 Botswana|268 Eswatini|269 Comoros
290 Saint Helena|291 Eritrea|297 Aruba|298 Faroe Islands|299 Greenland|350 Gibraltar|351 Portugal|352 Luxembourg
353 Ireland|354 Iceland|355 Albania|356 Malta|357 Cyprus|358 Finland|359 Bulgaria|370 Lithuania|371 Latvia|372 Estonia
373 Moldova|374 Armenia|375 Belarus|376 Andorra|377 Monaco|378 San Marino|380 Ukraine|381 Serbia|382 Montenegro
383 Kosovo|385 Croatia|386 Slovenia|387 Bosnia and Herzegovina|389 North Macedonia|420 Czechia|421 Slovakia
423 Liechtenstein|500 Falkland Islands|501 Belize|502 Guatemala|503 El Salvador|504 Honduras|505 Nicaragua
506 Costa Rica|507 Panama|508 Saint Pierre and Miquelon|509 Haiti|590 Guadeloupe|591 Bolivia|592 Guyana|593 Ecuador
594 French Guiana|595 Paraguay|596 Martinique|597 Suriname|598 Uruguay|599 Curacao, Caribbean Netherlands
670 Timor-Leste|672 Norfolk Island|673 Brunei|674 Nauru|675 Papua New Guinea|676 Tonga|677 Solomon Islands|678 Vanuatu
679 Fiji|680 Palau|681 Wallis and Futuna|682 Cook Islands|683 Niue|685 Samoa|686 Kiribati|687 New Caledonia|688 Tuvalu
689 French Polynesia|690 Tokelau|691 Micronesia|692 Marshall Islands|850 North Korea|852 Hong Kong|853 Macao
855 Cambodia|856 Laos|880 Bangladesh|886 Taiwan|960 Maldives|961 Lebanon|962 Jordan|963 Syria|964 Iraq|965 Kuwait
966 Saudi Arabia|967 Yemen|968 Oman|970 Palestine|971 United Arab Emirates|972 Israel|973 Bahrain|974 Qatar|975 Bhutan
976 Mongolia|977 Nepal|992 Tajikistan|993 Turkmenistan|994 Azerbaijan|995 Georgia|996 Kyrgyzstan|998 Uzbekistan
"""

_LANGUAGES = """
af Afrikaans|ar Arabic|az Azerbaijani|be Belarusian|bg Bulgarian|bn Bengali|ca Catalan|cs Czech|da Danish|de German
el Greek|en English|es Spanish|et Estonian|fa Persian|fi Finnish|fil Filipino|fr French|ga Irish|gu Gujarati|ha Hausa
he Hebrew|hi Hindi|hr Croatian|hu Hungarian|id Indonesian|it Italian|ja Japanese|ka Georgian|kk Kazakh|kn Kannada
ko Korean|ky Kyrgyz|lo Lao|lt Lithuanian|lv Latvian|mk Macedonian|ml Malayalam|mr Marathi|ms Malay|nb Norwegian Bokmal
nl Dutch|pa Punjabi|pl Polish|prs Dari|ps Pashto|pt Portuguese|ro Romanian|ru Russian|rw Kinyarwanda|si Sinhala
sk Slovak|sl Slovenian|sq Albanian|sr Serbian|sv Swedish|sw Swahili|ta Tamil|te Telugu|th Thai|tr Turkish|uk Ukrainian
ur Urdu|uz Uzbek|vi Vietnamese|zh Chinese|zu Zulu
"""

_TERRITORIES = """
AE United Arab Emirates|AF Afghanistan|AR Argentina|AT Austria|AU Australia|BE Belgium|BR Brazil|BY Belarus|CA Canada
CH Switzerland|CI Ivory Coast|CL Chile|CN China|CO Colombia|CR Costa Rica|DO Dominican Republic|EC Ecuador|EG Egypt
ES Spain|GB United Kingdom|GH Ghana|HK Hong Kong|HN Honduras|IE Ireland|IN India|JM Jamaica|KG Kyrgyzstan|LB Lebanon
LK Sri Lanka|MA Morocco|MX Mexico|MY Malaysia|NZ New Zealand|PA Panama|PE Peru|PT Portugal|QA Qatar|RW Rwanda
SG Singapore|TW Taiwan|UG Uganda|US United States|UY Uruguay|ZA South Africa
"""


def _table(text: str) -> dict[str, str]:
    return dict(row.split(" ", 1) for row in text.strip().replace("\n", "|").split("|"))


COUNTRIES = _table(_DIALLING)
"""The countries of each dialling code; the codes have no plus."""

LANGUAGE_NAMES = _table(_LANGUAGES)
TERRITORY_NAMES = _table(_TERRITORIES)


def language_hint(text: str, known: Sequence[str]) -> str:
    """Return ``did you mean en, en_US, en_GB?`` for a language's name or code, the likeliest first; empty if none is near."""
    first, *rest = re.split(r"[\s,()_-]+", text.strip(" )").casefold())
    codes = {name.casefold(): code for code, name in LANGUAGE_NAMES.items()}
    name = nearest(first, codes)
    language = first if first in LANGUAGE_NAMES else codes.get(name if name[:1] == first[:1] else "", "?")
    inside = [code for code in known if code.partition("_")[0] == language]
    there = [code for code in inside if rest and rest[-1] in _names_of_territory(code)]
    likeliest = sorted(
        there or inside, key=lambda code: ("_" in code, code not in _LIKELIEST[:1], code not in _LIKELIEST)
    )
    return f"did you mean {', '.join(likeliest[:3])}?" if likeliest else did_you_mean(text.replace("-", "_"), known)


def _names_of_territory(code: str) -> list[str]:
    territory = code.partition("_")[2]
    return [
        territory.casefold(),
        *TERRITORY_NAMES.get(territory, "").casefold().split(),
        *_OTHER_NAMES.get(territory, ()),
    ]


_LIKELIEST = ("en_US", "en_GB", "es_ES", "es_MX", "pt_BR", "zh_CN")
_OTHER_NAMES = {"GB": ("uk",), "US": ("usa", "america", "american"), "BR": ("brasil",)}


def language_name(code: str) -> str:
    """Return the name of a language code: ``English, United States`` for ``en_US``."""
    language, _, territory = code.partition("_")
    names = (LANGUAGE_NAMES.get(language, language), TERRITORY_NAMES.get(territory, territory))
    return ", ".join(filter(None, names))
