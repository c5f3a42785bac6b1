class(Image, street) :- rule(r1, Image),
    active(Image, conv3_c26), \+ active(Image, conv3_c8), \+ ab(r1, Image).
ab(r1, Image) :- rule(r1_1, Image), active(Image, conv3_c40_max_g2_r0c1), \+ ab(r1_1, Image).
ab(r1_1, Image) :- rule(r1_1_1, Image), active(Image, fc1_u3).
ab(r1, Image) :- rule(r1_2, Image), active(Image, fc1_u7_off), \+ active(Image, conv3_c26_t2).
class(Image, 'Free Way') :- rule(r2, Image),
    at_least(2, [active(Image, conv3_c12), active(Image, conv3_c8), \+ active(Image, fc1_u7)]).
class(Image, street) :- rule(r3, Image),
    active(Image, fc1_u3), \+ active(Image, fc1_u7).
derived(Image, fc1_u7) :- rule(d1, Image), active(Image, conv3_c12), \+ active(Image, conv3_c8).
derived(Image, fc1_u3) :- rule(d2, Image), active(Image, conv3_c26_t2).
derived(Image, fc1_u7_off) :- rule(d3, Image), \+ active(Image, fc1_u7).
policy(exclusive).
default_class(driveway).
class_order([street, 'Free Way', driveway]).
rule_stats(r1, [support(412), confidence(0.981), layer(conv3)]).
rule_stats(r2, [support(77), confidence(0.75)]).
rule_stats(r3, [support(12), confidence(0.9)]).
