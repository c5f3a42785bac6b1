:- module(proofsight_safety,
          [ safe_goal/3                 % +Goal, +Position, +Scope
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(allowed, [pure/2, vocabulary/2]).
:- use_module(source, [argument/3, elements/2, start/2]).

:- det(safe_goal/3).

/** <module> Which goals may run

A goal, or the body of a clause of `user.pl`, is walked before it runs.
It may call the vocabulary of a revision, the predicates of its
`user.pl`, and the pure built-ins of allowed.pl; nothing that changes
state, reads or writes, catches errors, names a module, or is not known
when it is walked.
*/

%!  safe_goal(+Goal, +Position, +Scope) is det.
%
%   Goal, which stands at Position, may run.  Scope is scope(Predicates,
%   Propositions, Classes): the Name/Arity of `user.pl`, and the names that
%   active/2, value/3, class/2, decision/2, score/3 and points/3 may bear.
%
%   @throws refused(Code, Slots, Offset); Code is unsafe_goal,
%   undeclared_predicate, undeclared_proposition or unknown_class.

safe_goal(Goal, Position, _), var(Goal) =>
    unsafe("a variable as a goal", Position).
safe_goal(_:_, Position, _) =>
    unsafe("a goal in another module", Position).
safe_goal((A, B), Position, Scope) =>
    both(A, B, Position, Scope).
safe_goal((A ; B), Position, Scope) =>
    both(A, B, Position, Scope).
safe_goal((A -> B), Position, Scope) =>
    both(A, B, Position, Scope).
safe_goal((A *-> B), Position, Scope) =>
    both(A, B, Position, Scope).
safe_goal(forall(A, B), Position, Scope) =>
    both(A, B, Position, Scope).
safe_goal(\+ A, Position, Scope) =>
    inner(1, A, Position, Scope).
safe_goal(once(A), Position, Scope) =>
    inner(1, A, Position, Scope).
safe_goal(ignore(A), Position, Scope) =>
    inner(1, A, Position, Scope).
safe_goal(findall(_, A, _), Position, Scope) =>
    inner(2, A, Position, Scope).
safe_goal(findall(_, A, _, _), Position, Scope) =>
    inner(2, A, Position, Scope).
safe_goal(aggregate_all(Aggregate, A, _), Position, Scope) =>
    (   aggregate(Aggregate)
    ->  inner(2, A, Position, Scope)
    ;   unsafe("aggregate_all/3 with an unknown aggregate", Position)
    ).
safe_goal(at_least(_, Goals), Position, Scope) =>
    argument(2, Position, ListPosition),
    elements(ListPosition, Positions),
    (   is_list(Goals)
    ->  safe_goals(Goals, Positions, ListPosition, Scope)
    ;   unsafe("at_least/2 without its list of goals", Position)
    ).
safe_goal(Goal, Position, Scope), compound(Goal), functor(Goal, call, _) =>
    Goal =.. [call, Closure|Extra],
    (   callable(Closure),
        Closure \= _:_
    ->  Closure =.. List0,
        append(List0, Extra, List),
        Called =.. List,
        inner(1, Called, Position, Scope)
    ;   unsafe("call/N of a goal that is not known beforehand", Position)
    ).
safe_goal(Goal, Position, Scope), callable(Goal) =>
    functor(Goal, Name, Arity),
    (   pure(Name, Arity)
    ->  true
    ;   vocabulary(Name, Arity)
    ->  names(Goal, Position, Scope)
    ;   arg(1, Scope, Predicates),
        memberchk(Name/Arity, Predicates)
    ->  true
    ;   foreign(Goal)
    ->  format(string(Indicator), '~q', [Name/Arity]),
        unsafe(Indicator, Position)
    ;   undeclared(Name/Arity, Position, Scope)
    ).
safe_goal(Goal, Position, _) =>
    format(string(Text), '~W', [Goal, [quoted(true), max_depth(12)]]),
    unsafe(Text, Position).

both(A, B, Position, Scope) :-
    inner(1, A, Position, Scope),
    inner(2, B, Position, Scope).

inner(N, Goal, Position, Scope) :-
    argument(N, Position, Inner),
    safe_goal(Goal, Inner, Scope).

safe_goals([], _, _, _) =>
    true.
safe_goals([Goal|Goals], [Position|Positions], Whole, Scope) =>
    safe_goal(Goal, Position, Scope),
    safe_goals(Goals, Positions, Whole, Scope).
safe_goals([Goal|Goals], [], Whole, Scope) =>
    safe_goal(Goal, Whole, Scope),
    safe_goals(Goals, [], Whole, Scope).

aggregate(Aggregate) :-
    nonvar(Aggregate),
    memberchk(Aggregate, [ count, sum(_), max(_), min(_), max(_, _), min(_, _),
                           bag(_), set(_)
                         ]).

%   Known to Prolog, but not to us.

foreign(Goal) :-
    predicate_property(system:Goal, defined),
    !.
foreign(Goal) :-
    predicate_property(proofsight_safety:Goal, autoload(_)),
    !.
foreign(!).

names(Goal, Position, scope(_, Propositions, Classes)) :-
    (   mentions(Goal, N, Name, Kind),
        atom(Name),
        known(Kind, Propositions, Classes, Known),
        \+ memberchk(Name, Known)
    ->  argument(N, Position, At),
        start(At, Offset),
        throw(refused(Kind, [name=Name, nearest=near(Name, Known)], Offset))
    ;   true
    ).

mentions(active(_, Name), 2, Name, undeclared_proposition).
mentions(derived(_, Name), 2, Name, undeclared_proposition).
mentions(value(_, Name, _), 2, Name, undeclared_proposition).
mentions(class(_, Name), 2, Name, unknown_class).
mentions(decision(_, Name), 2, Name, unknown_class).
mentions(score(_, Name, _), 2, Name, unknown_class).
mentions(points(_, Name, _), 2, Name, unknown_class).
mentions(base_points(Name, _), 1, Name, unknown_class).

known(undeclared_proposition, Propositions, _, Propositions).
known(unknown_class, _, Classes, Classes).

unsafe(What, Position) :-
    start(Position, Offset),
    throw(refused(unsafe_goal, [goal=What], Offset)).

undeclared(Indicator, Position, scope(Predicates, _, _)) :-
    findall(Text,
            ( ( member(Known, Predicates) ; callable_name(Known) ),
              format(atom(Text), '~q', [Known])
            ),
            Texts),
    format(atom(Missing), '~q', [Indicator]),
    start(Position, Offset),
    throw(refused(undeclared_predicate,
                  [ name=Missing, nearest=near(Missing, Texts),
                    user=offer(of_user, Predicates)
                  ],
                  Offset)).

callable_name(Name/Arity) :-
    vocabulary(Name, Arity).
callable_name(Name/Arity) :-
    pure(Name, Arity).
