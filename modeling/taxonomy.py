"""The taxonomy: label groups, their kinds, and the labels' codes and names, read from YAML."""

from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from modeling.errors import OperatorError

Code = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Kind(StrEnum):
    """How the labels of a group exclude one another; the kind decides the head and the loss."""

    ORDINAL = "ordinal"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Label(_Frozen):
    """One label: its code is the contract, its names are for people."""

    code: Code
    fr: str
    en: str


class Names(_Frozen):
    """A group's name in the languages that people read."""

    fr: str
    en: str


class LabelGroup(_Frozen):
    """Labels that answer one question about a message."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    kind: Kind
    names: Names
    labels: tuple[Label, ...] = ()

    @property
    def codes(self) -> tuple[str, ...]:
        """The labels' codes, in the order of the model's outputs."""
        return tuple(label.code for label in self.labels)

    @model_validator(mode="after")
    def _labels_fit_the_kind(self) -> Self:
        fewest = {Kind.REGRESSION: 0, Kind.MULTILABEL: 1}.get(self.kind, 2)
        if len(self.labels) < fewest:
            raise ValueError(f"group {self.name}: kind {self.kind} needs at least {fewest} labels")
        if self.kind is Kind.REGRESSION and self.labels:
            raise ValueError(f"group {self.name}: a regression has no labels")
        twice = sorted({code for code in self.codes if self.codes.count(code) > 1})
        if twice:
            raise ValueError(f"group {self.name}: codes given twice: {', '.join(twice)}")
        return self


class Taxonomy(_Frozen):
    """All the label groups that a model answers, in the order of its heads."""

    name: str
    version: int
    groups: Annotated[tuple[LabelGroup, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _groups_are_distinct(self) -> Self:
        names = [group.name for group in self.groups]
        if len(set(names)) < len(names):
            raise ValueError("two groups have the same name")
        return self

    def group(self, name: str) -> LabelGroup:
        """The group of that name; KeyError when there is none."""
        for group in self.groups:
            if group.name == name:
                return group
        raise KeyError(name)

    def differences(self, other: "Taxonomy") -> list[str]:
        """What a person needs to know to see why two taxonomies do not fit; empty when they do.

        Names for people and the version number may differ: they change no output.
        """
        mine = {group.name: group for group in self.groups}
        theirs = {group.name: group for group in other.groups}
        found = [f"group {name} is missing" for name in mine if name not in theirs]
        found += [f"group {name} is unknown" for name in theirs if name not in mine]
        for name, group in mine.items():
            if name not in theirs:
                continue
            if group.kind != theirs[name].kind:
                found.append(f"group {name} is {theirs[name].kind}, not {group.kind}")
            elif group.codes != theirs[name].codes:
                found.append(
                    f"group {name} has the labels {', '.join(theirs[name].codes)},"
                    f" not {', '.join(group.codes)}"
                )
        return found


def parse_taxonomy(text: str, source: str) -> Taxonomy:
    """Reads a taxonomy from YAML; `source` is named in errors.

    Raises:
        OperatorError: the text is no YAML, or no taxonomy.
    """
    try:
        return Taxonomy.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise OperatorError(f"{source} is not YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise OperatorError(f"{source} is not a taxonomy: {where}: {first['msg']}") from error


def load_taxonomy(path: Path) -> Taxonomy:
    """Reads a taxonomy file.

    Raises:
        OperatorError: the file cannot be read, or holds no taxonomy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"cannot read the taxonomy {path}: {error}") from error
    return parse_taxonomy(text, str(path))


def default_taxonomy() -> Taxonomy:
    """Ressenti's own taxonomy: global score, emotions and causes."""
    text = resources.files("modeling").joinpath("taxonomy.yaml").read_text(encoding="utf-8")
    return parse_taxonomy(text, "taxonomy.yaml")
