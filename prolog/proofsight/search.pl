:- module(proofsight_search,
          [ least_moves/5               % +Plans, +Shift, +Limits, -Outcome, -Steps
          ]).
:- use_module(library(apply), [foldl/4, maplist/2]).
:- use_module(library(lists), [member/2, min_list/2]).
:- use_module(library(option), [option/3]).
:- use_module(library(pairs), [pairs_keys/2]).
:- use_module(condition, [hope/4, lacking/6, ways/5]).
:- use_module(greedy, [greedy_moves/3]).
:- use_module(ladder, [cost/4]).
:- use_module(repair, [force/7]).
:- use_module(shift, [forbid/2, move/3, moved/2, shifted/2, standing/3]).

:- det(least_moves/5).

/** <module> The fewest moves

Depth by depth (R. Korf, Depth-first iterative-deepening, 1985): a depth is
tried when lesser ones have been shown to be too little, so that it is a
lower bound at any time and the first moves found are the fewest.  A step
looks at a plan's conditions where the features stand now; of one that is
open each repair is tried, and is forbidden to those tried after it.
*/

%!  least_moves(+Plans, +Shift, +Limits, -Outcome, -Steps) is det.
%
%   Moves the features of Shift so that one of Plans, of which none holds
%   yet, does, with the fewest propositions changed.  Outcome is one of
%
%     - found
%     - impossible: every way was tried
%     - cut_short(Why, Least, Whether): the search reached a limit, `steps`,
%       `inferences` or `seconds`.  At least Least propositions must change;
%       Whether says if it found some moves, `true` or `false`, the best of
%       which are made.
%
%   Limits are those of bounded/3 and steps(Count), 10,000 where not given:
%   the most Steps, and as many again, or 100, to find any moves after that.
%   The search takes a part of the others, so as to end before it is ended.

least_moves(Plans, Shift, Limits, Outcome, Steps) :-
    budget(Limits, 0.6, Budget),
    Least = least(1),
    catch(within_inferences(deepen(Plans, Shift, Budget, Least, Outcome0), Budget),
          cut_short(Why),
          true),
    (   nonvar(Outcome0)
    ->  Outcome = Outcome0
    ;   arg(1, Least, Bound),
        budget(Limits, 0.3, Further),
        at_least_steps(Further, 100),
        improve(Plans, Shift, Further, Bound, Why, Outcome)
    ),
    arg(1, Budget, Steps).

%   budget(+Limits, +Share, -Budget): steps(Taken, Most, Inferences, Time).

budget(Limits, Share, steps(0, Most, LastInference, LastTime)) :-
    option(inferences(Inferences), Limits, 1_000_000),
    option(seconds(Seconds), Limits, 5),
    option(steps(Most), Limits, 10_000),
    statistics(inferences, Now),
    get_time(Time),
    LastInference is Now + Share * Inferences,
    LastTime is Time + Share * Seconds.

%   A first way is worth more than a low limit on steps.

at_least_steps(Budget, Least) :-
    arg(2, Budget, Most0),
    Most is max(Most0, Least),
    nb_setarg(2, Budget, Most).

take_step(Budget) :-
    Budget = steps(Taken0, Most, Inferences, Time),
    (   Taken0 >= Most
    ->  throw(cut_short(steps))
    ;   Taken is Taken0 + 1,
        nb_setarg(1, Budget, Taken)
    ),
    (   statistics(inferences, Now),
        Now > Inferences
    ->  throw(cut_short(inferences))
    ;   get_time(Clock),
        Clock > Time
    ->  throw(cut_short(seconds))
    ;   true
    ).

%   A step of a program of many thousand clauses may take all inferences by
%   itself.

:- meta_predicate within_inferences(0, +).

within_inferences(Goal, steps(_, _, Last, _)) :-
    statistics(inferences, Now),
    Left is max(1, integer(Last) - Now),
    call_with_inference_limit(Goal, Left, Result),
    (   Result == inference_limit_exceeded
    ->  throw(cut_short(inferences))
    ;   true
    ).

%   Depths.  A plan is kept as Least-Plan, when less has been ruled out.

deepen(Plans, Shift, Budget, Least, Outcome) :-
    untried(Plans, Tried),
    deepen(1, Tried, Shift, Budget, Least, Outcome).

untried([], Tried) =>
    Tried = [].
untried([Plan|Plans], Tried) =>
    Tried = [1-Plan|Tried1],
    untried(Plans, Tried1).

deepen(_, [], _, _, _, Outcome) =>
    Outcome = impossible.
deepen(Depth, Tried0, Shift, Budget, Least, Outcome) =>
    nb_setarg(1, Least, Depth),
    at_depth(Tried0, Depth, Shift, Budget, Outcome0, Tried),
    (   Outcome0 == found
    ->  Outcome = found
    ;   next_depth(Tried, Next),
        deepen(Next, Tried, Shift, Budget, Least, Outcome)
    ).

next_depth(Tried, Next) :-
    (   Tried == []
    ->  Next = 1
    ;   pairs_keys(Tried, Depths),
        min_list(Depths, Next)
    ).

at_depth([], _, _, _, Outcome, Tried) =>
    Outcome = open,
    Tried = [].
at_depth([Least-Plan|Tried0], Depth, Shift, Budget, Outcome, Tried), Least > Depth =>
    Tried = [Least-Plan|Tried1],
    at_depth(Tried0, Depth, Shift, Budget, Outcome, Tried1).
