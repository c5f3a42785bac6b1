pet(Image) :- decision(Image, Class), member(Class, [cat, 'big dog']).
next(a, b).
next(b, c).
reach(X, Y) :- next(X, Y).
reach(X, Y) :- next(X, Z), reach(Z, Y).
