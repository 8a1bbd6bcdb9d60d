"""English words that are written with their accents and without: whoever adds or drops one says the same.

A closed table of common loanwords. Words of other languages are known by their texts: what accents those have.
"""

from __future__ import annotations

from orchestrator.language.lists import listed

_LOANWORDS = frozenset(
    listed(
        "à la attaché appliqué blasé brûlée canapé café château châteaux chaînés chargé cliché clichéd communiqué "
        "consommé coöperate coöperation coördinate coördination coup d'état crèche crème crêpe cortège débâcle début "
        "décor découpage déjà dépôt derrière détente doppelgänger éclair élan élite émigré entrée étude exposé façade "
        "fête fiancé fiancée flambé forêt frappé führer garçon glacé habitué hôtel ingénue jalapeño macramé maître "
        "mañana matinée mêlée mélange ménage möbius naïf naïve naïvely naïveté née négligée ångström outré "
        "papier-mâché pâté passé pièce piñata plié portière précis première preëminent protégé protégée purée ragoût "
        "raison d'être reëlect reëlection régime répertoire résumé risqué rôle rosé roué sauté séance señor señora "
        "smörgåsbord soirée soufflé soupçon tête touché über vis-à-vis voilà zoölogy"
    )
)


def written_both_ways(word: str) -> bool:
    """Whether a folded word is one of these, in the singular or the plural, as a name or not."""
    low = word.lower()
    return low in _LOANWORDS or low.removesuffix("s") in _LOANWORDS
