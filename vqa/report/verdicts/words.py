"""How claims are judged and how often that errs, in words: what the page of verdicts says on every scale."""

ERRORS = (
    "Measured on planted truths, in percent (`make court`): how often a verdict is given that is false, each where it "
    "is likeliest, at the edge of what it says; how often the 95 % interval holds the truth; how often an effect that "
    "is there is found. Effects found: above 0.02; up to 0.04 of 0.018; the same and not above, no difference; a gap "
    "of 0.12 of 0.1; flatter by 20 %; cells, the very same quality on other items."
)
# What vqa.report.verdicts.rules and its callers do, in words.
RULES = (
    "The unit is the training. A number of a method is the mean over its trainings, and its interval covers other "
    "seeds and other items (docs/statistics.md has the test and its error rates). With fewer than three trainings "
    "nothing is said of a method, only whether these trainings differ.",
    "*Not distinguishable* means that our numbers decide neither for nor against; it is no verdict against a claim. "
    "*Absent*: there is no significant gain, and the whole 95 % interval lies below the gain that the paper prints "
    "(below the margin, where it prints none).",
    "Differences between two rows (`greater`, `smaller`, `best`, `across`): paired over trainings of the same seeds "
    "and over items. Reproduced if significant in the claimed direction (one-sided), of a claim that gives a size if "
    "significantly above that size; contradicted if significant the other way, or if a gain is smaller than the size.",
    "No difference (`same`): reproduced if the 95 % interval lies within the margin and no difference is significant; "
    "contradicted if it lies wholly outside. No gain (`not_above`): reproduced if the interval ends below the margin "
    "and no gain is significant; contradicted by a significant one. So a claim and its opposite never both hold.",
    "Gaps (`gap`): reproduced if significantly above the claimed size, contradicted if significantly below.",
    "Sharpness (`flatter`, `as_sharp`, `sharpens`): mean rise of the training loss at the step that "
    "`statistics.rise_at` in params.yaml names, around the EMA weights, as a share of the reference's; paired over "
    "trainings and directions. It is the same in both protocols. Methods are put in `order` by the rise of one loss "
    "without units, FAST-VQA's linearity term.",
    "Over epochs (`grows`, `together`): Spearman's correlation of every training; the sign test asks whether more of "
    "them rise than fall. Over runs (`correlation`): Spearman's correlation of every seed over the runs; what is "
    "tested is their mean, against the correlation that the claim's words stand for.",
    "A claim about every one of its parts is reproduced if all are; one part, or the mean over all parts, can refute "
    "it. A claim of *up to* so much is reproduced if one part is, and refuted if all are. p-values are raw; where one "
    "part alone decides, its level is divided by the number of parts, and its degrees of freedom are those of the "
    "trainings alone. Not run: none of the parts was.",
    "The paper's own numbers are held against the claims by the same margin: a smaller printed difference is none.",
    "Cells: the interval of the difference from the paper's number is wider than ours, for the paper's is one "
    "training, on videos of its own. Reproduced if it lies within `statistics.agreement`; contradicted if it does not "
    "hold 0 and the difference is larger. On data that are not the paper's, cells are not comparable.",
)
