:- module(proofsight_expansion,
          [ expand_node/5                    % +Id, +About, -Status, -How, -Ids
          ]).
:- use_module(numbering, [known/4]).
:- use_module(truth,
              [observed_value/4, spec/3, true_count/3, truth/3, winning/2]).

:- det(expand_node/5).

/** <module> What a node of the graph rests on
*/

%!  expand_node(+Id, +About, -Status, -How, -Ids) is det.
%
%   Status, How and the children Ids of the node Id, as in proof.pl.  Of a
%   score, How is score(Points, Base, Against): Against is
%   ahead(Second, Margin) of the class that won, behind(Winner, Margin) of
%   another, or none where there is but one class.

expand_node(Id, About, Status, How, Ids) :-
    truth(Id, About, Truth),
    spec(Id, About, Spec),
    (   Spec = score(Base, Lines)
    ->  Status = 'PROVED',
        How = score(Truth, Base, Against),
        against(Id, Truth, About, Against),
        lines(Against, Id, Lines, About, Ids)
    ;   expand_spec(Spec, Truth, About, Status, How, Ids)
    ).

%   expand_spec(+Spec, +Truth, +About, -Status, -How, -Ids)

expand_spec(active(Index, Layer, _, Clauses), Truth, About, Status, How, Ids) =>
    (   observed_value(Index, Layer, About, Value)
    ->  Ids = [],
        (   number(Value)
        ->  How = value(Value)
        ;   How = none
        ),
        (   Truth == yes
        ->  Status = 'FACT'
        ;   Status = 'ABSENT'
        )
    ;   expand_spec(any(Clauses), Truth, About, Status, How, Ids)
    ).
expand_spec(any(Clauses), Truth, About, Status, How, Ids) =>
    (   Truth == no
    ->  Status = 'ABSENT',
        How = none,
        Ids = Clauses
    ;   Status = 'PROVED',
        How = rule(Truth),
        spec(Truth, About, clause(Ids))
    ).
expand_spec(clause(Body), Truth, About, Status, How, Ids) =>
    How = none,
    (   Truth == no
    ->  Status = 'ABSENT',
        untrue(Body, About, Ids)
    ;   Status = 'PROVED',
        Ids = Body
    ).
expand_spec(not(Inner), Truth, _, Status, How, Ids) =>
    How = none,
    Ids = [Inner],
    proved(Truth, Status).
expand_spec(at_least(Needed, Ids0), Truth, About, Status, How, Ids) =>
    Ids = Ids0,
    proved(Truth, Status),
    true_count(Ids, About, Holding),
    length(Ids, Total),
    How = count(Needed, Holding, Total).
expand_spec(decision(Class, Ground), Truth, About, Status, How, Ids) =>
    How = none,
    proved(Truth, Status),
    arg(1, About, KB),
    truth(1, About, Winner),
    (   Truth == yes
    ->  grounds(Winner, Ground, About, Ids)
    ;   winning(Winner, Other),
        Other \== Class
    ->  known(KB, Other, decision, Decided),
        Ids = [Ground, Decided]
    ;   Ids = [Ground]
    ).
expand_spec(decision(ClassNodes), _, _, Status, How, Ids) =>
    Status = 'ABSENT',
    How = none,
    Ids = ClassNodes.
expand_spec(default(ClassNodes), _, _, Status, How, Ids) =>
    Status = 'FACT',
    How = none,
    Ids = ClassNodes.

proved(no, Status) =>
    Status = 'ABSENT'.
proved(_, Status) =>
    Status = 'PROVED'.

%   What a decision rests on: the class, by the clause that decided, and,
%   where clauses are tried in an order of their own, that those tried
%   before it do not fire.

grounds(default(_), _, About, Ids) =>
    arg(1, About, KB),
    known(KB, none(), default, Default),
    Ids = [Default].
grounds(most(_, Score, Second), _, _, Ids) =>
    (   Second = _-Next
    ->  Ids = [Score, Next]
    ;   Ids = [Score]
    ).
grounds(won(_, Clause), ClassNode, About, Ids) =>
    spec(1, About, winner(Order, Candidates, _)),
    (   Order == classes
    ->  Before = []
    ;   before(Candidates, Clause, Before)
    ),
    truth(ClassNode, About, First),
    (   First == Clause
    ->  Ids = [ClassNode|Before]
    ;   Ids = [ClassNode, Clause|Before]
    ).

before([Other-_|Candidates], Clause, Before) :-
    (   Other == Clause
    ->  Before = []
    ;   Before = [Other|Before1],
        before(Candidates, Clause, Before1)
    ).

untrue([], _, Untrue) =>
    Untrue = [].
untrue([Id|Ids], About, Untrue) =>
    truth(Id, About, Truth),
    (   Truth == no
    ->  Untrue = [Id|Untrue1],
        untrue(Ids, About, Untrue1)
    ;   untrue(Ids, About, Untrue)
    ).

%   Scores.

against(Id, Points, About, Against) :-
    truth(1, About, Winner),
    Winner = most(Class, Most, Second),
    (   Id =\= Most
    ->  truth(Most, About, Greatest),
        Margin is Greatest - Points,
        Against = behind(Class, Margin)
    ;   Second = Other-Next
    ->  truth(Next, About, Less),
        Margin is Points - Less,
        Against = ahead(Other, Margin)
    ;   Against = none
    ).

%   The lines that hold; where it is asked why not this class, also the others.

lines(Against, Score, Lines, About, Ids) :-
    (   Against = behind(_, _),
        asked_why_not(Score, About)
    ->  held(Lines, About, Ids, Others),
        others(Lines, About, Others)
    ;   held(Lines, About, Ids, [])
    ).

asked_why_not(Score, about(KB, _, _, _, Given, _, _)) :-
    KB:'$goal'(Score, _, _, score(_, Class, _), _),
    known(KB, Class, decision, Decision),
    arg(Decision, Given, Number),
    nonvar(Number).

held([], _, Ids, Tail) =>
    Ids = Tail.
held([_-Id|Lines], About, Ids, Tail) =>
    truth(Id, About, Truth),
    (   Truth == no
    ->  held(Lines, About, Ids, Tail)
    ;   Ids = [Id|Ids1],
        held(Lines, About, Ids1, Tail)
    ).

others([], _, Ids) =>
    Ids = [].
others([_-Id|Lines], About, Ids) =>
    truth(Id, About, Truth),
    (   Truth == no
    ->  Ids = [Id|Ids1],
        others(Lines, About, Ids1)
    ;   others(Lines, About, Ids)
    ).
