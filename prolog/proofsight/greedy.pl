:- module(proofsight_greedy,
          [ greedy_moves/3              % +Plans, +Shift, !Best
          ]).
:- use_module(library(lists), [member/2, selectchk/3, sum_list/2]).
:- use_module(library(pairs), [pairs_values/2]).
:- use_module(condition, [lacking/6]).
:- use_module(ladder, [cost/4]).
:- use_module(need,
              [agrees/2, by_need/4, moving/2, needs/4, opposite/2, rung_move/3]).
:- use_module(shift, [movable/2, move/3, moved/2, observed_rung/4, shifted/2]).
:- use_module(truth, [spec/3, truth/3]).

:- det(greedy_moves/3).

/** <module> Some moves, at little cost

A program of many thousand rules takes most inferences of a search for a
single look at what holds.  Here each rule is looked at once: what is wanted
is made so where that takes fewest moves, and kept so from then on.  The
moves are enough, as is seen by looking again, and may be too many.
*/

%!  greedy_moves(+Plans, +Shift, !Best) is det.
%
%   Best is best(Cost, Moved) of the cheapest moves found so far, `none` at
%   first, and holds what was found also where a limit ends this.  Of Plans
%   those of rules are tried, margins are not.

greedy_moves(Plans, Shift, Best) :-
    findall(Count-Plan,
            ( member(Plan, Plans), Plan = rules(Yes, _), length(Yes, Count) ),
            Keyed0),
    keysort(Keyed0, Keyed),             % that nothing holds is often nearest
    pairs_values(Keyed, Sorted),
    moving(Shift, Moving),
    try_plans(Sorted, Moving, Best).

%   Needs are found out where the features stand at first, and serve all plans;
%   moves are undone after each.

try_plans([], _, _) =>
    true.
try_plans([Plan|Plans], Moving, Best) =>
    Plan = rules(Yes, _),
    needs(Yes, yes, Moving, _),
    \+ \+ greedy_plan(Plan, Moving, Best),
    try_plans(Plans, Moving, Best).

greedy_plan(rules(Yes, No), Moving, Best) :-
    Moving = greedy(Shift, _),
    (   made_either_way(Yes, No, Moving),
        moved(Shift, Moved),
        moved_cost(Moved, Shift, Cost)
    ->  better(Best, Cost, Moved)
    ;   true
    ).

%   What is wanted first, and then what must not be; or the other way round.

made_either_way(Yes, No, Moving) :-
    all_made(Yes, yes, Moving),
    kept_out(No, Yes, Moving, 3).
made_either_way(Yes, No, Moving) :-
    Yes \== [],
    Moving = greedy(Shift, _),
    shifted(Shift, About),
    findall(Id, ( member(Id, No), holds(Id, About) ), Holding),
    Holding \== [],
    all_made(Holding, no, Moving),
    all_made(Yes, yes, Moving),
    kept_out(No, Yes, Moving, 3).

better(Best, Cost, Moved) :-
    (   Best = best(Less, _),
        number(Less),
        Less =< Cost
    ->  true
    ;   duplicate_term(Moved, Copy),
        nb_setarg(1, Best, Cost),
        nb_setarg(2, Best, Copy)
    ).

moved_cost(Moved, shift(_, ladders(ByFeature, _), _, _), Cost) :-
    findall(More,
            ( member(Feature-at(_, _, Start, Now), Moved),
              arg(Feature, ByFeature, Ladder),
              cost(Ladder, Start, Now, More)
            ),
            Costs),
    sum_list(Costs, Cost).

%   kept_out(+No, +Yes, +Moving, +Rounds): the clauses No that hold are made
%   untrue, until none does.

kept_out(No, Yes, Moving, Rounds) :-
    Moving = greedy(Shift, _),
    shifted(Shift, About),
    findall(Id, ( member(Id, No), holds(Id, About) ), Holding),
    (   Holding == []
    ->  findall(Id-yes, member(Id, Yes), Wanted),
        \+ lacking(rules(Wanted, []), Shift, touched([], []), About, _, _)
    ;   Rounds > 0,
        all_made(Holding, no, Moving),
        Fewer is Rounds - 1,
        kept_out(No, Yes, Moving, Fewer)
    ).

holds(Id, About) :-
    truth(Id, About, Truth),
    Truth \== no.

%   made(+Id, +Wanted, +Moving) is semidet: the node is as Wanted, and stays so.

all_made([], _, _).
all_made([Id|Ids], Wanted, Moving) :-
    made(Id, Wanted, Moving),
    all_made(Ids, Wanted, Moving).

made(Id, Wanted, Moving) :-
    Moving = greedy(Shift, _),
    Shift = shift(About, _, _, _),
    spec(Id, About, Spec),
    made_spec(Spec, Id, Wanted, Shift, About, Moving),
    !.

made_spec(Spec, Id, Wanted, Shift, About, _) :-
    observed_rung(Spec, Shift, About, Rung),
    !,
    (   Rung = rung(Feature, _),
        movable(Feature, Shift)
    ->  rung_move(Wanted, Rung, Move),
        move(Move, Shift, _)
    ;   truth(Id, About, Truth),
        agrees(Truth, Wanted)
    ).
made_spec(active(_, _, _, Clauses), _, Wanted, _, _, Moving) :-
    of_any(Wanted, Clauses, Moving).
made_spec(any(Clauses), _, Wanted, _, _, Moving) :-
    of_any(Wanted, Clauses, Moving).
made_spec(clause(Body), _, yes, _, _, Moving) :-
    length(Body, Count),
    Retries is 2 * Count,
    made_in_some_order(Body, Moving, Retries).
made_spec(clause(Body), _, no, _, _, Moving) :-
    one_made(Body, no, Moving).
made_spec(not(Inner), _, Wanted, _, _, Moving) :-
    opposite(Wanted, Opposite),
    made(Inner, Opposite, Moving).
made_spec(at_least(Needed, Ids), _, Wanted, _, _, Moving) :-
    length(Ids, Total),
    (   Wanted == yes
    ->  Count = Needed
    ;   Count is Total - Needed + 1
    ),
    by_need(Ids, Wanted, Moving, Sorted),
    some_made(Count, Sorted, Wanted, Moving).

%   What could not be made after the others is made before them the next time.

made_in_some_order(Ids, Moving, Retries) :-
    Failed = failed(none),
    (   made_in_order(Ids, Moving, Failed)
    ->  true
    ;   Retries > 0,
        arg(1, Failed, Id),
        Ids = [First|_],
        Id \== First,
        selectchk(Id, Ids, Others),
        Fewer is Retries - 1,
        made_in_some_order([Id|Others], Moving, Fewer)
    ).

made_in_order([], _, _).
made_in_order([Id|Ids], Moving, Failed) :-
    (   made(Id, yes, Moving)
    ->  made_in_order(Ids, Moving, Failed)
    ;   nb_setarg(1, Failed, Id),
        fail
    ).

of_any(yes, Clauses, Moving) :-
    one_made(Clauses, yes, Moving).
of_any(no, Clauses, Moving) :-
    all_made(Clauses, no, Moving).

one_made(Ids, Wanted, Moving) :-
    by_need(Ids, Wanted, Moving, Sorted),
    member(Id, Sorted),
    made(Id, Wanted, Moving),
    !.

some_made(0, _, _, _) :-
    !.
some_made(Count, [Id|Ids], Wanted, Moving) :-
    (   made(Id, Wanted, Moving)
    ->  Left is Count - 1
    ;   Left = Count
    ),
    some_made(Left, Ids, Wanted, Moving).
