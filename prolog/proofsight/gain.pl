:- module(proofsight_gain,
          [ gains/4,                    % +Changes, +Shift, -Table, -Gains
            steps/3,                    % +Feature, +Table, -Steps
            gain/4,                     % +Steps, +From, +To, -Gain
            missing/5,                  % +Moved, +Table, +Shift, +Need, -Missing
            least_changes/6             % +Gains, +Table, +Open, +Shift, +Missing, -Count
          ]).
:- use_module(library(pairs), [group_pairs_by_key/2]).
:- use_module(ladder, [cost/4]).
:- use_module(shift, [standing/3]).

:- det(gains/4).
:- det(gain/4).
:- det(missing/5).
:- det(least_changes/6).

/** <module> What a score gains on another

A Table has the Steps of each feature that matters: step(Level, Points),
which reaching Level from below gains, and chance(Points), which leaving
the start may gain.
*/

%!  gains(+Changes, +Shift, -Table, -Gains) is det.
%
%   Table is of Changes, Feature-Step in any order.  Gains are gain(Points,
%   Feature, Low, High), by falling Points, one for each proposition that
%   Feature, which may stand from Low to High, can cross: no way of crossing
%   so many gains more.

gains(Changes, Shift, Table, Gains) :-
    keysort(Changes, Sorted),
    group_pairs_by_key(Sorted, Groups),
    Shift = shift(_, _, _, Standings),
    functor(Standings, _, Size),
    functor(Table, table, Size),
    fill(Groups, Table),
    unordered(Groups, Shift, Gains0),
    sort(1, @>=, Gains0, Gains).

fill([], _) =>
    true.
fill([Feature-Steps|Groups], Table) =>
    arg(Feature, Table, Steps),
    fill(Groups, Table).

%!  steps(+Feature, +Table, -Steps) is semidet.

steps(Feature, Table, Steps) :-
    arg(Feature, Table, Steps),
    nonvar(Steps).

unordered([], _, Gains) =>
    Gains = [].
unordered([Feature-Steps|Table], Shift, Gains) =>
    standing(Feature, Shift, Standing),
    (   Standing = at(Low, High, Start, _)
    ->  arg(2, Shift, ladders(ByFeature, _)),
        arg(Feature, ByFeature, Ladder),
        best(Low, High, Start, Ladder, Steps, 0, Most, 0, Rate),
        (   Most > 0
        ->  spread(Most, Rate, Feature, Low, High, Gains, Gains1)
        ;   Gains = Gains1
        )
    ;   Gains = Gains1
    ),
    unordered(Table, Shift, Gains1).

%   The most that Feature can gain, and the most for each proposition that
%   it crosses.

best(Level, High, Start, Ladder, Steps, Most0, Most, Rate0, Rate) :-
    (   Level > High
    ->  Most = Most0,
        Rate = Rate0
    ;   Next is Level + 1,
        (   Level =\= Start,
            gain(Steps, Start, Level, 0, Gain),
            Gain > 0
        ->  cost(Ladder, Start, Level, Cost),
            Most1 is max(Most0, Gain),
            Rate1 is max(Rate0, Gain rdiv Cost),
            best(Next, High, Start, Ladder, Steps, Most1, Most, Rate1, Rate)
        ;   best(Next, High, Start, Ladder, Steps, Most0, Most, Rate0, Rate)
        )
    ).

spread(Most, Rate, Feature, Low, High, Gains, Tail) :-
    (   Most =< Rate
    ->  Gains = [gain(Most, Feature, Low, High)|Tail]
    ;   Gains = [gain(Rate, Feature, Low, High)|Gains1],
        Rest is Most - Rate,
        spread(Rest, Rate, Feature, Low, High, Gains1, Tail)
    ).

%!  gain(+Steps, +From, +To, -Gain) is det.
%
%   Gain is what a feature that goes from one level to another gains.

gain(Steps, From, To, Gain) :-
    gain(Steps, From, To, 0, Gain).

gain([], _, _, Gain0, Gain) =>
    Gain = Gain0.
