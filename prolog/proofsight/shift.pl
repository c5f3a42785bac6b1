:- module(proofsight_shift,
          [ start_shift/2,              % +About, -Shift
            shifted/2,                  % +Shift, -About
            observed_rung/4,            % +Spec, +Shift, +About, -Rung
            standing/3,                 % +Feature, +Shift, -Standing
            movable/2,                  % +Feature, +Shift
            move/3,                     % +Move, +Shift, -Cost
            forbid/2,                   % +Move, +Shift
            possible/2,                 % +Move, +Shift
            moved/2,                    % +Shift, -Moved
            value_at/4                  % +Level, +Top, +Thresholds, -Value
          ]).
:- use_module(ladder, [cost/4, ladders/2]).
:- use_module(truth, [observed_value/4]).

:- det(start_shift/2).
:- det(shifted/2).
:- det(standing/3).
:- det(moved/2).
:- det(value_at/4).

/** <module> Values that move across thresholds

A shift is the state of a search for other values of one image; all that
is done to it is undone on backtracking.  Every feature stands somewhere
between two levels that it may not leave, as near as it can to where it
stood in the image.  A Move is up(Feature, Level), to that level or above,
or down(Feature, Level), to that level or below.
*/

%!  start_shift(+About, -Shift) is det.
%
%   Shift is shift(About, Ladders, Values, Standings): Values is a copy of
%   those of About, which change as features move; Standings are found out
%   on demand.

start_shift(About, shift(Moving, Ladders, Values, Standings)) :-
    About = about(KB, Image, Values0, Truths, Numbers, Observed, Graph),
    ladders(KB, Ladders),
    duplicate_term(Values0, Values),
    Moving = about(KB, Image, Values, Truths, Numbers, Observed, Graph),
    Ladders = ladders(ByFeature, _),
    functor(ByFeature, _, Size),
    functor(Standings, standings, Size).

%!  shifted(+Shift, -About) is det.
%
%   About is what holds where the features stand now; the next move makes it
%   untrue.  Nothing is numbered meanwhile: where numbers would be is a place
%   for the repairs of each node, those of its negation in the second half.

shifted(shift(About0, _, _, _), About) :-
    About0 = about(KB, Image, Values, Truths0, _, Observed, Graph),
    functor(Truths0, Name, Size),
    functor(Truths, Name, Size),
    Places is 2 * Size,
    functor(Repairs, repairs, Places),
    About = about(KB, Image, Values, Truths, Repairs, Observed, Graph).

%!  observed_rung(+Spec, +Shift, +About, -Rung) is semidet.
%
%   Spec, of a node active(...), is decided by a value; Rung is
%   rung(Feature, Level), or none() where that value is missing.

observed_rung(active(Index, Layer, _, _), Shift, About, Rung) :-
    observed_value(Index, Layer, About, Value),
    (   number(Value)
    ->  Shift = shift(_, ladders(_, ByIndex), _, _),
        arg(Index, ByIndex, Rung)
    ;   Rung = none()
    ).

%!  standing(+Feature, +Shift, -Standing) is det.
%
%   Standing is at(Low, High, Start, Now): the levels between which Feature
%   may stand, where it stood in the image, and where it stands.  A feature
%   whose values are missing or contradict each other stays where it is:
%   `fixed`.

standing(Feature, shift(_, ladders(ByFeature, _), Values, Standings), Standing) :-
    arg(Feature, Standings, Standing),
    (   nonvar(Standing)
    ->  true
    ;   arg(Feature, ByFeature, ladder(Top, Bottom, Thresholds, Indexes, _)),
        (   level(1, Top, Thresholds, Indexes, Values, Start)
        ->  Low is min(Bottom, Start),
            Standing = at(Low, Top, Start, Start)
        ;   Standing = fixed
        )
    ).

level(Rung, Top, Thresholds, Indexes, Values, Level) :-
    (   Rung > Top
    ->  Level = Top
    ;   arg(Rung, Thresholds, Threshold),
        arg(Rung, Indexes, [Index|Others]),
        arg(Index, Values, Value),
        number(Value),
        (   Value > Threshold
        ->  above(Others, Values, Threshold),
            Next is Rung + 1,
            level(Next, Top, Thresholds, Indexes, Values, Level)
        ;   Level is Rung - 1,
            not_above(Others, Values, Threshold),
            rest_not_above(Rung, Top, Thresholds, Indexes, Values)
        )
    ).

