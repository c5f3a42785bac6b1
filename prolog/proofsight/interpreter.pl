:- module(proofsight_interpreter,
          [ answer/6,                   % +KB, +Goal, +Most, -Status, -How, -Children
            goal_kind/3                 % +KB, +Goal, -Kind
          ]).
:- use_module(library(apply), [foldl/4, include/3]).
:- use_module(library(lists), [append/3, member/2, reverse/2]).
:- use_module(clauses, [conjuncts/2]).
:- use_module(interaction_proof, [interaction_answer/4]).

:- det(answer/6).
:- det(goal_kind/3).

/** <module> Why a goal of a person's own holds or fails

A goal has been found safe and has run before it comes here.  It is taken
apart one step at a time: it is run again to see how it ends, and the
goals beneath it are those of the clause that proved it, or those that
made each clause fail.  Variables are existential.
*/

%!  answer(+KB, +Goal, +Most, -Status, -How, -Children) is det.
%
%   Status of Goal in KB is PROVED, FACT or ABSENT, How is clause(Text) or
%   count(Needed, Holding, Total) or none, and Children are goals: Prolog
%   goals, or refuted(Clause, Head).  Of a goal that fails for many
%   bindings, up to Most are children.

answer(KB, refuted(Clause, Head), Most, Status, How, Children) =>
    Status = 'ABSENT',
    place(KB, Clause, How),
    copy_term(Head, Copy),
    clause(KB:Copy, Body, Clause),
    conjuncts(Body, Goals),
    failing(KB, Goals, Most, Children).
answer(KB, (A, B), Most, Status, How, Children) =>
    How = none,
    copy_term((A, B), Copy),
    (   call(KB:Copy)
    ->  Status = 'PROVED',
        conjuncts(Copy, Children)
    ;   Status = 'ABSENT',
        conjuncts((A, B), Goals),
        failing(KB, Goals, Most, Children)
    ).
answer(KB, (If -> Then ; Else), _, Status, How, Children) =>
    How = none,
    (   call(KB:If)
    ->  branch(KB, Then, [If], Status, Children)
    ;   branch(KB, Else, [\+ If], Status, Children)
    ).
answer(KB, (If *-> Then ; Else), Most, Status, How, Children) =>
    (   \+ call(KB:If)
    ->  How = none,
        branch(KB, Else, [\+ If], Status, Children)
    ;   answer(KB, (If, Then), Most, Status, How, Children)
    ).
answer(KB, (A ; B), _, Status, How, Children) =>
    How = none,
    (   call(KB:A)
    ->  Status = 'PROVED',
        conjuncts(A, Children)
    ;   call(KB:B)
    ->  Status = 'PROVED',
        conjuncts(B, Children)
    ;   Status = 'ABSENT',
        Children = [A, B]
    ).
answer(KB, (If -> Then), Most, Status, How, Children) =>
    answer(KB, (If -> Then ; fail), Most, Status, How, Children).
answer(KB, (If *-> Then), Most, Status, How, Children) =>
    answer(KB, (If, Then), Most, Status, How, Children).
answer(KB, \+ Goal, _, Status, How, Children) =>
    How = none,
    Children = [Goal],
    (   call(KB:Goal)
    ->  Status = 'ABSENT'
    ;   Status = 'PROVED'
    ).
answer(KB, once(Goal), _, Status, How, Children) =>
    How = none,
    branch(KB, Goal, [], Status, Children).
answer(KB, ignore(Goal), _, Status, How, Children) =>
    How = none,
    (   call(KB:Goal)
    ->  Status = 'PROVED',
        conjuncts(Goal, Children)
    ;   Status = 'FACT',
        Children = []
    ).
answer(KB, at_least(Needed, Goals), _, Status, How, Children), is_list(Goals) =>
    How = count(Needed, Holding, Total),
    Children = Goals,
    length(Goals, Total),
    include(holds(KB), Goals, Held),
    length(Held, Holding),
    (   Holding >= Needed
    ->  Status = 'PROVED'
    ;   Status = 'ABSENT'
    ).