at_depth([_-Plan|Tried0], Depth, Shift, Budget, Outcome, Tried) =>
    Beyond = beyond(none),
    (   attempt(Plan, search(Shift, Depth, Budget, Beyond))
    ->  Outcome = found,
        Tried = []
    ;   arg(1, Beyond, Deeper),
        (   Deeper == none
        ->  Tried = Tried1
        ;   Tried = [Deeper-Plan|Tried1]
        ),
        at_depth(Tried0, Depth, Shift, Budget, Outcome, Tried1)
    ).

%   within(+Cost, +Search) is semidet: what costs more is noted, as the depth
%   at which it is to be looked at again.

within(Cost, search(_, Depth, _, Beyond)) :-
    (   Cost =< Depth
    ->  true
    ;   arg(1, Beyond, Least),
        (   number(Least),
            Least =< Cost
        ->  true
        ;   nb_setarg(1, Beyond, Cost)
        ),
        fail
    ).

%   attempt(+Plan, +Search) is nondet: moves features until Plan holds.

attempt(rules(Yes, No), Search) :-
    Search = search(Shift, Depth, _, _),
    force(Yes, yes, Shift, Depth, Cost, Rest, []),
    within(Cost, Search),
    step(rules(Rest, No), Cost, touched([], []), Search).
attempt(margins(Margins), Search) :-
    step(margins(Margins), 0, touched([], []), Search).

step(Conditions, Cost, Touched, Search) :-
    Search = search(Shift, _, Budget, _),
    take_step(Budget),
    shifted(Shift, About),
    (   lacking(Conditions, Shift, Touched, About, Bound0, Open)
    ->  affordable(Bound0, Cost, Search),
        ways(Open, Shift, About, Bound, Moves),
        affordable(Bound, Cost, Search),
        repair(Moves, Conditions, Cost, Touched, Search)
    ;   true
    ).

affordable(Bound, Cost, Search) :-
    Bound \== inf,
    Least is Cost + Bound,
    within(Least, Search).

repair([Move|Moves], Conditions, Cost, Touched, Search) :-
    arg(1, Search, Shift),
    (   move(Move, Shift, More),
        Cost1 is Cost + More,
        within(Cost1, Search),
        touch(Move, moved, Shift, Touched, Touched1),
        step(Conditions, Cost1, Touched1, Search)
    ;   Moves \== [],
        forbid(Move, Shift),
        touch(Move, forbidden, Shift, Touched, Touched1),
        hope(Conditions, Shift, Touched1, Bound),
        affordable(Bound, Cost, Search),
        repair(Moves, Conditions, Cost, Touched1, Search)
    ).

touch(Move, How, Shift, touched(Moved0, Open0), touched(Moved, Open)) :-
    arg(1, Move, Feature),
    (   How == moved,
        \+ memberchk(Feature, Moved0)
    ->  Moved = [Feature|Moved0]
    ;   Moved = Moved0
    ),
    standing(Feature, Shift, at(Low, High, _, _)),
    (   Low < High,
        \+ memberchk(Feature, Open0)
    ->  Open = [Feature|Open0]
    ;   Open = Open0
    ).

%   Where time is short: any moves, then better ones, until there are none
%   or this, too, is cut short.

improve(Plans, Shift, Budget, Bound, Why, Outcome) :-
    Best = best(none, none),
    catch(within_inferences(improved(Plans, Shift, Budget, Bound, Best, Proven), Budget),
          cut_short(_),
          true),
    (   Best = best(Cost, Moved),
        number(Cost)
    ->  maplist(make_move(Shift), Moved),
        (   Proven == true
        ->  Outcome = found
        ;   Outcome = cut_short(Why, Bound, true)
        )
    ;   Proven == true
    ->  Outcome = impossible
    ;   Outcome = cut_short(Why, Bound, false)
    ).

improved(Plans, Shift, Budget, Bound, Best, Proven) :-
    greedy_moves(Plans, Shift, Best),
    (   Best = best(Cost, _),
        number(Cost)
    ->  Depth is Cost - 1
    ;   Depth = 1_000_000_000
    ),
    better(Plans, Shift, Budget, Bound, Depth, Best, Proven).

better(Plans, Shift, Budget, Bound, Depth, Best, Proven) :-
    (   Depth >= Bound,
        tried_moves(Plans, search(Shift, Depth, Budget, beyond(none)), Cost, Moved)
    ->  duplicate_term(Moved, Copy),
        nb_setarg(1, Best, Cost),
        nb_setarg(2, Best, Copy),
        Less is Cost - 1,
        better(Plans, Shift, Budget, Bound, Less, Best, Proven)
    ;   Proven = true
    ).

tried_moves(Plans, Search, Cost, Moves) :-
    findall(Cost0-Moved0,
            once(( member(Plan, Plans),
                   attempt(Plan, Search),
                   arg(1, Search, Shift),
                   moved(Shift, Moved0),
                   moved_cost(Moved0, Shift, Cost0)
                 )),
            [Cost-Moves]).

moved_cost(Moved, Shift, Cost) :-
    arg(2, Shift, ladders(ByFeature, _)),
    foldl(add_cost(ByFeature), Moved, 0, Cost).

add_cost(ByFeature, Feature-at(_, _, Start, Now), Cost0, Cost) :-
    arg(Feature, ByFeature, Ladder),
    cost(Ladder, Start, Now, More),
    Cost is Cost0 + More.

make_move(Shift, Feature-at(_, _, Start, Now)) :-
    (   Now > Start
    ->  move(up(Feature, Now), Shift, _)
    ;   move(down(Feature, Now), Shift, _)
    ).
