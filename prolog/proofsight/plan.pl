:- module(proofsight_plan,
          [ plans/4                     % +Target, +Shift, -Reached, -Plans
          ]).
:- use_module(margin, [margin/5, score_terms/3]).
:- use_module(truth, [decided/2, spec/3, winning/2]).

:- det(plans/4).

/** <module> Ways to another decision

A plan is a conjunction that is enough for the decision that is wanted,
and for every other decision of that kind one of the plans holds:

  - rules(Yes, No): the clauses Yes, one or none, hold and the clauses No
    do not
  - margins(Margins): all of them are closed
*/

%!  plans(+Target, +Shift, -Reached, -Plans) is det.
%
%   Target is class(Class), or other(): any decision but the image's own.
%   Reached says whether it is already so, `true` or `false`.  Plans are in
%   the order in which rules are tried, the default last, or in that of the
%   classes.

plans(Target, Shift, Reached, Plans) :-
    Shift = shift(About, _, _, _),
    decided(About, Winner),
    (   winning(Winner, Class0)
    ->  Class = Class0
    ;   Class = none()
    ),
    (   Target = class(Class)
    ->  Reached = true
    ;   Reached = false
    ),
    spec(1, About, Spec),
    decider_plans(Spec, Target, Class, Shift, Plans).

decider_plans(winner(_, Candidates, Default), Target, Class, _, Plans) =>
    rule_plans(Candidates, Target, Class, [], No, Plans, Tail),
    (   Default = default(DefaultClass)
    ->  true
    ;   DefaultClass = none()
    ),
    (   fits(Target, Class, DefaultClass)
    ->  Tail = [rules([], No)]
    ;   Tail = []
    ).
decider_plans(points(Order), Target, Class, Shift, Plans) =>
    terms(Order, Shift, 1, Terms),
    points_plans(Target, Class, Terms, Shift, Plans).

fits(class(Class), _, Class).
fits(other(), Not, Class) :-
    Class \== Not.

%   The clauses that must not hold before this one are those of the others:
%   of all other classes where one is wanted, else of the image's own.

rule_plans([], _, _, No0, No, Plans, Tail) =>
    No = No0,
    Plans = Tail.
rule_plans([Clause-Of|Candidates], Target, Class, No0, No, Plans, Tail) =>
    (   fits(Target, Class, Of)
    ->  Plans = [rules([Clause], No0)|Plans1],
        rule_plans(Candidates, Target, Class, No0, No, Plans1, Tail)
    ;   rule_plans(Candidates, Target, Class, [Clause|No0], No, Plans, Tail)
    ).

terms([], _, _, Terms) =>
    Terms = [].
terms([Class-Score|Order], Shift, Rank, Terms) =>
    score_terms(Score, Shift, Of),
    Terms = [t(Rank, Class, Of)|Terms1],
    Next is Rank + 1,
    terms(Order, Shift, Next, Terms1).

%   The class that is wanted is ahead of all others; or one of the others is
%   ahead of the image's own.

points_plans(class(Class), _, Terms, Shift, Plans) =>
    memberchk(t(Rank, Class, Of), Terms),
    margins(Terms, Rank, Of, Shift, Margins),
    Plans = [margins(Margins)].
points_plans(other(), Class, Terms, Shift, Plans) =>
    memberchk(t(Rank, Class, Of), Terms),
    rivals(Terms, Rank, Of, Shift, Plans).

margins([], _, _, _, Margins) =>
    Margins = [].
margins([t(Rank, _, _)|Terms], Rank0, Of, Shift, Margins), Rank =:= Rank0 =>
    margins(Terms, Rank0, Of, Shift, Margins).
margins([t(Rank, _, Other)|Terms], Rank0, Of, Shift, Margins) =>
    ahead(Rank0, Of, Rank, Other, Shift, Margin),
    Margins = [Margin|Margins1],
    margins(Terms, Rank0, Of, Shift, Margins1).

rivals([], _, _, _, Plans) =>
    Plans = [].
rivals([t(Rank, _, _)|Terms], Rank0, Of, Shift, Plans), Rank =:= Rank0 =>
    rivals(Terms, Rank0, Of, Shift, Plans).
rivals([t(Rank, _, Other)|Terms], Rank0, Of, Shift, Plans) =>
    ahead(Rank, Other, Rank0, Of, Shift, Margin),
    Plans = [margins([Margin])|Plans1],
    rivals(Terms, Rank0, Of, Shift, Plans1).

%   Of equal scores the first wins.

ahead(Rank, Of, OtherRank, OtherOf, Shift, Margin) :-
    (   Rank < OtherRank
    ->  Least = 0
    ;   Least = 1
    ),
    margin(Of, OtherOf, Least, Shift, Margin).
