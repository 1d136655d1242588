"""Compares a reader of phone numbers with `phonenumbers` on generated strings. See `phone-oracle`.

    phone_oracle.py SEED N COMMAND...

COMMAND reads lines `region<TAB>JSON string` and prints one JSON object per line.
"""

import json
import random
import subprocess
import sys
from collections import Counter, defaultdict

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult


def main():
    seed, count, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    cases = list(Generator(seed).cases(count))
    answers = ask(command, cases, random.Random(f"case {seed}"))
    verdicts = defaultdict(Counter)
    samples = {}
    for case, answer in zip(cases, answers, strict=True):
        wanted = oracle(case)
        verdict = judge(case, wanted, answer)
        verdicts[case.category][verdict] += 1
        if verdict == "miss":
            samples.setdefault(case.category, []).append((case, wanted, answer))
    return report(seed, verdicts, samples)


def ask(command, cases, rng):
    """The reader's answers as (E.164, validity, reason) and the damage. Regions go in either case."""
    lines = (f"{rng.choice((case.region, case.region.lower()))}\t{json.dumps(case.raw)}\n" for case in cases)
    run = subprocess.run(command, input="".join(lines), stdout=subprocess.PIPE, text=True, check=True)
    answers = map(json.loads, run.stdout.splitlines())
    return [
        ((answer.get("e164"), answer.get("validity"), answer.get("reason")), answer.get("damage"))
        for answer in answers
    ]


def oracle(case):
    """The answer of `phonenumbers` as (E.164, validity, reason)."""
    try:
        number = phonenumbers.parse(case.raw, case.region or None)
    except NumberParseException as error:
        return (None, None, PARSE_REASONS[error.error_type])
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    if phonenumbers.is_valid_number(number):
        return (e164, "valid", None)
    result = phonenumbers.is_possible_number_with_reason(number)
    if result == ValidationResult.IS_POSSIBLE:
        return (e164, "possible", None)
    return (None, None, LENGTH_REASONS[result])


def judge(case, wanted, answer):
    """`equal`; `own rule` where rejecting is right though the oracle accepts; or `miss`."""
    answer, damage = answer
    rejected = answer[0] is None
    if case.is_masked and not rejected:
        return "miss"
    if answer == wanted:
        return "equal"
    if wanted[0] is not None and rejected:
        if len(wanted[0]) > E164_LENGTH_MAX and answer[2] == "too_long":
            return "own rule"
        if wanted[1] == "possible" and answer[2] == "not_a_number" and not reads_back(wanted[0]):
            return "own rule"
        if case.is_damaged and damage is not None:
            return "own rule"
    return "miss"


