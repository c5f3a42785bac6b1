:- module(proofsight_facts,
          [ carry/4,                    % +KB, +Image, +Values, +Predicted
            carried/4,                  % ?KB, -Image, -Values, -Predicted
            carried_value/4,            % +KB, ?Image, ?Proposition, -Value
            carried_prediction/4,       % +KB, ?Image, ?Class, -Probability
            carry_measured/3,           % +KB, +Image, +Measured
            carried_measurement/4,      % +KB, ?Image, ?Proposition, -Value
            image/2,                    % +KB, ?Image
            active/3,                   % +KB, ?Image, ?Proposition
            values/3                    % +KB, +Image, -Values
          ]).
:- use_module(library(lists), [member/2]).

:- det(carry/4).
:- det(carry_measured/3).
:- det(values/3).

/** <module> Facts about images

The facts of a request travel with it, in a backtrackable global variable
that holds values(V1, ..., Vn) in the order of the revision's observable
propositions, `none` where a layer was not observed.  They are never
asserted, so nothing is left of them when the request is over.  At a
prompt, load_image/2 asserts value/3 and predicted/3 in the module of the
knowledge base instead.  Whoever asks need not know which it is.
*/

%!  carry(+KB, +Image, +Values, +Predicted) is det.
%
%   From here on, until backtracking, these are facts of Image.

carry(KB, Image, Values, Predicted) :-
    b_setval(proofsight_facts, carried(KB, Image, Values, Predicted)).

%!  carried(?KB, -Image, -Values, -Predicted) is semidet.

carried(KB, Image, Values, Predicted) :-
    nb_current(proofsight_facts,
               carried(KB, Image, Values, Predicted)).

%!  carried_value(+KB, ?Image, ?Proposition, -Value) is nondet.

carried_value(KB, Image, Proposition, Value) :-
    carried(KB, Image, Values, _),
    KB:'$observable'(Proposition, Index),
    arg(Index, Values, Value0),
    Value0 \== none,
    Value = Value0.

%!  carried_prediction(+KB, ?Image, ?Class, -Probability) is nondet.

carried_prediction(KB, Image, Class, Probability) :-
    carried(KB, Image, _, Predicted),
    member(Class-Probability, Predicted).

%!  carry_measured(+KB, +Image, +Measured) is det.
%
%   From here on, until backtracking, Measured, a list of Proposition-Value,
%   was measured above the layer at which the program is entered for Image.
%   It is for comparison: active/3 never sees it.

carry_measured(KB, Image, Measured) :-
    b_setval(proofsight_measured, measured(KB, Image, Measured)).

%!  carried_measurement(+KB, ?Image, ?Proposition, -Value) is nondet.

carried_measurement(KB, Image, Proposition, Value) :-
    nb_current(proofsight_measured, measured(KB, Image, Measured)),
    member(Proposition-Value, Measured).

%!  image(+KB, ?Image) is nondet.
%
%   Image is known: something is said of it.  Semidet where it is given.

image(KB, Image), nonvar(Image) =>
    (   carried(KB, Image, _, _)
    ->  true
    ;   KB:value(Image, _, _)
    ->  true
    ;   KB:predicted(Image, _, _)
    ->  true
    ).
image(KB, Image) =>
    findall(Known,
            (   carried(KB, Known, _, _)
            ;   KB:value(Known, _, _)
            ;   KB:predicted(Known, _, _)
            ),
            All),
    sort(All, Images),
    member(Image, Images).

%!  active(+KB, ?Image, ?Proposition) is nondet.
%
%   Proposition is active: its value is greater than its threshold or,
%   where its layer was not observed for Image, derived/2 says so.  Semidet
%   where both are given.

active(KB, Image, Proposition) :-
    image(KB, Image),
    KB:proposition(Proposition, Feature, Threshold),
    (   Threshold == none
    ->  once(KB:derived(Image, Proposition))
    ;   KB:value(Image, Proposition, Value)
    ->  Value > Threshold
    ;   arg(1, Feature, Layer),
        observed(KB, Image, Layer)
    ->  fail
    ;   once(KB:derived(Image, Proposition))
    ).

%   A layer is observed for an image where a value was given of it.

observed(KB, Image, Layer) :-
    KB:value(Image, Proposition, _),
    KB:proposition(Proposition, Feature, _),
    arg(1, Feature, Layer),
    !.

%!  values(+KB, +Image, -Values) is det.
%
%   Values is as in carry/4, of a known Image.

values(KB, Image, Values) :-
    (   carried(KB, Image, Values0, _)
    ->  Values = Values0
    ;   findall(Value,
                ( KB:'$observable'(Proposition, _),
                  (   KB:value(Image, Proposition, Value0)
                  ->  Value = Value0
                  ;   Value = none
                  )
                ),
                List),
        compound_name_arguments(Values, values, List)
    ).