answer(KB, class(Image, Class), _, Status, How, Children), var(Class) =>
    some_class(KB, class(Image, Class), Image, Status, How, Children).
answer(KB, decision(Image, Class), _, Status, How, Children), var(Class) =>
    some_class(KB, decision(Image, Class), Image, Status, How, Children).
answer(KB, score(Image, Class, Points), _, Status, How, Children),
  atom(Image), \+ ( atom(Class), var(Points) ) =>
    How = none,
    (   call(KB:score(Image, Class, Points))
    ->  Status = 'PROVED',
        Children = [score(Image, Class, Points)]
    ;   Status = 'ABSENT',
        findall(score(Image, Class, _), KB:'$base'(Class, _), Children)
    ).
answer(KB, Goal, _, Status, How, Children), compound(Goal), functor(Goal, call, _) =>
    How = none,
    Goal =.. [call, Closure|Extra],
    Closure =.. List0,
    append(List0, Extra, List),
    Called =.. List,
    branch(KB, Called, [], Status, Children).
answer(KB, Goal, _, Status, How, Children) =>
    functor(Goal, Name, Arity),
    (   KB:'$user'(Name, Arity)
    ->  user_answer(KB, Goal, Status, How, Children)
    ;   interaction_answer(KB, Goal, Status0, Children0)
    ->  How = none,
        Status = Status0,
        Children = Children0
    ;   How = none,
        Children = [],
        (   call(KB:Goal)
        ->  Status = 'FACT'
        ;   Status = 'ABSENT'
        )
    ).

some_class(KB, Goal, Image, Status, How, Children) :-
    How = none,
    (   call(KB:Goal)
    ->  Status = 'PROVED',
        Children = [Goal]
    ;   Status = 'ABSENT',
        findall(class(Image, Class), KB:'$named'(Class, class, _), Children)
    ).

user_answer(KB, Goal, Status, How, Children) :-
    copy_term(Goal, Copy),
    (   clause(KB:Copy, Body, Clause),
        call(KB:Body)
    ->  (   Body == true
        ->  Status = 'FACT'
        ;   Status = 'PROVED'
        ),
        place(KB, Clause, How),
        conjuncts(Body, Children)
    ;   Status = 'ABSENT',
        How = none,
        findall(refuted(Clause, Goal), clause(KB:Goal, _, Clause), Children)
    ).

place(KB, Clause, clause(Place)) :-
    KB:'$place'(Clause, Place).

%   Branch, after Conditions, decides.

branch(KB, Branch, Conditions, Status, Children) :-
    (   call(KB:Branch)
    ->  Status = 'PROVED',
        conjuncts(Branch, Goals),
        append(Conditions, Goals, Children)
    ;   Status = 'ABSENT',
        Children = [Branch]
    ).

holds(KB, Goal) :-
    \+ \+ call(KB:Goal).

%   The first goal that fails after every answer of those before it, with
%   the bindings of these answers.

failing(KB, Goals, Most, Children) :-
    append(Before, [Goal|_], Goals),
    append(Before, [Goal], Tried),
    \+ called(Tried, KB),
    !,
    findnsols(Most, Goal, called(Before, KB), Instances),
    !,
    foldl(unless_variant, Instances, [], Reversed),
    reverse(Reversed, Children).

called([], _).
called([Goal|Goals], KB) :-
    call(KB:Goal),
    called(Goals, KB).

unless_variant(Goal, Goals, [Goal|Goals]) :-
    \+ ( member(Other, Goals), Other =@= Goal ),
    !.
unless_variant(_, Goals, Goals).

%!  goal_kind(+KB, +Goal, -Kind) is det.
%
%   Kind is user, rule, not, at_least or builtin.

goal_kind(_, refuted(_, _), Kind) =>
    Kind = rule.
goal_kind(_, \+ _, Kind) =>
    Kind = not.
goal_kind(_, at_least(_, _), Kind) =>
    Kind = at_least.
goal_kind(KB, Goal, Kind) =>
    functor(Goal, Name, Arity),
    (   KB:'$user'(Name, Arity)
    ->  Kind = user
    ;   Kind = builtin
    ).
