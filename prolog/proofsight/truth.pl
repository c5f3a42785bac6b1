:- module(proofsight_truth,
          [ about/3,                    % +KB, +Image, -About
            decided/2,                  % +About, -Winner
            winning/2,                  % +Winner, -Class
            truth/3,                    % +Id, +About, -Truth
            spec/3,                     % +Id, +About, -Spec
            observed_value/4,           % +Index, +Layer, +About, -Value
            true_count/3                % +Ids, +About, -Count
          ]).
:- use_module(library(lists), [member/2]).
:- use_module(facts, [image/2, values/3]).
:- use_module(graph, [graph/2]).

:- det(about/3).
:- det(decided/2).
:- det(truth/3).
:- det(spec/3).
:- det(true_count/3).

/** <module> What holds of an image

The nodes of a revision's graph are decided on demand, each once per
image, and remembered in one term.
*/

%!  about(+KB, +Image, -About) is det.
%
%   About is about(KB, Image, Values, Truths, Numbers, Observed, Graph): the
%   facts of Image, and places for what will be found out of each node and
%   layer.  It is none() where Image is not known.

about(KB, Image, About) :-
    (   atom(Image),
        image(KB, Image)
    ->  values(KB, Image, Values),
        KB:'$size'(Size, Layers, _),
        functor(Truths, truths, Size),
        functor(Numbers, numbers, Size),
        functor(Observed, observed, Layers),
        graph(KB, Graph),
        About = about(KB, Image, Values, Truths, Numbers, Observed, Graph)
    ;   About = none()
    ).

%!  decided(+About, -Winner) is det.
%
%   Winner is won(Class, Clause), default(Class), most(Class, Score, Second)
%   or none.  Score is a node; Second is `none` or the Class-Score after it.

decided(About, Winner) :-
    truth(1, About, Winner).

%!  winning(+Winner, -Class) is semidet.

winning(won(Class, _), Class).
winning(default(Class), Class).
winning(most(Class, _, _), Class).

%!  truth(+Id, +About, -Truth) is det.
%
%   Truth of a node is `no`, or `yes`, or the clause that makes it true; of
%   a score, the integer; of the winner, 1, as decided/2.

truth(Id, About, Truth) :-
    arg(4, About, Truths),
    arg(Id, Truths, Truth),
    (   nonvar(Truth)
    ->  true
    ;   spec(Id, About, Spec),
        decide(Spec, About, Truth)
    ).

%!  spec(+Id, +About, -Spec) is det.
%
%   Spec is what decides a node; see graph.pl.

spec(Id, About, Spec) :-
    arg(7, About, Graph),
    arg(Id, Graph, Node),
    arg(1, Node, Spec).

decide(active(Index, Layer, Threshold, Clauses), About, Truth) =>
    (   observed_value(Index, Layer, About, Value)
    ->  (   number(Value),
            Value > Threshold
        ->  Truth = yes
        ;   Truth = no
        )
    ;   first_true(Clauses, About, Truth)
    ).
decide(clause(Body), About, Truth) =>
    all_true(Body, About, Truth).
decide(not(Id), About, Truth) =>
    truth(Id, About, Inner),
    (   Inner == no
    ->  Truth = yes
    ;   Truth = no
    ).
decide(any(Clauses), About, Truth) =>
    first_true(Clauses, About, Truth).
decide(at_least(Needed, Ids), About, Truth) =>
    true_count(Ids, About, Holding),
    (   Holding >= Needed
    ->  Truth = yes
    ;   Truth = no
    ).
decide(winner(_, Candidates, Default), About, Winner) =>
    first_winner(Candidates, Default, About, Winner).
decide(points(Order), About, Winner) =>
    first_most(Order, About, Winner).
decide(score(Base, Lines), About, Total) =>
    total(Lines, About, Base, Total).
decide(decision(Class, _), About, Truth) =>
    truth(1, About, Winner),
    (   winning(Winner, Class)
    ->  Truth = yes
    ;   Truth = no
    ).
decide(decision(_), _, Truth) =>
    Truth = no.
decide(default(_), _, Truth) =>
    Truth = yes.

%!  observed_value(+Index, +Layer, +About, -Value) is semidet.
%
%   Layer was observed; Value is `none` where this one of its values is
%   missing.

observed_value(Index, Layer, About, Value) :-
    Index > 0,
    arg(3, About, Values),
    arg(Index, Values, Value),
    (   number(Value)
    ->  true
    ;   arg(6, About, Observed),
        arg(Layer, Observed, Whether),
        (   nonvar(Whether)
        ->  true
        ;   arg(1, About, KB),
            KB:'$layer'(Layer, Indexes),
            (   member(Other, Indexes),
                arg(Other, Values, OtherValue),
                number(OtherValue)
            ->  Whether = yes
            ;   Whether = no
            )
        ),
        Whether == yes
    ).

first_true([], _, Truth) =>
    Truth = no.
first_true([Clause|Clauses], About, Truth) =>
    truth(Clause, About, Holds),
    (   Holds == no
    ->  first_true(Clauses, About, Truth)
    ;   Truth = Clause
    ).

all_true([], _, Truth) =>
    Truth = yes.
all_true([Id|Ids], About, Truth) =>
    truth(Id, About, Holds),
    (   Holds == no
    ->  Truth = no
    ;   all_true(Ids, About, Truth)
    ).

%!  true_count(+Ids, +About, -Count) is det.

true_count(Ids, About, Count) :-
    true_count(Ids, About, 0, Count).

true_count([], _, Count0, Count) =>
    Count = Count0.
true_count([Id|Ids], About, Count0, Count) =>
    truth(Id, About, Holds),
    (   Holds == no
    ->  true_count(Ids, About, Count0, Count)
    ;   Count1 is Count0 + 1,
        true_count(Ids, About, Count1, Count)
    ).

first_winner([], Default, _, Winner) =>
    Winner = Default.
first_winner([Clause-Class|Candidates], Default, About, Winner) =>
    truth(Clause, About, Holds),
    (   Holds == no
    ->  first_winner(Candidates, Default, About, Winner)
    ;   Winner = won(Class, Clause)
    ).

%   Of equal scores the first is best, and the next is second.

first_most([], _, Winner) =>
    Winner = none.
first_most([Class-Score|Order], About, Winner) =>
    truth(Score, About, Total),
    first_most(Order, About, Class, Score, Total, none, 0, Winner).

first_most([], _, Class, Score, _, Second, _, Winner) =>
    Winner = most(Class, Score, Second).
first_most([Class-Score|Order], About, Class0, Score0, Total0, Second0, Less0, Winner) =>
    truth(Score, About, Total),
    (   Total > Total0
    ->  first_most(Order, About, Class, Score, Total, Class0-Score0, Total0, Winner)
    ;   (   Second0 == none
        ;   Total > Less0
        )
    ->  first_most(Order, About, Class0, Score0, Total0, Class-Score, Total, Winner)
    ;   first_most(Order, About, Class0, Score0, Total0, Second0, Less0, Winner)
    ).

total([], _, Total0, Total) =>
    Total = Total0.
total([Points-Clause|Lines], About, Total0, Total) =>
    truth(Clause, About, Holds),
    (   Holds == no
    ->  total(Lines, About, Total0, Total)
    ;   Total1 is Total0 + Points,
        total(Lines, About, Total1, Total)
    ).
