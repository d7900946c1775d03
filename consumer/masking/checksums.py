"""The control digits of bank accounts, social-security numbers and payment cards."""

# Length of an IBAN by country: the IBAN registry (ISO 13616), and the countries of Africa that
# use the format without being in it.
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FK FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "DZ IS TR",
        27: "BI CF CG CM DJ FR GA GQ GR IT MC MR SM TD",
        28: "AL AZ BF BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN SV TG",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def is_iban(characters: str) -> bool:
    """Tells whether letters and digits without separators are an IBAN (ISO 7064, mod 97-10)."""
    upper = characters.upper()
    if len(upper) != IBAN_LENGTHS.get(upper[:2]):
        return False
    return int("".join(str(int(c, 36)) for c in upper[4:] + upper[:4])) % 97 == 1


def has_valid_key(number: str) -> bool:
    """Tells whether a social-security number of 13 characters and a key of 2 digits agree.

    The two departments of Corsica, 2A and 2B, count as 19 and 18 (INSEE).
    """
    digits = number.upper().replace("2A", "19").replace("2B", "18")
    return digits.isdecimal() and 97 - int(digits[:13]) % 97 == int(digits[13:])


def passes_luhn(digits: str) -> bool:
    """Tells whether the last digit is the control digit of the others (ISO/IEC 7812-1)."""
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0
