:- module(proofsight_ladder,
          [ ladders/2,                  % +KB, -Ladders
            forget_ladders/1,           % +KB
            cost/4                      % +Ladder, +Level, +Other, -Cost
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(pairs), [group_pairs_by_key/2, pairs_values/2]).

:- det(ladders/2).
:- det(forget_ladders/1).
:- det(cost/4).

/** <module> The thresholds of each feature

All propositions of one feature speak of one value, so they change
together: the value stands on a *level*, the number of thresholds it is
above, and to get from one level to another it crosses those between.
*/

%!  ladders(+KB, -Ladders) is det.
%
%   Ladders is ladders(ByFeature, ByIndex), of the observable propositions
%   of KB; features are numbered by their first proposition.  An argument of
%   ByFeature is ladder(Top, Bottom, Thresholds, Indexes, Crossed):
%
%     - Thresholds are t(T1, ..., TTop), rising; Indexes i(I1, ..., ITop)
%       the lists of the propositions that have each
%     - Crossed is c(N0, ..., NTop): how many propositions level 0 and each
%       further one has active
%     - Bottom is the least level that a value can have
%
%   and one of ByIndex rung(Feature, Level): the proposition is active from
%   Level on.  Each thread keeps them, as it does the graph.

ladders(KB, Ladders) :-
    key(KB, Key),
    (   nb_current(Key, Ladders0)
    ->  Ladders = Ladders0
    ;   make_ladders(KB, Ladders),
        nb_setval(Key, Ladders)
    ).

%!  forget_ladders(+KB) is det.

forget_ladders(KB) :-
    key(KB, Key),
    (   nb_current(Key, _)
    ->  nb_delete(Key)
    ;   true
    ).

key(KB, Key) :-
    atom_concat(KB, ' ladders', Key).

make_ladders(KB, ladders(ByFeature, ByIndex)) :-
    findall(Feature-(Threshold-Index),
            ( KB:'$observable'(P, Index),
              KB:proposition(P, Feature, Threshold)
            ),
            Pairs),
    length(Pairs, Size),
    functor(ByIndex, by_index, Size),
    keysort(Pairs, Sorted),
    group_pairs_by_key(Sorted, Groups),
    maplist(first_index, Groups, Placed0),
    keysort(Placed0, Placed),
    pairs_values(Placed, Features),
    maplist(ladder, Features, List),
    compound_name_arguments(ByFeature, by_feature, List),
    place_rungs(List, 1, ByIndex).

first_index(Feature-Steps, Least-(Feature-Steps)) :-
    pairs_values(Steps, Indexes),
    msort(Indexes, [Least|_]).

ladder(Feature-Steps0, ladder(Top, Bottom, Thresholds, Indexes, Crossed)) :-
    sort(1, @=<, Steps0, Steps),
    rungs(Steps, Rungs),
    length(Rungs, Top),
    maplist(threshold, Rungs, ThresholdList),
    pairs_values(Rungs, IndexLists),
    compound_name_arguments(Thresholds, t, ThresholdList),
    compound_name_arguments(Indexes, i, IndexLists),
    crossed(IndexLists, 0, CrossedList),
    compound_name_arguments(Crossed, c, CrossedList),
    (   magnitude(Feature)
    ->  below_zero(ThresholdList, 0, Bottom)
    ;   Bottom = 0
    ).

threshold(Threshold-_, Threshold).

rungs([], Rungs) =>
    Rungs = [].
rungs([Threshold-Index|Steps], Rungs) =>
    Rungs = [Threshold-[Index|Indexes]|Rungs1],
    same_rung(Steps, Threshold, Indexes, Others),
    rungs(Others, Rungs1).

same_rung([Other-Index|Steps], Threshold, Indexes, Others), Other =:= Threshold =>
    Indexes = [Index|Indexes1],
    same_rung(Steps, Threshold, Indexes1, Others).
same_rung(Steps, _, Indexes, Others) =>
    Indexes = [],
    Others = Steps.

crossed([], Count, Crossed) =>
    Crossed = [Count].
crossed([Indexes|Lists], Count, Crossed) =>
    Crossed = [Count|Crossed1],
    length(Indexes, More),
    Count1 is Count + More,
    crossed(Lists, Count1, Crossed1).

%   Every reduction but `value` is of absolute values, so never below zero.

magnitude(channel(_, _, Reduction)) :-
    Reduction \== value.
magnitude(cell(_, _, Reduction, _, _)) :-
    Reduction \== value.

below_zero([Threshold|Thresholds], Level0, Level) :-
    (   Threshold < 0
    ->  Level1 is Level0 + 1,
        below_zero(Thresholds, Level1, Level)
    ;   Level = Level0
    ).
below_zero([], Level, Level).

place_rungs([], _, _) =>
    true.
place_rungs([ladder(_, _, _, Indexes, _)|Ladders], Feature, ByIndex) =>
    compound_name_arguments(Indexes, _, Lists),
    place_levels(Lists, 1, Feature, ByIndex),
    Feature1 is Feature + 1,
    place_rungs(Ladders, Feature1, ByIndex).

place_levels([], _, _, _) =>
    true.
place_levels([Indexes|Lists], Level, Feature, ByIndex) =>
    place_indexes(Indexes, rung(Feature, Level), ByIndex),
    Level1 is Level + 1,
    place_levels(Lists, Level1, Feature, ByIndex).

place_indexes([], _, _) =>
    true.
place_indexes([Index|Indexes], Rung, ByIndex) =>
    arg(Index, ByIndex, Rung),
    place_indexes(Indexes, Rung, ByIndex).

%!  cost(+Ladder, +Level, +Other, -Cost) is det.
%
%   Cost is how many propositions change between two levels.

cost(ladder(_, _, _, _, Crossed), Level, Other, Cost) :-
    A is Level + 1,
    B is Other + 1,
    arg(A, Crossed, Below),
    arg(B, Crossed, Above),
    Cost is abs(Above - Below).
