:- encoding(utf8).
:- module(proofsight_flip_answer,
          [ flip_json/4,                % +KB, +Target, +Flip, -Members
            flip_terms/3,               % +KB, +Flip, -Terms
            flip_lines/4                % +KB, +Target, +Flip, -Lines
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [last/2]).
:- use_module(messages, [text/3]).
:- use_module(number_text, [numbers/5]).
:- use_module(truth, [winning/2]).

:- det(flip_json/4).
:- det(flip_terms/3).
:- det(flip_lines/4).

/** <module> What flip/4 found, as JSON, as terms and as text

The text is that of the Python client, from the same keys, `flip.*`, of the
message table.
*/

%!  flip_json(+KB, +Target, +Flip, -Members) is det.
%
%   Members are those of a JSON object: `wanted`, `from` and `to`, `status`,
%   `changes`, `verified`, `lower_bound` (null where nothing is enough),
%   `cut_short` and `steps`.

flip_json(KB, Target, Flip, Members) :-
    Flip = flip(Status, From, To, Changes, Verified, Bound, CutShort, Steps),
    (   Target = class(Wanted)
    ->  true
    ;   Wanted = null()
    ),
    winner_object(From, KB, FromObject),
    winner_object(To, KB, ToObject),
    maplist(change_object(KB), Changes, Objects),
    (   Bound == inf
    ->  LowerBound = null()
    ;   LowerBound = Bound
    ),
    compound_name_arity(VerifiedJson, Verified, 0),
    Members = [ wanted-Wanted, from-FromObject, to-ToObject, status-Status,
                changes-Objects, verified-VerifiedJson,
                lower_bound-LowerBound, cut_short-CutShort, steps-Steps
              ].

winner_object(Winner, KB, object([class-Class, rule-Rule, default-ByDefault])) :-
    (   winning(Winner, Class0)
    ->  Class = Class0
    ;   Class = null()
    ),
    (   Winner = won(_, Clause)
    ->  KB:'$goal'(Clause, _, _, _, [rule(Rule)])
    ;   Rule = null()
    ),
    (   Winner = default(_)
    ->  ByDefault = true()
    ;   ByDefault = false()
    ).

change_object(KB, change(Index, Value, Threshold, Way, Limit, _), object(Members)) :-
    KB:'$observable'(P, Index),
    (   Way == above
    ->  From = false(),
        To = true()
    ;   From = true(),
        To = false()
    ),
    (   Limit == none
    ->  Members1 = []
    ;   Members1 = [limit-Limit]
    ),
    (   KB:label(P, Label, _)
    ->  Members0 = [label-Label|Members1]
    ;   Members0 = Members1
    ),
    Members = [ proposition-P, from-From, to-To, value-Value,
                threshold-Threshold, direction-Way
              | Members0
              ].

%!  flip_terms(+KB, +Flip, -Terms) is det.
%
%   Terms are change(Proposition, Value, Needed): Needed is above(Threshold)
%   or at_most(Threshold).

flip_terms(KB, flip(_, _, _, Changes, _, _, _, _), Terms) :-
    maplist(change_term(KB), Changes, Terms).

change_term(KB, change(Index, Value, Threshold, Way, _, _), change(P, Value, Needed)) :-
    KB:'$observable'(P, Index),
    Needed =.. [Way, Threshold].

%!  flip_lines(+KB, +Target, +Flip, -Lines:list(string)) is det.

flip_lines(KB, Target, Flip, [Heading|Lines]) :-
    Flip = flip(_, From, To, Changes, _, Bound, CutShort, _),
    length(Changes, Count),
    class_text(From, FromText),
    class_text(To, ToText),
    (   Target = class(Wanted)
    ->  true
    ;   Wanted = ''
    ),
    key(Target, Flip, Key),
    text(Key,
         [ class=Wanted, from=FromText, to=ToText, count=Count, bound=Bound,
           limit=CutShort
         ],
         Heading),
    (   last(Changes, Last)
    ->  maplist(change_line(KB, Last), Changes, Lines)
    ;   Lines = []
    ).

class_text(Winner, Text) :-
    (   winning(Winner, Text0)
    ->  Text = Text0
    ;   text('flip.undecided', [], Text)
    ).

key(_, flip('FOUND', _, _, [], _, _, _, _), Key) =>
    Key = 'flip.nothing'.
key(_, flip('FOUND', _, _, [_], _, _, _, _), Key) =>
    Key = 'flip.one'.
key(_, flip('FOUND', _, _, _, _, _, _, _), Key) =>
    Key = 'flip.several'.
key(class(_), flip('IMPOSSIBLE', _, _, _, _, _, _, _), Key) =>
    Key = 'flip.impossible'.
key(other(), flip('IMPOSSIBLE', _, _, _, _, _, _, _), Key) =>
    Key = 'flip.always'.
key(class(_), flip('CUT_SHORT', _, _, [], _, _, _, _), Key) =>
    Key = 'flip.not_found'.
key(other(), flip('CUT_SHORT', _, _, [], _, _, _, _), Key) =>
    Key = 'flip.no_other_found'.
key(_, flip('CUT_SHORT', _, _, _, _, _, _, _), Key) =>
    Key = 'flip.best_found'.

change_line(KB, Last, Change, Line) :-
    Change = change(Index, Value, Threshold, Way, Limit, _),
    KB:'$observable'(P, Index),
    numbers(Value, Threshold, 4, ValueText, ThresholdText),
    Slots0 = [proposition=P, value=ValueText, threshold=ThresholdText],
    atom_concat('flip.', Way, Key0),
    (   Limit == none
    ->  Key = Key0,
        Slots = Slots0
    ;   atom_concat(Key0, '_within', Key),
        numbers(Limit, Threshold, 4, LimitText, _),
        Slots = [limit=LimitText|Slots0]
    ),
    text(Key, Slots, Text),
    (   KB:label(P, Label, _)
    ->  text(label, [label=Label], LabelText)
    ;   LabelText = ""
    ),
    (   Change == Last
    ->  Branch = "└─ "
    ;   Branch = "├─ "
    ),
    atomics_to_string([Branch, Text, LabelText], Line).
