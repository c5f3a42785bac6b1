% A hand-made revision with every construct.
layer(conv3, 'features.8', conv, 64).
reads(conv3, 'features.10').
layer(fc1, 'classifier', linear, 8).
reads(fc1, 'classifier').
proposition(conv3_c8, channel(conv3, 8, l1), 0.5).
proposition(conv3_c12, channel(conv3, 12, l1), 0.41370999813079834).
proposition(conv3_c26, channel(conv3, 26, l1), 2.0999999046325684).
proposition(conv3_c26_t2, channel(conv3, 26, l1), 4.0).
proposition(conv3_c40_max_g2_r0c1, cell(conv3, 40, max, grid(2,2), at(0,1)), 1.2000000476837158).
proposition(fc1_u3, unit(fc1, 3), -0.25).
proposition(fc1_u7, unit(fc1, 7), 0.5).
proposition(fc1_u7_off, derived(fc1), none).
