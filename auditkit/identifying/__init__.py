"""Everything that runs the model for one task. In reading order:

mechanism      the stages in order, for each method
batches        pairs of one length as tensors
activations    what every head puts out, and how the metric depends on it
attribution    first-order effects of heads and latents
screening      codes and ranks of heads before any intervention
interventions  heads replaced, and what the model then does
search         which heads to replace, in which order, and what completes them
needed         heads with a constant role, and heads that take over
unique_codes   the published method
"""
