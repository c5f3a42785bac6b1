points(Image, street, 4) :- rule(p1, Image), active(Image, conv3_c26).
points(Image, street, -2) :- rule(p2, Image), \+ active(Image, conv3_c8).
points(Image, street, 2) :- rule(p3, Image), active(Image, fc1_u3), \+ ab(p3, Image).
ab(p3, Image) :- rule(p3_1, Image), active(Image, fc1_u7_off).
points(Image, 'Free Way', 3) :- rule(p4, Image), active(Image, conv3_c12).
points(Image, 'Free Way', -1) :- rule(p5, Image), active(Image, fc1_u7).
points(Image, 'Free Way', 2) :- rule(p6, Image),
    at_least(2, [active(Image, conv3_c12), active(Image, conv3_c8), \+ active(Image, fc1_u7)]).
points(Image, driveway, 3) :- rule(p7, Image), \+ active(Image, conv3_c26), \+ active(Image, conv3_c12).
points(Image, driveway, 3) :- rule(p8, Image), active(Image, conv3_c40_max_g2_r0c1).
derived(Image, fc1_u7) :- rule(d1, Image), active(Image, conv3_c12), \+ active(Image, conv3_c8).
derived(Image, fc1_u3) :- rule(d2, Image), active(Image, conv3_c26_t2).
derived(Image, fc1_u7_off) :- rule(d3, Image), \+ active(Image, fc1_u7).
policy(points).
base_points('Free Way', 1).
base_points(driveway, -1).
class_order([street, 'Free Way', driveway]).
rule_stats(p1, [support(412)]).
