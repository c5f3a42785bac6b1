:- module(proofsight_need,
          [ moving/2,                   % +Shift, -Moving
            needs/4,                    % +Ids, +Wanted, +Moving, -Keyed
            by_need/4,                  % +Ids, +Wanted, +Moving, -Sorted
            rung_move/3,                % +Wanted, +Rung, -Move
            opposite/2,                 % ?Wanted, ?Other
            agrees/2                    % +Truth, +Wanted
          ]).
:- use_module(library(lists), [append/3, member/2, min_list/2, same_length/2, sum_list/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(shift,
              [movable/2, observed_rung/4, possible/2, shifted/2, standing/3]).
:- use_module(truth, [spec/3, truth/3]).

:- det(moving/2).
:- det(needs/4).
:- det(by_need/4).

/** <module> About how many moves it takes to have something so

An estimate, by which greedy.pl chooses what to try first: what a body takes
is the sum over its literals, as if none helped another.
*/

%!  moving(+Shift, -Moving) is det.
%
%   Moving is greedy(Shift, Needs): Needs has a place for each node and
%   each of `yes` and `no`, unbound until the need is first asked for.

moving(Shift, greedy(Shift, Needs)) :-
    shifted(Shift, About),
    About = about(_, _, _, Truths, _, _, _),
    functor(Truths, _, Size),
    Places is 2 * Size,
    functor(Needs, needs, Places).

%!  by_need(+Ids, +Wanted, +Moving, -Sorted) is det.
%
%   Sorted are those of the nodes Ids that can be as Wanted, `yes` or `no`,
%   those that need least first.

by_need(Ids, Wanted, Moving, Sorted) :-
    needs(Ids, Wanted, Moving, Keyed0),
    keysort(Keyed0, Keyed),
    pairs_values(Keyed, Sorted).

%!  needs(+Ids, +Wanted, +Moving, -Keyed) is det.
%
%   Keyed is Need-Id for each of the nodes Ids that can be as Wanted.

needs([], _, _, []).
needs([Id|Ids], Wanted, Moving, Keyed) :-
    need(Id, Wanted, Moving, Need),
    (   Need == inf
    ->  Keyed = Keyed1
    ;   Keyed = [Need-Id|Keyed1]
    ),
    needs(Ids, Wanted, Moving, Keyed1).

%   need(+Id, +Wanted, +Moving, -Need): about how many moves that takes from
%   where the features stand when it is first asked, `inf` where it cannot be.

need(Id, Wanted, Moving, Need) :-
    Moving = greedy(Shift, Needs),
    Shift = shift(About, _, _, _),
    spec(Id, About, Spec),
    (   observed_rung(Spec, Shift, About, Rung)
    ->  rung_need(Rung, Wanted, Shift, Id, Need)
    ;   functor(Needs, _, Places),
        (   Wanted == yes
        ->  Place = Id
        ;   Place is Id + Places // 2
        ),
        arg(Place, Needs, Need),
        (   nonvar(Need)
        ->  true
        ;   spec_need(Spec, Wanted, Moving, Need)
        )
    ).

rung_need(Rung, Wanted, Shift, _, Need), Rung = rung(Feature, _), movable(Feature, Shift) =>
    rung_move(Wanted, Rung, Move),
    (   made_already(Move, Shift)
    ->  Need = 0
    ;   possible(Move, Shift)
    ->  Need = 1
    ;   Need = inf
    ).
rung_need(_, Wanted, Shift, Id, Need) =>
    Shift = shift(About, _, _, _),
    truth(Id, About, Truth),
    (   agrees(Truth, Wanted)
    ->  Need = 0
    ;   Need = inf
    ).

made_already(up(Feature, Level), Shift) :-
    standing(Feature, Shift, at(_, _, _, Now)),
    Now >= Level.
made_already(down(Feature, Level), Shift) :-
    standing(Feature, Shift, at(_, _, _, Now)),
    Now =< Level.

spec_need(active(_, _, _, Clauses), Wanted, Moving, Need) =>
    spec_need(any(Clauses), Wanted, Moving, Need).
spec_need(any(Ids), yes, Moving, Need) =>
    least_need(Ids, yes, Moving, Need).
spec_need(any(Ids), no, Moving, Need) =>
    whole_need(Ids, no, Moving, Need).
spec_need(clause(Ids), yes, Moving, Need) =>
    whole_need(Ids, yes, Moving, Need).
spec_need(clause(Ids), no, Moving, Need) =>
    least_need(Ids, no, Moving, Need).
spec_need(not(Inner), Wanted, Moving, Need) =>
    opposite(Wanted, Opposite),
    need(Inner, Opposite, Moving, Need).
spec_need(at_least(Needed, Ids), Wanted, Moving, Need) =>
    length(Ids, Total),
    (   Wanted == yes
    ->  Count = Needed
    ;   Count is Total - Needed + 1
    ),
    by_need_keyed(Ids, Wanted, Moving, Keyed),
    (   length(First, Count),
        append(First, _, Keyed)
    ->  findall(One, member(One-_, First), Ones),
        sum_list(Ones, Need)
    ;   Need = inf
    ).

by_need_keyed(Ids, Wanted, Moving, Keyed) :-
    needs(Ids, Wanted, Moving, Keyed0),
    keysort(Keyed0, Keyed).

least_need(Ids, Wanted, Moving, Need) :-
    needs(Ids, Wanted, Moving, Keyed),
    (   Keyed == []
    ->  Need = inf
    ;   findall(One, member(One-_, Keyed), Ones),
        min_list(Ones, Need)
    ).

whole_need(Ids, Wanted, Moving, Need) :-
    needs(Ids, Wanted, Moving, Keyed),
    (   same_length(Ids, Keyed)
    ->  findall(One, member(One-_, Keyed), Ones),
        sum_list(Ones, Need)
    ;   Need = inf
    ).

%!  rung_move(+Wanted, +Rung, -Move) is det.
%
%   Move has the proposition of Rung as Wanted.

rung_move(yes, rung(Feature, Level), up(Feature, Level)).
rung_move(no, rung(Feature, Level), down(Feature, Below)) :-
    Below is Level - 1.

%!  opposite(?Wanted, ?Other) is nondet.

opposite(yes, no).
opposite(no, yes).

%!  agrees(+Truth, +Wanted) is semidet.

agrees(no, Wanted) =>
    Wanted == no.
agrees(_, Wanted) =>
    Wanted == yes.
