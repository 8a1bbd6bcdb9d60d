"""The closed table of units: what may follow a number and belong to it. Anything else is an ordinary word."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator.language.lists import listed

# Spelled exactly so (case matters: m is a metre, M a million).
_SYMBOLS = {
    "%": "%", "\uff05": "%", "%p": "pp", "%P": "pp", "pp": "pp", "\u2030": "‰",
    "ns": "ns", "us": "us", "µs": "us", "μs": "us", "ms": "ms", "s": "s", "h": "h",
    "nm": "nm", "µm": "um", "μm": "um", "mm": "mm", "cm": "cm", "m": "m", "km": "km",
    "mg": "mg", "g": "g", "kg": "kg", "t": "t", "µg": "ug", "μg": "ug",
    "ml": "ml", "mL": "ml", "l": "l", "L": "l", "ha": "ha",
    "m²": "m2", "m2": "m2", "km²": "km2", "km2": "km2", "cm²": "cm2", "m³": "m3", "m3": "m3",
    "㎡": "m2", "㎢": "km2", "㎥": "m3", "㎞": "km", "㎏": "kg", "㎜": "mm", "㎝": "cm", "㎎": "mg", "㎖": "ml",
    "°C": "°c", "℃": "°c", "°F": "°f", "℉": "°f", "°": "°",
    "KB": "kb", "kB": "kb", "MB": "mb", "GB": "gb", "TB": "tb", "PB": "pb",
    "KiB": "kib", "MiB": "mib", "GiB": "gib", "TiB": "tib",
    "kbps": "kbps", "Mbps": "mbps", "Gbps": "gbps", "bps": "bps",
    "Hz": "hz", "kHz": "khz", "MHz": "mhz", "GHz": "ghz",
    "W": "w", "kW": "kw", "MW": "mw", "GW": "gw", "Wh": "wh", "kWh": "kwh", "MWh": "mwh", "GWh": "gwh",
    "V": "v", "mV": "mv", "kV": "kv", "A": "a", "mA": "ma", "mAh": "mah", "Pa": "pa", "kPa": "kpa", "hPa": "hpa",
    "dB": "db", "ppm": "ppm", "ppb": "ppb", "kcal": "kcal", "J": "j", "kJ": "kj",
    "m/s": "m/s", "km/h": "km/h", "kph": "km/h", "mph": "mph", "rpm": "rpm", "req/s": "req/s",
    "x": "x", "\u00d7": "x", "$": "usd", "€": "eur", "£": "gbp", "₩": "krw", "¥": "jpy",
}  # fmt: skip
# Any case, singular and plural.
_NAMES = {
    "percent": "%", "per cent": "%", "percentage point": "pp", "pct": "%",
    "nanosecond": "ns", "microsecond": "us", "millisecond": "ms", "second": "s", "sec": "s", "minute": "min",
    "min": "min", "hour": "h", "hr": "h", "day": "day", "week": "week", "month": "month", "year": "year", "yr": "year",
    "decade": "decade", "century": "century",
    "millimeter": "mm", "millimetre": "mm", "centimeter": "cm", "centimetre": "cm", "meter": "m", "metre": "m",
    "kilometer": "km", "kilometre": "km", "mile": "mile", "inch": "inch", "foot": "foot", "feet": "foot", "ft": "foot",
    "milligram": "mg", "gram": "g", "kilogram": "kg", "kilo": "kg", "ton": "ton", "tonne": "t", "pound": "pound",
    "ounce": "ounce", "milliliter": "ml", "millilitre": "ml", "liter": "l", "litre": "l",
    "hectare": "ha", "acre": "acre",
    "degree celsius": "°c", "degree fahrenheit": "°f", "degree": "°", "kelvin": "k",
    "bit": "bit", "byte": "b", "kilobyte": "kb", "megabyte": "mb", "gigabyte": "gb", "terabyte": "tb",
    "hertz": "hz", "kilohertz": "khz", "megahertz": "mhz", "gigahertz": "ghz", "watt": "w", "kilowatt": "kw",
    "megawatt": "mw", "gigawatt": "gw", "kilowatt hour": "kwh", "kilowatt-hour": "kwh", "volt": "v", "ampere": "a",
    "square meter": "m2", "square metre": "m2", "square kilometer": "km2", "square kilometre": "km2",
    "cubic meter": "m3", "cubic metre": "m3", "kilometers per hour": "km/h", "kilometres per hour": "km/h",
    "meters per second": "m/s", "metres per second": "m/s", "miles per hour": "mph",
    "usd": "usd", "us dollar": "usd", "dollar": "usd", "cent": "cent", "eur": "eur", "euro": "eur", "gbp": "gbp",
    "krw": "krw", "won": "krw", "jpy": "jpy", "yen": "jpy", "yuan": "cny", "rmb": "cny",
    "times": "x", "fold": "x", "-fold": "x",
}  # fmt: skip
_WORDS = {
    **_NAMES,
    **{name + "s": unit for name, unit in _NAMES.items() if name[-1] not in "s%"},
    **{name.replace(" ", "s ", 1): unit for name, unit in _NAMES.items() if name.startswith(("degree ", "percent "))},
    "inches": "inch", "centuries": "century",
}  # fmt: skip
_KOREAN = {
    "퍼센트포인트": "pp", "퍼센트 포인트": "pp", "%포인트": "pp", "% 포인트": "pp", "퍼센트": "%", "프로": "%",
    "나노초": "ns", "마이크로초": "us", "밀리초": "ms", "초": "s", "분": "min", "시간": "h", "일": "day", "주": "week",
    "주일": "week", "개월": "month", "달": "month", "년": "year", "세기": "century",
    "밀리미터": "mm", "센티미터": "cm", "미터": "m", "킬로미터": "km", "마일": "mile", "그램": "g", "킬로그램": "kg",
    "밀리그램": "mg", "톤": "t", "리터": "l", "밀리리터": "ml", "헥타르": "ha", "제곱미터": "m2", "제곱킬로미터": "km2",
    "도": "°", "비트": "bit", "바이트": "b", "킬로바이트": "kb", "메가바이트": "mb",
    "기가바이트": "gb", "테라바이트": "tb",
    "헤르츠": "hz", "와트": "w", "킬로와트": "kw", "메가와트": "mw", "기가와트": "gw", "킬로와트시": "kwh", "볼트": "v",
    "달러": "usd", "유로": "eur", "원": "krw", "엔": "jpy", "위안": "cny", "배": "x",
}  # fmt: skip

CURRENCIES = {
    "US$": "usd",
    "$": "usd",
    "€": "eur",
    "£": "gbp",
    "₩": "krw",
    "\uffe6": "krw",
    "¥": "jpy",
    "\uffe5": "jpy",
}
"""Signs that stand before their number."""

# What may follow a Korean unit without making another word of it: particles, and "each, before, after, within".
_KOREAN_FOLLOWERS = "은는이가을를의에로으도만과와까부동씩쯤후전간내안뒤당짜마다인여였입며보"
# One letter after a space is more often a word or a variable than a unit.
_GLUED = frozenset(listed("t V A J x \u00d7"))


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_UNIT = re.compile(
    rf"\s?(?P<korean>{_any_of(_KOREAN)})(?=[^\uac00-\ud7a3]|\Z|[{_KOREAN_FOLLOWERS}])"
    rf"|(?:[\s-]?(?P<symbol>{_any_of(_SYMBOLS.keys() - _GLUED)})|(?P<glued>{_any_of(_GLUED)}))"
    r"(?![A-Za-z0-9\u00b2\u00b3/])"
)
# As many words as a name has. They are looked up: trying some two hundred names in any case costs far more.
_NAMED = re.compile(r"[\s-]?(-?[A-Za-z]+(?:[ -][A-Za-z]+){0,2})")


def unit_at(text: str, at: int) -> tuple[str, int]:
    """(canonical unit, where it ends) of the unit that begins at ``at`` (a space may come first); ("", at) if none."""
    if match := _UNIT.match(text, at):
        known = _KOREAN if match.lastgroup == "korean" else _SYMBOLS
        return known[match.group(match.lastgroup or 0)], match.end()
    if match := _NAMED.match(text, at):
        name = match[1].lower()
        while name:
            if name in _WORDS:
                return _WORDS[name], match.start(1) + len(name)
            name = name[: max(name.rfind(" "), name.rfind("-"), 0)]
    return "", at
