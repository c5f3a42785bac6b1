road(street).
road('Free Way').
% What a person knows besides.
vehicle(Image) :- decision(Image, Class), road(Class).
quiet(Image) :- \+ vehicle(Image).
busy(Image, N) :- aggregate_all(count, active(Image, _), N), N > 3.
near(a, b).
near(b, c).
reach(X, Y) :- near(X, Y).
reach(X, Y) :- near(X, Z), reach(Z, Y).
odd(Image) :- ( class(Image, street) -> active(Image, conv3_c8) ; active(Image, conv3_c12) ).
sure(Image) :- predicted(Image, Class, P), P > 0.9, decision(Image, Class).
