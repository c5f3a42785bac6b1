layer(conv1, 'features.0', conv, 8).
reads(conv1, 'features.2').
layer(fc1, classifier, linear, 4).
reads(fc1, classifier).
proposition(conv1_c0, channel(conv1, 0, l1), 0.5).
proposition(conv1_c5, channel(conv1, 5, l1), 0.10000000149011612).
proposition(fc1_u2, unit(fc1, 2), -0.25).
