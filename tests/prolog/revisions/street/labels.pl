label(conv3_c26, 'left wall', hand(ada)).
label(conv3_c8, 'car''s "bonnet"', auto(coverage, 0.83)).
label(conv3_c8, bonnet, auto(iou, 0.07)).
