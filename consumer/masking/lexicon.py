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

# Given names that really are ordinary words, in small letters or shouted; every other given name
# in the list is taken for a name, though dictionaries hold many of them.
_ORDINARY_GIVEN_NAMES = (
    "ambre ange blanche capucine claire clemence constance germaine iris jacinthe jasmin lamine"
    " jack lino lise manuel marguerite marie marine max melodie nais peter pierre prudence rose"
    " samba victoire"
)
ORDINARY_GIVEN_NAMES = frozenset(_ORDINARY_GIVEN_NAMES.split())

_GREETINGS = (
    "bonjour bonsoir salut coucou bjr bsr slt hello hi hey dear sir madam merci mercii"
    " remerciements cordialement salutations sinceres distinguees respectueusement bonne bon"
    " journee soiree reception regards sincerely best kind thanks thank yours please cdt cdlt"
    " crdt svp stp bien avance bravo felicitations objet suite urgent attention reponse"
    " jai cest nb lol mdr wtf omg idk wow damn"
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
    " consul consule ambassadeur ambassadrice doctor"
)
_ORGANISATIONS = (
    "caf cpam msa cnav carsat urssaf ants ansm crous dgfip insee mdph ars chu ehpad edf engie"
    " sncf ratp poste pole emploi travail france francais francaise etat republique union europe"
    " mairie prefecture ameli assurance maladie impots tresor service-public franceconnect"
    " orange sfr free bouygues amazon google facebook whatsapp gmail firefox chrome windows"
    " internet tgv ter rer apl colissimo chronopost aah rsa asf paje ase nir rib iban siret bic"
    " tel sms mail email fax wifi url pdf cv cdi cdd smic chatbot covid agirc arrco arcco ircantec"
    " histovec perceval renov maprimerenov mdphs pch cmi ddt dreal gouv doctolib malakoff mederic"
    " humanis apicil daikin castorama ikea darty fnac carrefour auchan chorus parcoursup visale"
    " locapass soliha anah moderna janssen pfizer instagram youtube twitter linkedin paypal android"
    " iphone"
)
_OTHERS = "english french british angry happy sorry nom prenom adresse numero personne carte"
# The model takes these for people; after a title they are people all the same.
_CITIES_AND_COUNTRIES = (
    "new metz nancy dijon reims tours angers brest limoges amiens perpignan besancon orleans rouen"
    " mulhouse caen marrakech casablanca rabat alger oran tunis dakar abidjan bamako londres london"
    " dublin berlin munich madrid barcelone barcelona lisbonne lisbon rome milan turin geneve"
    " zurich lausanne montreal quebec toronto ottawa vancouver york boston chicago dallas houston"
    " miami orleans seattle washington sydney melbourne tokyo pekin beijing shanghai singapour"
    " singapore bangkok hanoi moscou moscow istanbul ankara beyrouth dubai doha texas california"
    " scotland england ireland wales britain america canada mexico brazil russia ukraine poland"
    " germany italy spain portugal greece turkey israel syria iran irak iraq egypt china japan"
    " korea vietnam india australia africa venezuela city ville"
)
_PLACES = (
    r"rue|r\.|avenue|av\.?|boulevard|bd\.?|bld\.?|place|pl\.|placette|impasse|allee|allees|chemin"
    r"|quai|cours|square|passage|esplanade|route|rond-point|pont|parc|villa|hopital|hopitaux|chu|chr"
    r"|clinique|polyclinique|maternite|lycee|college|ecole|creche|cantine|gare|metro|station|arret"
    r"|stade|piscine|gymnase|residence|ehpad|foyer|centre|cite|quartier|institut|universite|campus"
    r"|faculte|fac|theatre|musee|mediatheque|bibliotheque|salle|espace|maison|fondation|aeroport"
    r"|tour|batiment|immeuble|port|prison|caserne|eglise|basilique|cathedrale|chapelle|groupe"
    r"|street|road|avenue|hospital|school|station|airport|square"
    r"|saint|sainte|st|ste|san|santa|garage|appli|application|logiciel|plateforme|sites?|portail"
    r"|entreprise|societe|enseigne|enveloppe|vaccins?|loi|plan"
)
# Only with "de" after them: "la mairie Isabelle" may still be a person.
_OFFICES = (
    r"ville|commune|village|mairie|prefecture|sous-prefecture|consul|consulat|ambassade|mdph|caf"
    r"|cpam|carsat|urssaf|tribunal|departement|region|gendarmerie|commissariat"
)
_AFTER_A_PLACE = re.compile(
    rf"(?<!\w)(?:{_PLACES})"
    r"(?:(?:[ ,]+|(?<='))(?:de|du|des|la|le|les|l'|d'|et|general|marechal|docteur|dr|president"
    r"|professeur|saint|sainte|abbe|colonel|capitaine|commandant)){0,4} *$"
    rf"|(?<!\w)(?:{_OFFICES})(?: generale?)? (?:de |du |des |de la |d')$"
)
# "Un rendez-vous à Metz", but "merci à Zoltan".
_AFTER_A_PREPOSITION_OF_PLACE = re.compile(
    r"(?<!\w)(?!(?:mercii*|remerciements?|bravo|parle|dit|demande|ecrit|adresse|repond[su]?|envoye"
    r"|transmettre|transmis|confie|telephone|message|messages|mail|courrier|appel|donne|remis"
    r"|remettre|attention|eu|grace|salut|hommage|affaire|suite|expedie|signale|explique) )"
    r"\w+,? (?:a|in) $"
)
_REACH = 60


def is_after_a_place(bare_text: str, start: int) -> bool:
    """Tells whether a name at `start` belongs to a street, a hospital or a school."""
    return bool(_AFTER_A_PLACE.search(bare_text[max(0, start - _REACH) : start]))


def is_after_a_preposition_of_place(bare_text: str, start: int) -> bool:
    """Tells whether "à" or "in" makes a place of what begins at `start`."""
    return bool(_AFTER_A_PREPOSITION_OF_PLACE.search(bare_text[max(0, start - _REACH) : start]))


class Lexicon:
    """The ordinary words of French, and given names and surnames.

    The two lists of names, `given_names.txt` and `surnames.txt`, were written by hand and from
    memory for this project; they are under the project's own licence and no other. Words are asked
    for as `bare` gives them.

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
        self._places = frozenset(_CITIES_AND_COUNTRIES.split())

    def is_never_a_name(self, word: str) -> bool:
        """Tells a function word, a greeting, a month, a role, an organisation or "XXX"."""
        return word in self._never or "xxx" in word or not word.strip("x")

    def is_city_or_country(self, word: str) -> bool:
        """Tells a large city or a country, which some people are named after."""
        return word in self._places

    def is_common(self, word: str) -> bool:
        """Tells an ordinary French word, in the plural or in the feminine too.

        Dictionaries hold given names; only the few that are words besides count as ordinary.
        """
        if self.is_given_name(word) and word not in ORDINARY_GIVEN_NAMES:
            return False
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
