:- module(proofsight_outcome,
          [ outcome_nodes/3             % +KB, +Program, +ByHead
          ]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [member/2]).
:- use_module(library(pairs), [pairs_keys_values/3]).
:- use_module(numbering, [clauses_of/3, describe/6, named/4]).
:- use_module(program, [bases/2, classes/2, part/3, policy/2, priority/2]).

:- det(outcome_nodes/3).

/** <module> The nodes of a graph that decide

See graph.pl.
*/

%!  outcome_nodes(+KB, +Program, +ByHead) is det.
%
%   Adds node 1 and those of class/2, score/3 and decision/2.

outcome_nodes(KB, Program, ByHead) :-
    classes(Program, Classes),
    policy(Program, Policy),
    outcome_nodes(Policy, KB, Program, ByHead, Classes),
    maplist(class_number(KB), Classes, ClassNodes),
    named(KB, none(), undecided, Undecided),
    assertz(KB:'$node'(Undecided, decision(ClassNodes))),
    describe(KB, Undecided, decision, Image, decision(Image, '$VAR'('_')), []).

outcome_nodes(points, KB, Program, ByHead, Classes) =>
    bases(Program, Bases),
    maplist(score_node(KB, Program), Bases, Scores),
    pairs_keys_values(Order, Classes, Scores),
    assertz(KB:'$node'(1, points(Order))),
    forall(member(Class-Score, Order),
           scored_class(KB, Class, Score)),
    points_goals(KB, Program, ByHead).
outcome_nodes(Policy, KB, Program, ByHead, Classes) =>
    priority(Program, Priority),
    findall(Clause-Class,
            ( member(Id-Class, Priority),
              named(KB, Id, clause, Clause)
            ),
            Candidates),
    part(default_class, Program, Defaults),
    (   Defaults = [default_class(Class0, _)|_]
    ->  Default = default(Class0),
        default_node(KB, Class0, Classes)
    ;   Default = none
    ),
    (   Policy == exclusive
    ->  Order = classes
    ;   Order = rules
    ),
    assertz(KB:'$node'(1, winner(Order, Candidates, Default))),
    forall(member(Class, Classes),
           ruled_class(KB, ByHead, Class)).

class_number(KB, Class, Node) :-
    named(KB, Class, class, Node).

class_node(KB, Class, Spec) :-
    named(KB, Class, class, Node),
    assertz(KB:'$node'(Node, Spec)),
    describe(KB, Node, class, Image, class(Image, Class), [class(Class)]).

decision_node(KB, Class, Ground, Node) :-
    named(KB, Class, decision, Node),
    assertz(KB:'$node'(Node, decision(Class, Ground))),
    describe(KB, Node, decision, Image, decision(Image, Class), [class(Class)]).

%   Rules for classes.

ruled_class(KB, ByHead, Class) :-
    clauses_of(ByHead, class(Class), Clauses),
    class_node(KB, Class, any(Clauses)),
    named(KB, Class, class, ClassNode),
    decision_node(KB, Class, ClassNode, _).

default_node(KB, Default, Classes) :-
    maplist(class_number(KB), Classes, ClassNodes),
    named(KB, none(), default, ByDefault),
    assertz(KB:'$node'(ByDefault, default(ClassNodes))),
    describe(KB, ByDefault, default, _, default_class(Default), [class(Default)]).

%   Points.

score_node(KB, Program, Class-Base, Score) :-
    part(rule, Program, Rules),
    findall(Points-Clause,
            ( member(rule(Id, points(Class, Points), _, _, _), Rules),
              named(KB, Id, clause, Clause)
            ),
            Lines),
    named(KB, Class, score, Score),
    assertz(KB:'$node'(Score, score(Base, Lines))),
    describe(KB, Score, score, Image, score(Image, Class, _), [class(Class)]).

%   class/2 holds of what was decided.

scored_class(KB, Class, Score) :-
    decision_node(KB, Class, Score, Decision),
    class_node(KB, Class, clause([Decision])).

points_goals(KB, Program, ByHead) :-
    part(rule, Program, Rules),
    findall(Head,
            ( member(rule(_, Head, _, _, _), Rules),
              Head = points(_, _)
            ),
            Heads0),
    sort(Heads0, Heads),
    forall(member(Head, Heads),
           points_goal(KB, ByHead, Head)).

points_goal(KB, ByHead, points(Class, Points)) :-
    clauses_of(ByHead, points(Class, Points), Clauses),
    named(KB, points(Class, Points), lines, Node),
    assertz(KB:'$node'(Node, any(Clauses))),
    describe(KB, Node, user, Image, points(Image, Class, Points), []).
