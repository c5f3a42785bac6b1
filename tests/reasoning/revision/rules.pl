class(Image, cat) :- rule(r1, Image), active(Image, conv1_c0), \+ active(Image, fc1_u2).
class(Image, 'big dog') :- rule(r2, Image), active(Image, fc1_u2), \+ ab(r2, Image).
ab(r2, Image) :- rule(r2_1, Image), active(Image, conv1_c0).
derived(Image, fc1_u2) :- rule(d1, Image), active(Image, conv1_c5).
policy(exclusive).
default_class(mouse).
class_order([cat, 'big dog', mouse]).
