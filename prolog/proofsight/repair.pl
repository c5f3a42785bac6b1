:- module(proofsight_repair,
          [ force/7,                    % +Ids, +Wanted, +Shift, +Most, -Cost, -Rest, ?Tail
            repairs/5,                  % +Id, +Wanted, +Shift, +About, -Moves
            nearest_moves/2             % +Moves, -Nearest
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(shift, [movable/2, move/3, observed_rung/4, possible/2]).
:- use_module(truth, [spec/3, truth/3]).

:- det(repairs/5).
:- det(nearest_moves/2).

/** <module> What would make a node of the graph true, or untrue

Wanted is `yes` or `no` throughout.
*/

%!  force(+Ids, +Wanted, +Shift, +Most, -Cost, -Rest, ?Tail) is semidet.
%
%   Makes every move without which the nodes Ids cannot all be as Wanted;
%   Cost is how many propositions that changed.  Rest, up to Tail, are the
%   nodes, Id-Wanted, where there is a choice.  Stops where Cost is greater
%   than Most; fails where it cannot be.

force(Ids, Wanted, Shift, Most, Cost, Rest, Tail) :-
    force_all(Ids, Wanted, Shift, Most, 0, Cost, Rest, Tail).

force_all([], _, _, _, Cost0, Cost, Rest, Tail) =>
    Cost = Cost0,
    Rest = Tail.
force_all(_, _, _, Most, Cost0, Cost, Rest, Tail), Cost0 > Most =>
    Cost = Cost0,
    Rest = Tail.
force_all([Id|Ids], Wanted, Shift, Most, Cost0, Cost, Rest, Tail) =>
    Shift = shift(About, _, _, _),
    spec(Id, About, Spec),
    force_spec(Spec, Wanted, Id, Shift, Most, Cost0, Cost1, Rest, Rest1),
    force_all(Ids, Wanted, Shift, Most, Cost1, Cost, Rest1, Tail).

force_spec(active(Index, Layer, Threshold, Clauses), Wanted, Id, Shift, Most,
           Cost0, Cost, Rest, Tail) =>
    Shift = shift(About, _, _, _),
    (   observed_rung(active(Index, Layer, Threshold, Clauses), Shift, About, Rung)
    ->  Rest = Tail,
        (   Rung = rung(Feature, _),
            movable(Feature, Shift)
        ->  rung_move(Wanted, Rung, Move),
            move(Move, Shift, More),
            Cost is Cost0 + More
        ;   truth(Id, About, Truth),    % no move changes it
            agrees(Truth, Wanted),
            Cost = Cost0
        )
    ;   force_spec(any(Clauses), Wanted, Id, Shift, Most, Cost0, Cost, Rest, Tail)
    ).
force_spec(clause(Body), yes, _, Shift, Most, Cost0, Cost, Rest, Tail) =>
    force_all(Body, yes, Shift, Most, Cost0, Cost, Rest, Tail).
force_spec(clause([Only]), no, _, Shift, Most, Cost0, Cost, Rest, Tail) =>
    force_all([Only], no, Shift, Most, Cost0, Cost, Rest, Tail).
force_spec(not(Inner), Wanted, _, Shift, Most, Cost0, Cost, Rest, Tail) =>
    opposite(Wanted, Opposite),
    force_all([Inner], Opposite, Shift, Most, Cost0, Cost, Rest, Tail).
force_spec(any(Clauses), no, _, Shift, Most, Cost0, Cost, Rest, Tail) =>
    force_all(Clauses, no, Shift, Most, Cost0, Cost, Rest, Tail).
force_spec(any([]), yes, _, _, _, _, _, _, _) =>
    fail.
force_spec(any([Only]), yes, _, Shift, Most, Cost0, Cost, Rest, Tail) =>
    force_all([Only], yes, Shift, Most, Cost0, Cost, Rest, Tail).
force_spec(_, Wanted, Id, _, _, Cost0, Cost, Rest, Tail) =>
    Cost = Cost0,
    Rest = [Id-Wanted|Tail].

rung_move(yes, rung(Feature, Level), up(Feature, Level)).
rung_move(no, rung(Feature, Level), down(Feature, Below)) :-
    Below is Level - 1.

opposite(yes, no).
opposite(no, yes).

%!  repairs(+Id, +Wanted, +Shift, +About, -Moves) is det.
%
%   The node Id is not as Wanted in About, which is shifted/2 of Shift.
%   Whatever makes it so makes at least one of Moves; there are none where
%   nothing can.  They are found out once in each About.

repairs(Id, Wanted, Shift, About, Moves) :-
    About = about(_, _, _, Truths, Repairs, _, _),
    (   Wanted == yes
    ->  Place = Id
    ;   functor(Truths, _, Size),
        Place is Size + Id
    ),
    arg(Place, Repairs, Moves),
    (   nonvar(Moves)
    ->  true
    ;   spec(Id, About, Spec),
        repairs_spec(Spec, Wanted, Shift, About, Moves0),
        fewer(Moves0, Moves)
    ).

%   Of rules by the hundred most repairs are the same.

fewer(Moves0, Moves) :-
    (   length(Moves0, Count),
        Count > 16
    ->  nearest_moves(Moves0, Moves)
    ;   Moves = Moves0
    ).

repairs_spec(active(Index, Layer, Threshold, Clauses), Wanted, Shift, About, Moves) =>
    (   observed_rung(active(Index, Layer, Threshold, Clauses), Shift, About, Rung)
    ->  (   Rung \== none(),
            rung_move(Wanted, Rung, Move),
            possible(Move, Shift)
        ->  Moves = [Move]
        ;   Moves = []
        )
    ;   repairs_spec(any(Clauses), Wanted, Shift, About, Moves)
    ).
repairs_spec(clause(Body), yes, Shift, About, Moves) =>
    wrong(Body, yes, About, Wrong),
    least(Wrong, yes, Shift, About, Moves).
repairs_spec(clause(Body), no, Shift, About, Moves) =>
    all_repairs(Body, no, Shift, About, Moves).
repairs_spec(not(Inner), Wanted, Shift, About, Moves) =>
    opposite(Wanted, Opposite),
    repairs(Inner, Opposite, Shift, About, Moves).
repairs_spec(any(Clauses), yes, Shift, About, Moves) =>
    all_repairs(Clauses, yes, Shift, About, Moves).
repairs_spec(any(Clauses), no, Shift, About, Moves) =>
    wrong(Clauses, no, About, Wrong),
    least(Wrong, no, Shift, About, Moves).
repairs_spec(at_least(Needed, Ids), Wanted, Shift, About, Moves) =>
    wrong(Ids, Wanted, About, Wrong),
    length(Ids, Total),
    length(Wrong, WrongCount),
    (   Wanted == yes
    ->  Changes is Needed - (Total - WrongCount)
    ;   Changes is WrongCount - Needed + 1
    ),
    some_repairs(Wrong, Wanted, Changes, Shift, About, Moves).

%   Of the nodes of a body, those that are not as Wanted.

wrong([], _, _, Wrong) =>
    Wrong = [].
wrong([Id|Ids], Wanted, About, Wrong) =>
    (   as_wanted(Id, Wanted, About)
    ->  wrong(Ids, Wanted, About, Wrong)
    ;   Wrong = [Id|Wrong1],
        wrong(Ids, Wanted, About, Wrong1)
    ).

as_wanted(Id, Wanted, About) :-
    truth(Id, About, Truth),
    agrees(Truth, Wanted).

agrees(no, Wanted) =>
    Wanted == no.
agrees(_, Wanted) =>
    Wanted == yes.

%   All the Wrong must change, so it is enough to begin with the one that
%   has the fewest repairs.

least([Id|Ids], Wanted, Shift, About, Moves) :-
    repairs(Id, Wanted, Shift, About, Moves0),
    length(Moves0, Count),
    least(Ids, Wanted, Shift, About, Count, Moves0, Moves).

least([], _, _, _, _, Moves0, Moves) =>
    Moves = Moves0.
least(_, _, _, _, Count, Moves0, Moves), Count =< 1 =>
    Moves = Moves0.
least([Id|Ids], Wanted, Shift, About, Count0, Moves0, Moves) =>
    repairs(Id, Wanted, Shift, About, Moves1),
    length(Moves1, Count1),
    (   Count1 < Count0
    ->  least(Ids, Wanted, Shift, About, Count1, Moves1, Moves)
    ;   least(Ids, Wanted, Shift, About, Count0, Moves0, Moves)
    ).

all_repairs([], _, _, _, Moves) =>
    Moves = [].
all_repairs([Id|Ids], Wanted, Shift, About, Moves) =>
    (   as_wanted(Id, Wanted, About)
    ->  all_repairs(Ids, Wanted, Shift, About, Moves)
    ;   repairs(Id, Wanted, Shift, About, Moves1),
        append(Moves1, Moves2, Moves),
        all_repairs(Ids, Wanted, Shift, About, Moves2)
    ).

%   Changes of the Wrong must change: if the others are left out, but for
%   one, that is still among those that remain.

some_repairs(Wrong, Wanted, Changes, Shift, About, Moves) :-
    findall(Count-Moves0,
            ( member(Id, Wrong),
              repairs(Id, Wanted, Shift, About, Moves0),
              Moves0 \== [],
              length(Moves0, Count)
            ),
            Keyed0),
    length(Keyed0, Changeable),
    (   Changeable < Changes
    ->  Moves = []
    ;   keysort(Keyed0, Keyed),
        Kept is Changeable - Changes + 1,
        first_moves(Kept, Keyed, Moves)
    ).

first_moves(0, _, Moves) =>
    Moves = [].
first_moves(N, [_-Moves0|Keyed], Moves) =>
    append(Moves0, Moves1, Moves),
    N1 is N - 1,
    first_moves(N1, Keyed, Moves1).

%!  nearest_moves(+Moves, -Nearest) is det.
%
%   Nearest are the Moves without those that include another, by feature.

nearest_moves(Moves, Nearest) :-
    keyed(Moves, Keyed0),
    sort(Keyed0, Keyed),
    nearest(Keyed, Nearest).

keyed([], Keyed) =>
    Keyed = [].
keyed([up(Feature, Level)|Moves], Keyed) =>
    Keyed = [k(Feature, 1, Level)|Keyed1],
    keyed(Moves, Keyed1).
keyed([down(Feature, Level)|Moves], Keyed) =>
    Farness is -Level,
    Keyed = [k(Feature, 2, Farness)|Keyed1],
    keyed(Moves, Keyed1).

nearest([], Nearest) =>
    Nearest = [].
nearest([k(Feature, Way, Farness)|Keyed], Nearest) =>
    (   Way =:= 1
    ->  Move = up(Feature, Farness)
    ;   Level is -Farness,
        Move = down(Feature, Level)
    ),
    Nearest = [Move|Nearest1],
    farther(Keyed, Feature, Way, Rest),
    nearest(Rest, Nearest1).

farther([k(Feature, Way, _)|Keyed], Feature0, Way0, Rest),
        Feature == Feature0, Way == Way0 =>
    farther(Keyed, Feature0, Way0, Rest).
farther(Keyed, _, _, Rest) =>
    Rest = Keyed.