gain([step(Level, Points)|Steps], From, To, Gain0, Gain) =>
    (   From < Level
    ->  (   To >= Level
        ->  Gain1 is Gain0 + Points
        ;   Gain1 = Gain0
        )
    ;   To < Level
    ->  Gain1 is Gain0 - Points
    ;   Gain1 = Gain0
    ),
    gain(Steps, From, To, Gain1, Gain).
gain([chance(Points)|Steps], From, To, Gain0, Gain) =>
    (   From =:= To
    ->  Gain1 = Gain0
    ;   Gain1 is Gain0 + Points
    ),
    gain(Steps, From, To, Gain1, Gain).

%!  missing(+Moved, +Table, +Shift, +Need, -Missing) is det.
%
%   Missing is what is left of Need after the features Moved.

missing([], _, _, Missing0, Missing) =>
    Missing = Missing0.
missing([Feature|Moved], Table, Shift, Missing0, Missing) =>
    (   steps(Feature, Table, Steps)
    ->  standing(Feature, Shift, Standing),
        Standing = at(_, _, Start, Now),
        gain(Steps, Start, Now, 0, Gain),
        Missing1 is Missing0 - Gain,
        missing(Moved, Table, Shift, Missing1, Missing)
    ;   missing(Moved, Table, Shift, Missing0, Missing)
    ).

%!  least_changes(+Gains, +Table, +Open, +Shift, +Missing, -Count) is det.
%
%   Fewer than Count propositions more cannot gain what is Missing, nor can
%   any number where Count is `inf`.  Gains are of features that were not
%   touched; Open are those that were, and may go on.

least_changes(Gains, Table, Open, Shift, Missing, Count) :-
    onward(Open, Table, Shift, Further),
    least_count(Gains, Further, Missing, Shift, 0, Count).

%   What the features that moved may still gain, each as if at the cost of
%   one proposition, by falling points.

onward([], _, _, Further) =>
    Further = [].
onward(Open, Table, Shift, Further) =>
    onward_gains(Open, Table, Shift, Further0),
    sort(0, @>=, Further0, Further).

onward_gains([], _, _, Gains) =>
    Gains = [].
onward_gains([Feature|Open], Table, Shift, Gains) =>
    (   steps(Feature, Table, Steps),
        standing(Feature, Shift, Standing),
        Standing = at(Low, High, Start, Now),
        Low < High,
        gain(Steps, Start, Now, 0, Already),
        most(Low, High, Start, Steps, Already, Most),
        Most > Already
    ->  Gain is Most - Already,
        Gains = [Gain|Gains1]
    ;   Gains = Gains1
    ),
    onward_gains(Open, Table, Shift, Gains1).

most(Level, High, Start, Steps, Most0, Most) :-
    (   Level > High
    ->  Most = Most0
    ;   gain(Steps, Start, Level, 0, Gain),
        Most1 is max(Most0, Gain),
        Next is Level + 1,
        most(Next, High, Start, Steps, Most1, Most)
    ).

least_count(_, _, Missing, _, Count0, Count), Missing =< 0 =>
    Count = Count0.
least_count([gain(Points, Feature, Low, High)|Gains], Further, Missing, Shift, Count0, Count) =>
    (   Further = [More|Further1],
        More >= Points
    ->  Missing1 is Missing - More,
        Count1 is Count0 + 1,
        least_count([gain(Points, Feature, Low, High)|Gains], Further1, Missing1, Shift,
                    Count1, Count)
    ;   untouched(Feature, Low, High, Shift)
    ->  Missing1 is Missing - Points,
        Count1 is Count0 + 1,
        least_count(Gains, Further, Missing1, Shift, Count1, Count)
    ;   least_count(Gains, Further, Missing, Shift, Count0, Count)
    ).
least_count([], [More|Further], Missing, Shift, Count0, Count) =>
    Missing1 is Missing - More,
    Count1 is Count0 + 1,
    least_count([], Further, Missing1, Shift, Count1, Count).
least_count([], [], _, _, _, Count) =>
    Count = inf.

untouched(Feature, Low, High, Shift) :-
    standing(Feature, Shift, Standing),
    Standing = at(Low, High, _, _).

