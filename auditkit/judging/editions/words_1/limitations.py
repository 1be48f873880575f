"""The limitations of edition 1. Frozen: nothing here is ever reworded."""

LIMITATIONS: dict[str, str] = {
    "supporting_evidence": "This is supporting evidence about parts of a model: not a conformity "
    "assessment, not a declaration of conformity and not legal advice. Article 13 sets no numeric "
    "threshold, and no result here is a mark against one. Responsibility for the system, for the "
    "instructions for use and for the declaration of conformity stays with the provider (Article 47(4)).",
    "ablation_dependent": "What a head contributes was measured by replacing its output. Another way of "
    "replacing it can give another answer; each way used is named beside its result.",
    "controls_are_next_token": "The models that the method was calibrated on predict the next token. At "
    "least one task here asks for something else, such as a label; the method is the same, and it was not"
    " calibrated on a model of that kind.",
    "observational_method": "At least one task was examined by unique-codes, a published method that only"
    " observes: no head was replaced, nothing causal follows, and its counts have known faults that the "
    "task's findings name. Such a task is never consistent or not consistent with an expectation.",
    "stability_partly_assessed": "How circuits hold was assessed for other draws of the same examples "
    "and, where there are enough of them, without one prompt template at a time. Other thresholds, "
    "ablations or prompts may give a different circuit.",
    "stability_not_assessed": "No circuit was found whose stability could be assessed.",
    "criteria_not_committed": "Nothing in this report shows that the criteria were fixed before the run; "
    "that is declared by the provider only.",
    "expectation_not_bound": "At least one expectation does not name the weights it was declared for.",
    "scope": "Every finding holds for the prompts, weights and specification stated here. It says nothing"
    " about other inputs, other uses, or the accuracy, robustness or fairness of the system.",
    "heads_only": "Only attention heads were examined. Other parts of the model also contribute to its "
    "output, more than one circuit may fit the same behaviour, and none of this explains an individual "
    "output to a person affected by it.",
    "controls_are_small": "The method was calibrated on small models whose circuit is known. That it "
    "recovers what was planted there does not show that it finds everything in this model.",
}
"""The sentence of each limitation."""
