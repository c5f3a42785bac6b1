road(street).
road('Free Way').
vehicle(Image) :- decision(Image, Class), road(Class).
margin(Image, By) :-
    findall(Points, score(Image, _, Points), All),
    msort(All, Sorted),
    reverse(Sorted, [First, Second|_]),
    By is First - Second.
strong(Image, Class) :- score(Image, Class, Points), Points >= 5.
