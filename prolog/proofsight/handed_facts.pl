:- module(proofsight_handed_facts,
          [ hand_in/2,                  % +KB, +Facts
            loaded/1                    % +KB
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(facts, [carry/4, carry_measured/3]).
:- use_module(question, [refuse/4]).
:- use_module(revision, [revision/2]).

:- det(hand_in/2).
:- det(loaded/1).

/** <module> Facts that a request brings

They come from another process: their shape is checked, as far as that is
cheap.  For the shape itself, see service.pl.
*/

%!  loaded(+KB) is det.
%
%   @throws refused('UNKNOWN_KB', _, _, _)

loaded(KB) :-
    (   revision(KB, _)
    ->  true
    ;   refuse('UNKNOWN_KB', 'error.UNKNOWN_KB', [name=KB], [name-KB])
    ).

%!  hand_in(+KB, +Facts) is det.
%
%   From here on, until backtracking, Facts are those of their image.
%
%   @throws refused(Reason, Key, Slots, Metadata) where they do not fit KB.

hand_in(KB, Facts) :-
    loaded(KB),
    KB:'$size'(_, _, Expected),
    (   parts(Facts, Image, Values, Predicted, Measured),
        atom(Image),
        compound(Values),
        compound_name_arity(Values, values, Given)
    ->  true
    ;   refuse('BAD_FACTS', 'error.BAD_FACTS', [expected=Expected], [])
    ),
    (   Given =:= Expected
    ->  true
    ;   refuse('BAD_FACTS', 'error.fact_count', [expected=Expected, given=Given],
               [expected-Expected, given-Given])
    ),
    compound_name_arguments(Values, _, List),
    (   memberchk(none, List)
    ->  whole_layers(KB, Values)
    ;   true
    ),
    carry(KB, Image, Values, Predicted),
    carry_measured(KB, Image, Measured).

parts(facts(Image, Values, Predicted), Image, Values, Predicted, []).
parts(facts(Image, Values, Predicted, Measured), Image, Values, Predicted, Measured).

%   A layer is observed as a whole or not at all.

whole_layers(KB, Values) :-
    (   KB:'$layer'(_, Indexes),
        member(Index, Indexes),
        arg(Index, Values, none),
        member(Other, Indexes),
        \+ arg(Other, Values, none)
    ->  KB:'$observable'(P, Index),
        refuse('BAD_FACTS', 'error.partial_layer', [name=P], [proposition-P])
    ;   true
    ).
