label(conv3_c26, 'left wall', hand(ada)).
label(conv3_c8, 'car''s "bonnet"', auto(coverage, 0.83)).
