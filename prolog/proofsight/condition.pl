:- module(proofsight_condition,
          [ lacking/6,                  % +Conditions, +Shift, +Touched, +About, -Bound, -Open
            ways/5,                     % +Open, +Shift, +About, -Bound, -Moves
            hope/4                      % +Conditions, +Shift, +Touched, -Bound
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [member/2]).
:- use_module(margin, [bound/4, farthest/6, margin_repairs/4]).
:- use_module(repair, [nearest_moves/2, repairs/5]).
:- use_module(truth, [truth/3]).

:- det(ways/5).
:- det(hope/4).

/** <module> What a plan still lacks

Conditions are rules(Rest, No), nodes Id-Wanted that are to be as wanted
and clauses that are not to hold, or margins(Margins), to be closed.  A
Bound is how many propositions more must change at least, `inf` where no
change is enough.
*/

%!  lacking(+Conditions, +Shift, +Touched, +About, -Bound, -Open) is semidet.
%
%   Open is what lacks in About; for Touched see bound/4 of margin.pl.  Fails
%   where nothing does.

lacking(margins(Margins), Shift, Touched, About, Bound, margin(Margin)) :-
    farthest(Margins, Shift, Touched, About, Bound, Margin).
lacking(rules(Rest, No), _, _, About, 1, rules(Rest, No)) :-
    open_condition(Rest, No, About, _),
    !.

%!  ways(+Open, +Shift, +About, -Bound, -Moves) is det.
%
%   Whatever closes Open makes at least one of Moves.

ways(margin(Margin), Shift, About, Bound, Moves) =>
    Bound = 1,
    margin_repairs(Margin, Shift, About, Moves).
ways(rules(Rest, No), Shift, About, Bound, Moves) =>
    findall(Condition, open_condition(Rest, No, About, Condition), Open),
    maplist(counted_repairs(Shift, About), Open, Sets0),
    keysort(Sets0, Sets),
    Sets = [_-Moves|_],
    (   Moves == []
    ->  Bound = inf
    ;   apart(Sets, [], 0, Bound)
    ).

%   Outside of findall/3, as what is found out of one serves the next.

counted_repairs(Shift, About, Id-Wanted, Count-Repairs) :-
    repairs(Id, Wanted, Shift, About, Repairs0),
    nearest_moves(Repairs0, Repairs),
    length(Repairs, Count).

%!  hope(+Conditions, +Shift, +Touched, -Bound) is det.
%
%   A bound that is cheap, 0 where there is none.

hope(rules(_, _), _, _, Bound) =>
    Bound = 0.
hope(margins(Margins), Shift, Touched, Bound) =>
    bound(Margins, Shift, Touched, Bound).

open_condition(Rest, No, About, Condition) :-
    (   member(Id-Wanted, Rest)
    ;   member(Id, No),
        Wanted = no
    ),
    truth(Id, About, Truth),
    \+ agrees(Truth, Wanted),
    Condition = Id-Wanted.

agrees(no, Wanted) =>
    Wanted == no.
agrees(_, Wanted) =>
    Wanted == yes.

%   So many of the sets of repairs have no feature in common: each costs a
%   proposition of its own.

apart([], _, Bound0, Bound) =>
    Bound = Bound0.
apart([_-Moves|Sets], Used, Bound0, Bound) =>
    (   member(Move, Moves),
        arg(1, Move, Feature),
        memberchk(Feature, Used)
    ->  apart(Sets, Used, Bound0, Bound)
    ;   used(Moves, Used, Used1),
        Bound1 is Bound0 + 1,
        apart(Sets, Used1, Bound1, Bound)
    ).

used([], Used0, Used) =>
    Used = Used0.
used([Move|Moves], Used0, Used) =>
    arg(1, Move, Feature),
    used(Moves, [Feature|Used0], Used).