above([], _, _).
above([Index|Indexes], Values, Threshold) :-
    arg(Index, Values, Value),
    number(Value),
    Value > Threshold,
    above(Indexes, Values, Threshold).

not_above([], _, _).
not_above([Index|Indexes], Values, Threshold) :-
    arg(Index, Values, Value),
    number(Value),
    \+ Value > Threshold,
    not_above(Indexes, Values, Threshold).

rest_not_above(Top, Top, _, _, _) :-
    !.
rest_not_above(Rung, Top, Thresholds, Indexes, Values) :-
    Next is Rung + 1,
    arg(Next, Thresholds, Threshold),
    arg(Next, Indexes, List),
    not_above(List, Values, Threshold),
    rest_not_above(Next, Top, Thresholds, Indexes, Values).

%!  movable(+Feature, +Shift) is semidet.

movable(Feature, Shift) :-
    standing(Feature, Shift, Standing),
    Standing \== fixed.

%!  possible(+Move, +Shift) is semidet.
%
%   The feature may still move there.

possible(up(Feature, Level), Shift) :-
    standing(Feature, Shift, Standing),
    Standing = at(_, High, _, _),
    Level =< High.
possible(down(Feature, Level), Shift) :-
    standing(Feature, Shift, Standing),
    Standing = at(Low, _, _, _),
    Level >= Low.

%!  move(+Move, +Shift, -Cost) is semidet.
%
%   From here on the feature keeps to Move; Cost is how many propositions
%   that changed.  Fails where it may not go there.

move(up(Feature, Level), Shift, Cost) :-
    standing(Feature, Shift, Standing),
    Standing = at(Low0, High, Start, Now0),
    Level =< High,
    Low is max(Low0, Level),
    Now is max(Now0, Level),
    stand(Feature, Shift, Low, High, Start, Now0, Now, Cost).
move(down(Feature, Level), Shift, Cost) :-
    standing(Feature, Shift, Standing),
    Standing = at(Low, High0, Start, Now0),
    Level >= Low,
    High is min(High0, Level),
    Now is min(Now0, Level),
    stand(Feature, Shift, Low, High, Start, Now0, Now, Cost).

%   A feature stands as near to its start as it may, so it only ever moves
%   away from there.

stand(Feature, shift(_, ladders(ByFeature, _), Values, Standings),
      Low, High, Start, Now0, Now, Cost) :-
    setarg(Feature, Standings, at(Low, High, Start, Now)),
    (   Now =:= Now0
    ->  Cost = 0
    ;   arg(Feature, ByFeature, Ladder),
        cost(Ladder, Now0, Now, Cost),
        Ladder = ladder(Top, _, Thresholds, Indexes, _),
        value_at(Now, Top, Thresholds, Value),
        set_values(1, Top, Indexes, Value, Values)
    ).

%!  value_at(+Level, +Top, +Thresholds, -Value) is det.
%
%   Value is on Level: the threshold above it, which it does not exceed, or
%   the next number after the last one.

value_at(Level, Top, Thresholds, Value) :-
    (   Level < Top
    ->  Next is Level + 1,
        arg(Next, Thresholds, Value)
    ;   arg(Top, Thresholds, Last),
        Value is nexttoward(float(Last), 1.0e300)
    ).

set_values(Rung, Top, Indexes, Value, Values) :-
    (   Rung > Top
    ->  true
    ;   arg(Rung, Indexes, List),
        set_list(List, Value, Values),
        Next is Rung + 1,
        set_values(Next, Top, Indexes, Value, Values)
    ).

set_list([], _, _) =>
    true.
set_list([Index|Indexes], Value, Values) =>
    setarg(Index, Values, Value),
    set_list(Indexes, Value, Values).

%!  forbid(+Move, +Shift) is semidet.
%
%   The feature may not make Move, which it has not made.  Fails where
%   nothing else is left to it.

forbid(up(Feature, Level), Shift) :-
    Below is Level - 1,
    move(down(Feature, Below), Shift, _).
forbid(down(Feature, Level), Shift) :-
    Above is Level + 1,
    move(up(Feature, Above), Shift, _).

%!  moved(+Shift, -Moved) is det.
%
%   Moved are the features that do not stand where they started, each
%   Feature-at(Low, High, Start, Now).

moved(shift(_, _, _, Standings), Moved) :-
    findall(Feature-Standing,
            ( arg(Feature, Standings, Standing),
              nonvar(Standing),
              Standing = at(_, _, Start, Now),
              Start =\= Now
            ),
            Moved).
