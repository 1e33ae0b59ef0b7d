"""Words the sample is made of: names, places, telephone ranges, goods.

All invented or reserved for the purpose. E-mail domains are those of RFC 2606; telephone numbers are from the
ranges regulators keep for drama: 555-01XX (NANPA), 07700 900XXX (Ofcom), 030 23125XXX (Bundesnetzagentur),
06 39 98 XX XX (ARCEP), 020 91X XXXX (ComReg), and the ACMA's list of Australian mobiles.
"""

from dataclasses import dataclass

__all__ = ["COUNTRIES", "FEMALE", "MALE", "STREETS", "SURNAMES", "Country", "Name"]


@dataclass(frozen=True)
class Name:
    """A name, and how it is written in an e-mail address."""

    text: str
    ascii: str


def _names(words: str, **foreign: str) -> tuple[Name, ...]:
    plain = [Name(word, word.lower()) for word in words.split()]
    return tuple(plain + [Name(text, key) for key, text in foreign.items()])


FEMALE = _names(
    "Abigail Ada Alice Amelia Ann Beatrice Carla Charlotte Chloe Clara Diana Edith Ella Emma Esther "
    "Fiona Freya Grace Hannah Helen Ida Irene Isla Ivy Jane Judith Julia Kate Laura Lena Lucy Maya Mia "
    "Nadia Nina Nora Olivia Paula Rosa Ruth Sara Sofia Tessa Thea Vera Wendy",
    anais="Anaïs",
    zoe="Zoë",
    soren="Sørine",
    chloe="Chloé",
    # An accent as a character of its own, as some systems export it.
    amelie="Ame\u0301lie",
    fang="李芳",
    yuki="雪",
    lily="Lily 🌸",
)
MALE = _names(
    "Adam Adrian Alan Albert Arthur Ben Bruno Carl Chris Colin Daniel David Edgar Eric Felix Finn Frank "
    "Gavin George Harry Henry Hugo Ian Isaac Jack James John Karl Leo Liam Lucas Mark Martin Max Nathan "
    "Noah Oscar Oliver Owen Paul Peter Robert Sam Simon Theo Tom Victor Will",
    jose="José",
    bjorn="Bjørn",
    francois="François",
    jurgen="Jürgen",
    wei="王伟",
    seamus="Séamus",
    max="Max 🚲",
)
SURNAMES = _names(
    "Abbott Adams Baker Barnes Becker Bell Bennett Berger Bishop Brandt Brooks Brown Byrne Carter Clark "
    "Collins Cook Cooper Cox Daly Dixon Doyle Dubois Duffy Ellis Evans Fischer Fisher Fleming Ford "
    "Foster Fox Gallagher Garcia Gibson Gordon Graham Grant Gray Green Hall Hansen Harris Hart Hayes "
    "Hill Hoffmann Holmes Howard Hughes Hunt Jackson Jenkins Jensen Johnson Jones Keane Keller Kelly "
    "King Klein Knight Lambert Lang Laurent Lawson Lee Lewis Long Martin Mason Meyer Miller Mills Moore "
    "Moreau Morgan Morris Murphy Murray Nash Nelson Nolan Owens Palmer Parker Pearce Perry Petit Porter "
    "Price Quinn Reed Reid Richter Roberts Robin Rose Ross Roux Ryan Schmidt Scott Shaw Simpson Smith "
    "Stone Taylor Turner Wagner Walker Walsh Ward Watson Weber White Wolf Wood Wright Young",
    muller="Müller",
    obrien="O'Brien",
    garcia="García",
    lefevre="Lefèvre",
    strasse="Straßmann",
    smith="Smith-Jones",
    vanderberg="van der Berg",
    li="李",
)
STREETS = (
    "Alder Street", "Birch Avenue", "Canal Road", "Chapel Lane", "Church Street", "Dock Street",
    "Elm Drive", "Garden Street", "Harbour Road", "High Street", "Hill Road", "Lake View",
    "Linden Avenue", "Maple Street", "Market Square", "Mill Lane", "North Road", "Oak Street",
    "Orchard Way", "Park Avenue", "Pine Street", "Queen Street", "River Road", "School Lane",
    "Station Road", "Union Street", "West Street", "Willow Court",
)  # fmt: skip


@dataclass(frozen=True)
class Country:
    """A country the customers live in.

    `phone` is a SQL text expression: `n` in braces stands for the digits drawn, as many as `digits`.
    """

    code: str
    name: str
    weight: int
    currency: str
    language: str
    cities: tuple[tuple[str, str | None], ...]
    phones: tuple[str, ...]
    digits: int


COUNTRIES = (
    Country(
        "US", "United States", 55, "USD", "en",
        (("Seattle", "WA"), ("Portland", "OR"), ("Denver", "CO"), ("Austin", "TX"), ("Chicago", "IL"),
         ("Boston", "MA"), ("Atlanta", "GA"), ("New York", "NY")),
        tuple(f"+1{area}55501" for area in (206, 503, 303, 512, 312, 617, 404, 212, 415, 713)), 2,
    ),
    Country(
        "GB", "United Kingdom", 15, "GBP", "en",
        (("London", None), ("Leeds", None), ("Bristol", None), ("Cardiff", None), ("Glasgow", None),
         ("Belfast", None), ("Norwich", None), ("York", None)),
        ("+447700900",), 3,
    ),
    Country(
        "CA", "Canada", 10, "CAD", "en",
        (("Toronto", "ON"), ("Montréal", "QC"), ("Vancouver", "BC"), ("Calgary", "AB"), ("Ottawa", "ON"),
         ("Halifax", "NS"), ("Winnipeg", "MB"), ("Québec", "QC")),
        tuple(f"+1{area}55501" for area in (416, 514, 604, 403, 613)), 2,
    ),
    Country(
        "DE", "Germany", 8, "EUR", "de",
        (("Berlin", "BE"), ("Hamburg", "HH"), ("München", "BY"), ("Köln", "NW"), ("Leipzig", "SN"),
         ("Bremen", "HB"), ("Mainz", "RP"), ("Kiel", "SH")),
        ("+493023125",), 3,
    ),
    Country(
        "FR", "France", 6, "EUR", "fr",
        (("Paris", None), ("Lyon", None), ("Nantes", None), ("Lille", None), ("Orléans", None),
         ("Rennes", None), ("Nîmes", None), ("Dijon", None)),
        ("+3363998",), 4,
    ),
    Country(
        "IE", "Ireland", 3, "EUR", "en",
        (("Dublin", None), ("Cork", None), ("Galway", None), ("Limerick", None), ("Sligo", None),
         ("Dún Laoghaire", None), ("Kilkenny", None), ("Tralee", None)),
        ("+3532091",), 5,
    ),
    Country(
        "AU", "Australia", 3, "AUD", "en",
        (("Sydney", "NSW"), ("Melbourne", "VIC"), ("Brisbane", "QLD"), ("Perth", "WA"), ("Adelaide", "SA"),
         ("Hobart", "TAS"), ("Darwin", "NT"), ("Canberra", "ACT")),
        ("+61491570006", "+61491570110", "+61491570156", "+61491570157", "+61491570158", "+61491570159"), 0,
    ),
)  # fmt: skip
"""Weights add up to 100. Every country has eight cities (with a state or none)."""