def reads_back(e164):
    """Whether an E.164 text means the number it was made of, which those with a trunk prefix do not."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), PhoneNumberFormat.E164) == e164
    except NumberParseException:
        return False


def report(seed, verdicts, samples):
    total = Counter()
    for verdict in verdicts.values():
        total += verdict
    rows = total.total()
    agreement = (total["equal"] + total["own rule"]) / rows
    print(f"seed {seed}: {rows} strings in {len(verdicts)} categories, phonenumbers {phonenumbers.__version__}")
    print(f"equal to phonenumbers   {total['equal']:6}  {total['equal'] / rows:9.3%}")
    print(f"rejected by own rule    {total['own rule']:6}  {total['own rule'] / rows:9.3%}")
    for category, verdict in sorted(verdicts.items()):
        if verdict["own rule"]:
            print(f"    {category:24} {verdict['own rule']:6} of {verdict.total()}")
    print(f"disagree                {total['miss']:6}  {total['miss'] / rows:9.3%}")
    for category, found in sorted(samples.items()):
        print(f"    {category:24} {len(found):6} of {verdicts[category].total()}")
        for case, wanted, answer in found[:SAMPLES_MAX]:
            print(f"        {case.region or '--'} {case.raw!a}: phonenumbers {wanted}, here {answer}")
    print(f"agreement {agreement:.3%}")
    return 0 if agreement >= AGREEMENT_MIN else 1


class Case:
    def __init__(self, category, region, raw):
        self.category, self.region, self.raw = category, region, raw
        self.is_masked = category.startswith("masked")
        self.is_damaged = category.startswith(DAMAGED)


class Generator:
    """Makes strings from a seed: a number of some region, a spelling of it, and at times a damage."""

    def __init__(self, seed):
        self.rng = random.Random(f"phone {seed}")
        self.regions = sorted(phonenumbers.SUPPORTED_REGIONS)
        self.examples = {region: self.examples_of(region) for region in self.regions}
        self.spellings = [
            (name.removeprefix("spell_"), getattr(self, name)) for name in sorted(dir(self)) if name.startswith("spell_")
        ]
        self.damages = [
            (name.removeprefix("damage_"), getattr(self, name)) for name in sorted(dir(self)) if name.startswith("damage_")
        ]

    def cases(self, count):
        for _ in range(count):
            region = self.rng.choice(NANP) if self.rng.random() < 0.3 else self.rng.choice(self.regions)
            number = self.number(region)
            kinds = self.spellings if self.rng.random() < 0.7 else self.damages
            category, spell = self.rng.choice(kinds)
            raw = spell(number, region)
            yield Case(category, self.default_region(region), raw)

    def default_region(self, region):
        draw = self.rng.random()
        if draw < 0.8:
            return region
        return "" if draw < 0.87 else self.rng.choice(("US", "GB", "DE", self.rng.choice(self.regions)))

    @staticmethod
    def examples_of(region):
        kinds = PhoneNumberType.values()
        found = (phonenumbers.example_number_for_type(region, kind) for kind in kinds)
        return sorted({number.national_number for number in found if number is not None})

    def number(self, region):
        """An example of the region with some of its digits drawn anew, or digits at random."""
        rng = self.rng
        code = phonenumbers.country_code_for_region(region)
        draw = rng.random()
        if draw < 0.85 and self.examples[region]:
            digits = str(rng.choice(self.examples[region]))
            kept = len(digits) - rng.randint(1, min(5, len(digits) - 2))
            national = digits[:kept] + self.digits(len(digits) - kept)
        else:
            national = self.digits(rng.randint(4, 13))
        zero = phonenumbers.example_number(region)
        number = phonenumbers.PhoneNumber(country_code=code, national_number=int(national))
        if zero is not None and zero.italian_leading_zero and rng.random() < 0.5:
            number.italian_leading_zero = True
        return number

    def digits(self, count):
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def formatted(self, number, form):
        return phonenumbers.format_number(number, form)

    def any_form(self, number):
        return self.formatted(number, self.rng.choice(FORMS))

    # Spellings that mean one number.

    def spell_e164(self, number, _region):
        return self.formatted(number, PhoneNumberFormat.E164)

    def spell_international(self, number, _region):
        return self.formatted(number, PhoneNumberFormat.INTERNATIONAL)

    def spell_national(self, number, _region):
        return self.formatted(number, PhoneNumberFormat.NATIONAL)

    def spell_uri(self, number, _region):
        text = self.formatted(number, PhoneNumberFormat.RFC3966)
        return text + self.rng.choice(("", "", ";ext=" + self.digits(3), ";isub=" + self.digits(4)))

    def spell_uri_context(self, number, _region):
        context = self.rng.choice((f"+{number.country_code}", "example.org", "a..b", ""))
        return f"tel:{number.national_number};phone-context={context}"

    def spell_bare(self, number, _region):
        return f"{number.national_number}"

    def spell_country_code_bare(self, number, _region):
        return f"{number.country_code}{number.national_number}"

    def spell_own_groups(self, number, _region):
        """Digits in groups of any size, with one separator or several."""
        text = str(number.national_number)
        separators = self.rng.choices(SEPARATORS, k=self.rng.randint(1, 2))
        parts = []
        while text:
            size = self.rng.randint(1, 4)
            parts.append(text[:size])
            text = text[size:]
        plus = self.rng.choice(("", "", f"+{number.country_code}", f"(+{number.country_code})", f"+({number.country_code})"))
        return plus + "".join(self.rng.choice(separators) + part for part in parts)

    def spell_dialling_prefix(self, number, _region):
        prefix = self.rng.choice(("00", "011", "0011", "810", "00 ", "011-", "+00"))
        return f"{prefix}{number.country_code}{self.rng.choice(('', ' ', '-'))}{number.national_number}"

    def spell_trunk_zero(self, number, _region):
        return f"+{number.country_code} (0){self.rng.choice(('', ' '))}{number.national_number}"

    def spell_other_script(self, number, _region):
        zero = ord(self.rng.choice(ZEROS))
        return "".join(chr(zero + int(c)) if c.isascii() and c.isdigit() else c for c in self.any_form(number))

    def spell_invisible(self, number, _region):
        text = self.any_form(number)
        for _ in range(self.rng.randint(1, 3)):
            at = self.rng.randint(0, len(text))
            text = text[:at] + self.rng.choice(INVISIBLE) + text[at:]
        return text

    def spell_label(self, number, _region):
        return self.rng.choice(LABELS) + self.any_form(number)

    def spell_extension(self, number, _region):
        return self.any_form(number) + self.rng.choice(EXTENSIONS) + self.digits(self.rng.randint(1, 7))

    def spell_wrapped(self, number, _region):
        before, after = self.rng.choice(WRAPPERS)
        return before + self.any_form(number) + after

    def spell_trailing(self, number, _region):
        return self.any_form(number) + self.rng.choice((".", ",", ";", " -", "#", "?", "!", "\n", "\t", " x", "*", "…"))

    def spell_too_short(self, number, _region):
        return self.any_form(number)[: -self.rng.randint(1, 4)]

    def spell_too_long(self, number, _region):
        return self.any_form(number) + self.digits(self.rng.randint(1, 5))

    def spell_typing_error(self, number, _region):
        text = list(self.any_form(number))
        at = self.rng.randrange(len(text))
        text[at] = self.rng.choice((self.rng.choice("0123456789"), text[at] * 2, ""))
        return "".join(text)

    def spell_vanity(self, _number, _region):
        prefix = self.rng.choice(("1-800-", "(888) ", "+1 877 ", "1300 ", "0800 ", "13 ", "212-", "866."))
        words = self.rng.choices(VANITY, k=self.rng.randint(1, 2))
        return prefix + self.rng.choice(("-", "")).join(words) + self.rng.choice(("", "", "1", "24"))

    def spell_digits_at_random(self, _number, _region):
        return self.rng.choice(("", "", "+", "0", "00")) + self.digits(self.rng.randint(1, 18))

    def spell_soup(self, _number, _region):
        return "".join(self.rng.choices("0123456789" * 3 + " -()./+,;#abAZ~'", k=self.rng.randint(1, 20)))

    def spell_no_number(self, _number, _region):
        return self.rng.choice(NOT_NUMBERS)

    # Damage: texts that must be rejected even where the oracle reads a number.

    def damage_masked_tail(self, number, _region):
        text = self.any_form(number)
        return text[:-4] + self.rng.choice("xX*•") * 4

    def damage_masked_middle(self, number, _region):
        digits = str(number.national_number)
        return f"+{number.country_code} {digits[:2]}{self.rng.choice('xX*') * max(3, len(digits) - 4)}{digits[-2:]}"

    def damage_masked_groups(self, number, _region):
        return self.rng.choice(("(XXX) XXX-", "***-***-", "xxx xxx ", "(•••) •••-")) + str(number.national_number)[-4:]

    def damage_letters_for_digits(self, number, _region):
        text = list(self.any_form(number))
        for at in self.rng.sample(range(len(text)), k=min(len(text), self.rng.randint(1, 3))):
            text[at] = {"0": "O", "1": "l", "5": "S"}.get(text[at], text[at])
        return "".join(text)

    def damage_spreadsheet_decimal(self, number, _region):
        return f"{self.rng.choice((number.country_code, ''))}{number.national_number:05}.0"

    def damage_spreadsheet_exponent(self, number, _region):
        value = float(f"{number.country_code}{number.national_number}")
        return f"{value:.{self.rng.randint(1, 11)}E}"

    def damage_spreadsheet_thousands(self, number, _region):
        return f"{int(f'{number.country_code}{number.national_number}'):,}"

    def damage_sentence(self, number, _region):
        return self.rng.choice(SENTENCES).format(self.any_form(number))

    def damage_two_numbers(self, number, region):
        between = self.rng.choice((" / ", "/", "; ", ", ", " or ", " und ", " & ", " ", "\n", " (home) "))
        return self.any_form(number) + between + self.any_form(self.number(region))

    def damage_address(self, _number, _region):
        return f"{self.rng.randint(100, 99999)} {self.rng.choice(STREETS)}"


NANP = ("US", "US", "US", "CA", "PR", "JM")
FORMS = (PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.NATIONAL)
SEPARATORS = (" ", "-", ".", "/", "  ", " - ", "–", "‑", "\u00a0", "\u3000", "~", "*", "_", "|", "\t", ",")
ZEROS = "٠۰०০๐０𝟎𝟘߀༠០᠐𞥐"
INVISIBLE = ("\u200b", "\u200e", "\u202a", "\u202c", "\u2060", "\u00ad", "\ufeff", "\u200d")
LABELS = (
    "Tel: ", "Tel. ", "tel ", "Phone ", "Phone: ", "p:", "m. ", "M ", "Mobile: ", "Handy: ", "Téléphone : ", "WhatsApp ",
    "тел. ", "電話", "☎ ", "cell-", "fax ", "call ", "USA ", "no ", "#", "@", "my number is ", "please call ",
)
EXTENSIONS = (
    " x", "x", " ext ", " ext. ", " ext.", " extn ", " extension ", ", ext ", ";ext=", " #", ",,", ",", ";", " anexo ",
    " int ", " доб. ", " ｅｘｔ", " extensión ", " xtn ", "~", " e", "/", " - ", " Durchwahl ", " poste ",
)
WRAPPERS = (
    ("(", ")"), ("<", ">"), ("[", "]"), ('"', '"'), ("'", ""), ('="', '"'), ("“", "”"), (" ", " "), ("\t", "\t"), ("{", "}"),
)
VANITY = ("FLOWERS", "SOLAR", "ROOF", "CALL", "NOW", "LAWYER", "Pets", "TAXI", "go", "HEAT", "QUOTE", "Exxon")
NOT_NUMBERS = (
    "", " ", "-", "n/a", "none", "null", "unknown", "test", "+", "()", "john@example.com", "a1234567890@example.com",
    "2024-01-31", "12/31/1999", "https://example.com", "#REF!", "#N/A", "private", "same", "0", "000", "1234567890@x.io",
)
SENTENCES = (
    "call me at {} after 5pm", "{} (ask for Ann)", "{} - home", "{} (mobile)", "{} after 6", "try {} or my wife", "{} work",
    "best time is 9 to 5 on {}", "{} evenings only",
)
STREETS = ("Main St", "Oak Avenue", "Elm Rd Apt 4", "Sunset Blvd", "High Street", "Rue de la Paix")

# Categories whose strings do not mean one number; a rejection that names a damage is right there.
DAMAGED = ("masked", "letters_for_digits", "spreadsheet", "sentence", "two_numbers", "address")

PARSE_REASONS = {
    NumberParseException.INVALID_COUNTRY_CODE: "invalid_country_code",
    NumberParseException.NOT_A_NUMBER: "not_a_number",
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short_after_idd",
    NumberParseException.TOO_SHORT_NSN: "too_short_nsn",
    NumberParseException.TOO_LONG: "parse_too_long",
}
LENGTH_REASONS = {
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "local_only",
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.INVALID_LENGTH: "invalid_length",
    ValidationResult.TOO_LONG: "too_long",
}

E164_LENGTH_MAX = 16  # the plus and fifteen digits
SAMPLES_MAX = 4
AGREEMENT_MIN = 0.999

if __name__ == "__main__":
    sys.exit(main())
