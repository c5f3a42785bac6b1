:- module(proofsight_safety,
          [ safe_goal/3,                % +Goal, +Position, +Scope
            vocabulary/2,               % ?Name, ?Arity
            pure/2,                     % ?Name, ?Arity
            meta/2,                     % ?Name, ?Arity
            reserved/1                  % +Head
          ]).
:- use_module(library(lists), [append/3, member/2]).
:- use_module(annex_words, [annex_word/2]).
:- use_module(source, [argument/3, elements/2, start/2]).

:- det(safe_goal/3).

/** <module> Which goals may run

A goal, or the body of a clause of `user.pl`, is walked before it runs.
It may call the vocabulary of a revision, the predicates of its
`user.pl`, and the pure built-ins below; nothing that changes state,
reads or writes, catches errors, names a module, or is not known when it
is walked.  Text built-ins that can double their output are left out:
they outgrow a process before any limit looks up.
*/

%!  vocabulary(?Name, ?Arity) is nondet.
%
%   The predicates that every revision has.

vocabulary(class, 2).
vocabulary(decision, 2).
vocabulary(score, 3).
vocabulary(points, 3).
vocabulary(active, 2).
vocabulary(derived, 2).
vocabulary(ab, 2).
vocabulary(rule, 2).
vocabulary(value, 3).
vocabulary(measured, 3).
vocabulary(predicted, 3).
vocabulary(label, 3).
vocabulary(proposition, 3).
vocabulary(layer, 4).
vocabulary(reads, 2).
vocabulary(rule_stats, 2).
vocabulary(policy, 1).
vocabulary(default_class, 1).
vocabulary(base_points, 2).
vocabulary(class_order, 1).
vocabulary(Name, Arity) :-
    annex_word(Name, Arity).

%!  pure(?Name, ?Arity) is nondet.
%
%   Built-ins without side effects and without goals among their arguments.

pure(true, 0).                          % control
pure(fail, 0).
pure(false, 0).
pure(=, 2).                             % unification and comparison
pure(\=, 2).
pure(==, 2).
pure(\==, 2).
pure(@<, 2).
pure(@=<, 2).
pure(@>, 2).
pure(@>=, 2).
pure(compare, 3).
pure(is, 2).                            % arithmetic
pure(=:=, 2).
pure(=\=, 2).
pure(<, 2).
pure(=<, 2).
pure(>, 2).
pure(>=, 2).
pure(succ, 2).
pure(plus, 3).
pure(between, 3).
pure(var, 1).                           % types
pure(nonvar, 1).
pure(atom, 1).
pure(number, 1).
pure(integer, 1).
pure(float, 1).
pure(atomic, 1).
pure(compound, 1).
pure(callable, 1).
pure(is_list, 1).
pure(string, 1).
pure(ground, 1).
pure(functor, 3).                       % terms
pure(arg, 3).
pure(=.., 2).
pure(copy_term, 2).
pure(length, 2).                        % lists
pure(member, 2).
pure(memberchk, 2).
pure(append, 2).
pure(append, 3).
pure(reverse, 2).
pure(nth0, 3).
pure(nth1, 3).
pure(last, 2).
pure(select, 3).
pure(subtract, 3).
pure(intersection, 3).
pure(union, 3).
pure(delete, 3).
pure(list_to_set, 2).
pure(sort, 2).
pure(sort, 4).
pure(msort, 2).
pure(keysort, 2).
pure(pairs_keys_values, 3).
pure(pairs_keys, 2).
pure(pairs_values, 2).
pure(sum_list, 2).
pure(max_list, 2).
pure(min_list, 2).
pure(max_member, 2).
pure(min_member, 2).
pure(numlist, 3).
pure(atom_length, 2).                   % text, never longer than what came in
pure(atom_chars, 2).
pure(atom_codes, 2).
pure(atom_number, 2).
pure(char_code, 2).
pure(sub_atom, 5).
pure(upcase_atom, 2).
pure(downcase_atom, 2).

%!  meta(?Name, ?Arity) is nondet.
%
%   Built-ins whose arguments are goals, which are walked in their turn.

meta(',', 2).
meta(;, 2).
meta(->, 2).
meta(*->, 2).
meta(\+, 1).
meta(once, 1).
meta(ignore, 1).
meta(forall, 2).
meta(findall, 3).
meta(findall, 4).
meta(aggregate_all, 3).
meta(at_least, 2).
meta(call, Arity) :- between(1, 8, Arity).

%!  reserved(+Head) is semidet.
%
%   Head names a predicate that `user.pl` may not define.

reserved(Head) :-
    functor(Head, Name, Arity),
    (   vocabulary(Name, Arity)
    ;   pure(Name, Arity)
    ;   meta(Name, Arity)
    ;   predicate_property(system:Head, defined)
    ;   sub_atom(Name, 0, _, _, $)
    ),
    !.

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
