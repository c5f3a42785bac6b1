:- module(proofsight_question,
          [ question/5,                 % +KB, +Text, ?Image, -Goal, -Names
            scope/2,                    % +KB, -Scope
            provable/1,                 % +Goal
            refuse/4                    % +Reason, +Key, +Slots, +Metadata
          ]).
:- use_module(library(lists), [member/2, selectchk/3]).
:- use_module(safety, [safe_goal/3]).
:- use_module(source, [read_goal/4, syntax_text/2]).

:- det(question/5).
:- det(scope/2).
:- det(provable/1).

/** <module> Goals that come as text
*/

%!  refuse(+Reason, +Key, +Slots, +Metadata)
%
%   Ends a request, with the message Key; see bounded/3.

refuse(Reason, Key, Slots, Metadata) :-
    throw(refused(Reason, Key, Slots, Metadata)).

%!  question(+KB, +Text, ?Image, -Goal, -Names) is det.
%
%   Goal is what Text says, found safe, with the variable `Image` bound to
%   Image; Names are the others, each Name=Variable.
%
%   @throws refused(Reason, Key, Slots, Metadata)

question(KB, Text, Image, Goal, Names) :-
    string_length(Text, Length),
    (   Length =< 65_536
    ->  true
    ;   refuse('BAD_GOAL', 'error.long_goal', [length=Length], [length-Length])
    ),
    catch(read_goal(Text, Goal, Position, Names0),
          bad_text(What, Offset),
          syntax_refusal(What, Offset)),
    (   selectchk('Image'=Image0, Names0, Names)
    ->  Image0 = Image
    ;   Names = Names0
    ),
    scope(KB, Scope),
    catch(safe_goal(Goal, Position, Scope),
          refused(Code, Slots, At),
          goal_refusal(Code, Slots, At)).

syntax_refusal(What, Offset) :-
    Position is Offset + 1,
    syntax_text(What, Text),
    refuse('BAD_GOAL', 'error.syntax', [position=Position, problem=Text],
           [position-Position]).

goal_refusal(Code, Slots, Offset) :-
    Position is Offset + 1,
    memberchk(Code-Reason,
              [ unsafe_goal-'UNSAFE_GOAL',
                unknown_class-'UNKNOWN_CLASS',
                undeclared_predicate-'BAD_GOAL',
                undeclared_proposition-'BAD_GOAL'
              ]),
    atom_concat('issue.', Code, Key),
    findall(Name-Value, ( member(Name=Value, Slots), atomic(Value) ), Metadata),
    refuse(Reason, Key, Slots, [position-Position|Metadata]).

%!  scope(+KB, -Scope) is det.
%
%   What goals about KB may name; see safe_goal/3.

scope(KB, scope(Predicates, Propositions, Classes)) :-
    findall(Name/Arity, KB:'$user'(Name, Arity), Predicates),
    findall(Proposition, KB:proposition(Proposition, _, _), Propositions),
    findall(Class, KB:'$named'(Class, class, _), Classes).

%!  provable(+Goal) is det.
%
%   An answer may be a term without end, which has no proof.
%
%   @throws refused(Reason, Key, Slots, Metadata)

provable(Goal) :-
    (   acyclic_term(Goal)
    ->  true
    ;   refuse('BAD_GOAL', 'error.cyclic', [], [])
    ).
