"""Why a result is not there: every reason by its code, with the sentence that is printed.

A reason is compared by code and parameters, so a sentence may be improved. Codes are for ever.
"""

from __future__ import annotations

from auditkit.records.base import NotAssessed, Scalar

REASONS: dict[str, str] = {
    # nothing to look for
    "no_behaviour": "The model does not do this task on the test prompts, so there is no mechanism to "
    "look for.",
    "no_effect": "Replacing every attention head lowers the mean task metric by less than 0.001 on "
    "the discovery pairs or, under at least one ablation, on the test pairs: there is no effect of heads "
    "to look for.",
    "no_effect_beyond_chance": "On the discovery pairs, replacing every attention head lowers the "
    "task metric no further than swapped labels do by chance, so heads found by a search could be chance.",
    "no_mean_effect": "Replacing every attention head by its mean output lowers the task metric by "
    "less than 0.001 on the discovery pairs or on the test pairs.",
    "no_resampled_effect": "Replacing every attention head by its output on the matched prompt lowers"
    " the task metric by less than 0.001 on the discovery pairs.",
    "no_resampling_first": "Heads are replaced alone by their mean output here, so none can be shown to "
    "do the same on both prompts of a pair.",
    # the method only observes
    "nothing_causal": "This method observes codes and intervenes on nothing, so nothing causal was "
    "assessed.",
    "no_circuit_stated": "This method reports heads that it only observed. None was confirmed by "
    "replacing it, so no circuit is stated.",
    # parts of the causal check
    "carried_alone": "The heads found one by one carry the effect by themselves, so no completion was"
    " needed.",
    "not_completed": "The heads found one by one do not carry the effect in the range asked for, and "
    "restoring as many others as the policy allows did not change that.",
    "empty_circuit": "The circuit is empty.",
    "no_backup": "None of the heads tried takes over when a circuit head is replaced.",
    "no_backups_sought": "The policy asks for no search for backup heads.",
    "no_random_sets": "The policy asks for no other sets, or the circuit is empty, or fewer heads are "
    "outside the circuit than in it.",
    "no_constant_head": "None of the heads tried outside the circuit changes the task effect by the "
    "threshold when its mean output takes its place.",
    "no_latents_sought": "The policy asks for no latents to be replaced alone.",
    "latents_not_known": "The edition of the rules that judged this record replaces no latents alone.",
    "no_signature": "The policy declares no signature.",
    "signature_not_known": "The edition of the rules that judged this record knows no declared signature.",
    "no_paths_sought": "The policy asks for no direct paths between heads.",
    "no_paths": "The circuit has no two heads in different layers.",
    "paths_not_known": "The edition of the rules that judged this record patches no direct paths.",
    "not_carried_by_latents": "The latents tried do not carry the head's effect, however many of them are "
    "replaced together.",
    "head_not_replaced_alone": "The head was not replaced alone.",
    # codes
    "dictionary_named": "The policy names trained autoencoders, so none were trained with other seeds.",
    "one_seed": "The policy asks for one autoencoder seed, so there is no envelope.",
    "no_negative_partner": "No two negatives of the discovery pairs have the same number of tokens in the "
    "same places, so there was no pair of negatives to compare.",
    "nothing_attributed": "Nothing was attributed to the head at any position.",
    "never_enough_examples": "With more than {exact_up_to} examples, {draws:,} swaps are drawn at "
    "random. That is too few to tell one head by itself from chance among this many heads, whatever the "
    "number of examples.",
    # stability
    "templates_unknown": "The templates of the prompts are not known.",
    "few_templates": "The discovery prompts have fewer than three templates.",
    # the verdict rule
    "on_the_boundary": "The estimate lies on the bound or beyond it, so more pairs are not expected to "
    "settle it.",
    "too_close": "The estimate lies so close to the bound that more than {most:,} pairs would be needed.",
    "never_patched": "The head was not replaced: the budget did not allow it.",
    "one_look": "The policy asks for no further pairs, or there are none.",
    "nothing_to_rule_on": "No expectation was declared, or no head was replaced, so the verdict rule was not "
    "applied.",
    "rule_not_known": "The edition of the rules that judged this record has no such rule.",
    # declaration
    "wanted_not_declared": "The policy does not say whether this behaviour is wanted.",
    "no_expectation": "The policy declares no expected circuit for this task.",
    "no_head_found": "No head was found, so there is no precision to state.",
    "nothing_to_draw": "No head was found, needed beside others, or declared.",
    # prompts
    "prompts_withheld": "Prompts read from a file are not printed; their digest is printed instead.",
}


def not_assessed(code: str, **parameters: Scalar) -> NotAssessed:
    """The reason of this code, with its sentence.

    Raises:
        KeyError: there is no reason of this code, or a parameter of its sentence is missing.
    """
    return NotAssessed(
        code=code, parameters=dict(parameters), reason=REASONS[code].format_map(parameters)
    )
