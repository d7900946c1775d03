"""Which words are ordinary, which are names, and which announce one."""

import re
import unicodedata
from collections.abc import Iterable
from importlib import resources

_LATIN = [chr(code) for code in range(0x41, 0x250) if chr(code).isalpha()]
_BARE = {
    ord(letter): plain
    for letter in _LATIN
    if len(plain := unicodedata.normalize("NFD", letter)[0].lower()) == 1
}


def bare(text: str) -> str:
    """Gives a text of the same length without accents and without capitals."""
    return text.translate(_BARE)


TITLES = frozenset(
    [
        "m",
        "mr",
        "mrs",
        "ms",
        "miss",
        "mme",
        "mlle",
        "monsieur",
        "madame",
        "mademoiselle",
        "dr",
        "docteur",
        "docteure",
        "doctor",
        "me",
        "maitre",
        "pr",
        "professeur",
        "famille",
    ]
)
# Written in small letters, these still announce a name: "mme martin".
SHORT_TITLES = frozenset(["mr", "mrs", "mme", "mlle", "dr"])

PARTICLES = frozenset(
    [
        "de",
        "du",
        "des",
        "la",
        "le",
        "d",
        "van",
        "von",
        "der",
        "den",
        "el",
        "al",
        "ben",
        "bin",
        "bint",
        "da",
        "dos",
        "di",
        "del",
        "ait",
        "ould",
    ]
)

# Given names that begin a sentence as ordinary words do; only the model can tell.
_AMBIGUOUS = (
    "ambre ange auguste aurore blanche capucine claire clemence clement constance germaine iris"
    " jacinthe jasmin lisette manuel marguerite marina marine nadir octave pierrette prudence robin"
    " romain rose samba serge victoire"
)
AMBIGUOUS = frozenset(_AMBIGUOUS.split())

_GREETINGS = (
    "bonjour bonsoir salut coucou bjr bsr slt hello hi hey dear sir madam merci mercii"
    " remerciements cordialement salutations sinceres distinguees respectueusement bonne bon"
    " journee soiree reception regards sincerely best kind thanks thank yours please cdt cdlt"
    " crdt svp stp bien avance bravo felicitations objet suite urgent attention reponse"
)
_CALENDAR = (
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre lundi"
    " mardi mercredi jeudi vendredi samedi dimanche january february march april may june july"
    " august september october november december monday tuesday wednesday thursday friday"
    " saturday sunday noel paques ascension toussaint pentecote ramadan christmas easter"
)
_ROLES = (
    "directeur directrice prefet prefete maire ministre president presidente conseiller"
    " conseillere agent agente responsable chef depute deputee senateur senatrice juge procureur"
    " inspecteur inspectrice commissaire mediateur mediatrice defenseur general mesdames"
    " messieurs mesdemoiselles secretaire usager usagere assistante assistant service direction"
    " equipe client clientele president-directeur tout-le-monde sous-prefet"
)
_ORGANISATIONS = (
    "caf cpam msa cnav carsat urssaf ants ansm crous dgfip insee mdph ars chu ehpad edf engie"
    " sncf ratp poste pole emploi travail france francais francaise etat republique union europe"
    " mairie prefecture ameli assurance maladie impots tresor service-public franceconnect"
    " orange sfr free bouygues amazon google facebook whatsapp gmail firefox chrome windows"
    " internet tgv ter rer apl colissimo chronopost aah rsa asf paje ase nir rib iban siret bic"
    " tel sms mail email fax wifi url pdf cv cdi cdd smic chatbot"
)
_OTHERS = "english french british angry happy sorry nom prenom adresse numero personne carte"
_PLACES = (
    r"rue|r\.|avenue|av\.?|boulevard|bd\.?|bld\.?|place|pl\.|placette|impasse|allee|allees|chemin"
    r"|quai|cours|square|passage|esplanade|route|rond-point|pont|parc|villa|hopital|hopitaux|chu|chr"
    r"|clinique|polyclinique|maternite|lycee|college|ecole|creche|cantine|gare|metro|station|arret"
    r"|stade|piscine|gymnase|residence|ehpad|foyer|centre|cite|quartier|institut|universite|campus"
    r"|faculte|fac|theatre|musee|mediatheque|bibliotheque|salle|espace|maison|fondation|aeroport"
    r"|tour|batiment|immeuble|port|prison|caserne|eglise|basilique|cathedrale|chapelle|groupe"
    r"|street|road|avenue|hospital|school|station|airport|square"
)
_AFTER_A_PLACE = re.compile(
    rf"(?<!\w)(?:{_PLACES})"
    r"(?:(?:[ ,]+|(?<='))(?:de|du|des|la|le|les|l'|d'|et|general|marechal|docteur|dr|president"
    r"|professeur|saint|sainte|abbe|colonel|capitaine|commandant)){0,4} *$"
)
_REACH = 60


def is_after_a_place(bare_text: str, start: int) -> bool:
    """Tells whether a name at `start` belongs to a street, a hospital or a school."""
    return bool(_AFTER_A_PLACE.search(bare_text[max(0, start - _REACH) : start]))


class Lexicon:
    """The ordinary words of French, and given names and surnames.

    Words are asked for as `bare` gives them.

    Args:
        french_words: Dictionary forms and inflected forms.
        function_words: Words that are never a name, French and English.
    """

    def __init__(self, french_words: Iterable[str], function_words: Iterable[str]) -> None:
        self._common = {bare(word) for word in french_words}
        self._never = {bare(word) for word in function_words}
        for words in (_GREETINGS, _CALENDAR, _ROLES, _ORGANISATIONS, _OTHERS):
            self._never.update(words.split())
        self._never |= TITLES
        folder = resources.files(__package__)
        self._given_names = set(folder.joinpath("given_names.txt").read_text("utf-8").split())
        self._surnames = set(folder.joinpath("surnames.txt").read_text("utf-8").split())
        self._never -= self._given_names

    def is_never_a_name(self, word: str) -> bool:
        """Tells a function word, a greeting, a month, a role or an organisation."""
        return word in self._never

    def is_common(self, word: str) -> bool:
        """Tells an ordinary French word, in the plural or in the feminine too."""
        return (
            word in self._common
            or word in self._never
            or (word[-1] in "sx" and word[:-1] in self._common)
            or (word[-1] == "e" and word[:-1] in self._common)
            or (word.endswith("es") and word[:-2] in self._common)
            or ("-" in word and all(part in self._common for part in word.split("-") if part))
        )

    def is_given_name(self, word: str) -> bool:
        """Tells a given name, also one in two parts."""
        return word in self._given_names or (
            "-" in word and all(part in self._given_names for part in word.split("-"))
        )

    def is_known_name(self, word: str) -> bool:
        """Tells a given name or a frequent surname."""
        return word in self._surnames or self.is_given_name(word)

    def can_be_a_name(self, word: str) -> bool:
        """Tells a known name, or a word that is none of the ordinary ones."""
        return self.is_known_name(word) or not self.is_common(word)
