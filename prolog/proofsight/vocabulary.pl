:- module(proofsight_vocabulary,
          [ active/2,                   % ?Image, ?Proposition
            at_least/2,                 % +N, :Goals
            decision/2,                 % ?Image, ?Class
            score/3,                    % ?Image, ?Class, ?Points
            rule/2,                     % ?Id, ?Image
            carried_value/3,            % ?Image, ?Proposition, -Value
            carried_measurement/3,      % ?Image, ?Proposition, -Value
            carried_prediction/3        % ?Image, ?Class, -Probability
          ]).
% What the bodies of user.pl may call, besides the system's own.
:- use_module(library(aggregate), [aggregate_all/3]).
:- use_module(library(lists),
              [ append/2, append/3, delete/3, intersection/3, last/2,
                list_to_set/2, max_list/2, max_member/2, member/2, min_list/2,
                min_member/2, nth0/3, nth1/3, numlist/3, reverse/2, select/3,
                subtract/3, sum_list/2, union/3
              ]).
:- use_module(library(pairs),
              [pairs_keys/2, pairs_keys_values/3, pairs_values/2]).
% Transparent predicates name the module of what they call.
:- use_module(annex_words, [annex_query/3]).
:- use_module(circuit_comparison, []).
:- use_module(circuit_cuts, []).
:- use_module(circuit_graph, []).
:- use_module(circuits, []).
:- use_module(decision, []).
:- use_module(facts, []).
:- use_module(interaction_queries, []).
:- use_module(interactions, []).

:- module_transparent
    active/2,
    at_least/2,
    carried_measurement/3,
    carried_prediction/3,
    carried_value/3,
    decision/2,
    rule/2,
    score/3.

/** <module> The words of a revision that are not its own clauses

The module of every revision inherits from this one and from nothing else
but the system, so that these words mean the revision they are used in,
and a revision cannot see what is loaded beside it.
*/

%!  active(?Image, ?Proposition) is nondet.
%
%   See active/3 of facts.pl.

active(Image, Proposition) :-
    context_module(KB),
    proofsight_facts:active(KB, Image, Proposition).

%!  decision(?Image, ?Class) is nondet.
%
%   See decision/3 of decision.pl.

decision(Image, Class) :-
    context_module(KB),
    proofsight_decision:decision(KB, Image, Class).

%!  score(?Image, ?Class, ?Points) is nondet.
%
%   See score/4 of decision.pl.

score(Image, Class, Points) :-
    context_module(KB),
    proofsight_decision:score(KB, Image, Class, Points).

%!  rule(?Id, ?Image) is nondet.
%
%   Id is a clause of the program and Image is known.

rule(Id, Image) :-
    context_module(KB),
    KB:'$rule'(Id, _),
    proofsight_facts:image(KB, Image).

%!  carried_value(?Image, ?Proposition, -Value) is nondet.

carried_value(Image, Proposition, Value) :-
    context_module(KB),
    proofsight_facts:carried_value(KB, Image, Proposition, Value).

%!  carried_measurement(?Image, ?Proposition, -Value) is nondet.

carried_measurement(Image, Proposition, Value) :-
    context_module(KB),
    proofsight_facts:carried_measurement(KB, Image, Proposition, Value).

%!  carried_prediction(?Image, ?Class, -Probability) is nondet.

carried_prediction(Image, Class, Probability) :-
    context_module(KB),
    proofsight_facts:carried_prediction(KB, Image, Class, Probability).

%!  at_least(+N, :Goals) is semidet.
%
%   N or more of Goals hold.  Binds nothing and leaves no choice point.

at_least(N, Goals) :-
    context_module(KB),
    proofsight_vocabulary:at_least(Goals, KB, N).

at_least(_, _, N), N =< 0 =>
    true.
at_least([Goal|Goals], KB, N) =>
    (   \+ call(KB:Goal)
    ->  at_least(Goals, KB, N)
    ;   Less is N - 1,
        at_least(Goals, KB, Less)
    ).
at_least([], _, _) =>
    fail.

%   The queries about annexes, each exported and transparent:
%
%       feeds(C, A, B) :-
%           context_module(KB), proofsight_circuits:feeds(KB, C, A, B).

term_expansion(annex_queries, Clauses) :-
    findall(Clause,
            ( annex_query(Name, Arity, Module),
              query_clause(Name, Arity, Module, Clause)
            ),
            Clauses).

query_clause(Name, Arity, _, (:- export(Name/Arity))).
query_clause(Name, Arity, _, (:- module_transparent(Name/Arity))).
query_clause(Name, Arity, Module, (Head :- context_module(KB), Module:Goal)) :-
    functor(Head, Name, Arity),
    Head =.. [Name|Arguments],
    Goal =.. [Name, KB|Arguments].

annex_queries.
