"""Which model a name leads to. Made anew whenever a manager speaks of its models; asked once for each request.

A name is a model's own, an alias, `model:variant` (or an alias of that), or that of a virtual model, whose best
candidate is chosen with each request. Of several managers, the first one that has a name says what it means.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from switchyard_contracts.serving import BUILT_IN, Prefer, Rewrite, Routing, Virtual
from switchyard_contracts.status import ModelStatus, Phase
from switchyard_proxy.errors import Refused
from switchyard_proxy.routing import refusals

Fits = Callable[[ModelStatus], bool]
Ready = Callable[[str], bool]
OUT_OF_ORDER = frozenset({Phase.FAILED, Phase.STOP_FAILED})


@dataclass(frozen=True, slots=True)
class Choice:
    """A model for a request, and what is to be changed in the request for it."""

    model: ModelStatus
    sites: tuple[int, ...]  # the managers that have it, by index
    rewrites: tuple[Rewrite, ...]  # in the order in which they are made; none that changes nothing
    fallbacks: tuple[str, ...]  # names to look up when it cannot be loaded: see `Directory.instead`
    asked: str  # the name that led here
    served_as: str  # the name by which its engine knows what is meant: its own, or that of one of its adapters


@dataclass(frozen=True, slots=True)
class _Several:
    """A virtual model, with its candidates found."""

    name: str
    candidates: tuple[Choice, ...]
    prefer: Prefer
    shares_fallbacks: bool  # whether a candidate that cannot be loaded is followed by the others


def anyone(_: ModelStatus) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Directory:
    """Every name there is. `models` and `virtual` are for those who list them."""

    models: tuple[ModelStatus, ...]
    virtual: tuple[Virtual, ...]
    default_model: str | None
    _entries: Mapping[str, Choice | _Several]

    @classmethod
    def build(cls, managers: Sequence[tuple[Sequence[ModelStatus], Routing]]) -> "Directory":
        first: dict[str, ModelStatus] = {}
        sites: dict[str, tuple[int, ...]] = {}
        for site, (models, _) in enumerate(managers):
            for model in models:
                if first.setdefault(model.name, model).type is model.type:
                    sites[model.name] = (*sites.get(model.name, ()), site)
        found: dict[str, Choice] = {}
        virtual: dict[str, Virtual] = {}
        for models, routing in managers:
            known = _choices_of(models, sites)
            found |= {
                name: choice for name, choice in known.items() if name not in found and name not in virtual
            }
            virtual |= {
                one.name: one for one in routing.virtual if one.name not in found and one.name not in virtual
            }
        default = next((routing.default_model for _, routing in managers if routing.default_model), None)
        several = _built_in(found, first, default) | {
            name: _Several(name, _found(one.candidates, found), one.prefer, shares_fallbacks=True)
            for name, one in virtual.items()
        }
        return cls(tuple(first.values()), tuple(virtual.values()), default, several | found)

    def named(self, name: str) -> Choice | None:
        """What exactly that name leads to, whatever it is for; nothing for a virtual model."""
        found = self._entries.get(name)
        return found if isinstance(found, Choice) else None

    def find(
        self,
        asked: str | None,
        fits: Fits,
        ready: Ready,
        *,
        path: str = "this request",
        may: Fits = anyone,
    ) -> Choice:
        """The model for a request, or `Refused`.

        `fits` is what the route needs (see `needs`), `ready` tells of a model's name whether it is loaded,
        `may` which models the client may use: others are not chosen for it and not named to it. A model that
        is named exactly is found all the same; that it is not allowed is for the caller to say.
        """
        name = asked or self.default_model
        if not name:
            raise refusals.no_name()
        found = self._entries.get(name)
        if found is None:
            raise self._unknown(name, may)
        if isinstance(found, _Several):
            return self._best(found, fits, ready, path, may)
        if not fits(found.model):
            raise refusals.unfit(path, found.model, self._fitting(fits, may))
        return found

    def instead(self, choice: Choice, fits: Fits, *, may: Fits = anyone) -> Iterator[Choice]:
        """What to ask in place of a choice that cannot be loaded, best first; no model twice.

        The fallbacks of a fallback are not followed.
        """
        tried = {choice.model.name}
        for other in _found(choice.fallbacks, self._entries):
            model = other.model
            if model.name not in tried and fits(model) and may(model):
                tried.add(model.name)
                yield replace(other, asked=choice.asked, fallbacks=())

    def _best(self, virtual: _Several, fits: Fits, ready: Ready, path: str, may: Fits) -> Choice:
        fitting = [one for one in virtual.candidates if fits(one.model) and may(one.model)]
        if not fitting:
            raise refusals.none_fits(path, virtual.name, self._fitting(fits, may))
        if virtual.prefer is Prefer.WARM:
            fitting.sort(key=lambda one: (not ready(one.model.name), one.model.phase in OUT_OF_ORDER))
        best, *others = fitting
        names = [one.asked for one in others] if virtual.shares_fallbacks else []
        return replace(best, asked=virtual.name, fallbacks=(*names, *best.fallbacks))

    def _fitting(self, fits: Fits, may: Fits) -> list[ModelStatus]:
        return [model for model in self.models if fits(model) and may(model)]

    def _unknown(self, name: str, may: Fits) -> Refused:
        known = [one.name for one in self.virtual]
        known += [one for one, entry in self._entries.items() if isinstance(entry, Choice) and may(entry.model)]
        return refusals.unknown(name, [model for model in self.models if may(model)], known)


def _choices_of(models: Sequence[ModelStatus], sites: Mapping[str, tuple[int, ...]]) -> dict[str, Choice]:
    """Every name of one manager: a model's own goes before an alias, and that before a variant."""
    own: dict[str, Choice] = {}
    aliases: dict[str, Choice] = {}
    variants: dict[str, Choice] = {}
    for model in models:
        serving, where = model.serving, sites.get(model.name, ())
        plain = _telling(serving.rewrite)
        own[model.name] = Choice(model, where, plain, serving.fallbacks, model.name, model.name)
        for alias in model.aliases:
            aliases.setdefault(alias, replace(own[model.name], asked=alias))
        for said, variant in serving.variants.items():
            rewrites = plain + _telling(variant.rewrite)
            served_as = variant.served_as or model.name
            one = Choice(model, where, rewrites, serving.fallbacks, f"{model.name}:{said}", served_as)
            for name in (model.name, *model.aliases):
                variants[f"{name}:{said}"] = replace(one, asked=f"{name}:{said}")
            for alias in variant.aliases:
                aliases.setdefault(alias, replace(one, asked=alias))
    return variants | aliases | own


def _telling(rewrite: Rewrite) -> tuple[Rewrite, ...]:
    return (rewrite,) if rewrite.strip or rewrite.default or rewrite.set else ()


def _built_in(
    found: Mapping[str, Choice], models: Iterable[str], default: str | None
) -> dict[str, Choice | _Several]:
    """Any model there is; the default one goes before the others."""
    first = (default,) if default else ()
    everyone = _found(dict.fromkeys((*first, *models)), found)
    return {name: _Several(name, everyone, Prefer.WARM, shares_fallbacks=False) for name in BUILT_IN}


def _found(names: Iterable[str], entries: Mapping[str, Choice | _Several]) -> tuple[Choice, ...]:
    found = (entries.get(name) for name in names)
    return tuple(one for one in found if isinstance(one, Choice))
