:- module(without_autoload, []).
:- set_prolog_flag(autoload, false).
:- use_module('../../prolog/proofsight/service').

:- initialization(main, main).

/** <module> A worker's calls where nothing is autoloaded

A library that is loaded on demand would be loaded from a goal's own
inferences, and half of it where these run out.
*/

:- dynamic here/1.
:- prolog_load_context(directory, Directory),
   assertz(here(Directory)).

main :-
    here(Here),
    atomic_list_concat([Here, revisions, street], /, Directory),
    service_load(Directory, [], KB, _),
    Facts = facts(img, values(0.1, 0.5, 3.0, 3.0, 0.3, -1.0, 0.75), [street-0.9]),
    forall(question(Question),
           ( service_explain(KB, Facts, Question, [], Why),
             clean(Why)
           )),
    forall(goal(Goal),
           ( service_query(KB, Facts, Goal, [proofs(true)], clean, Answer),
             clean(Answer)
           )).

clean(Answer) :-
    (   sub_string(Answer, _, _, _, "existence_error")
    ->  format('~s~n', [Answer]),
        halt(1)
    ;   true
    ).

question(decision).
question(class("street")).
question(class("nonsense")).
question(goal(Goal)) :-
    goal(Goal).

goal("vehicle(Image)").
goal("quiet(Image)").
goal("busy(Image, N)").
goal("sure(Image)").
goal("reach(X, Y)").
goal("odd(Image)").
goal("nonsense(Image)").
goal("f(").
goal("halt").
goal("maplist(f, [a])").
goal("between(1, inf, X), X < 0").
goal("length(L, 1000000000)").
goal("X is a + 1").
goal("append(X, [A], [1, 2]), last([1], B), list_to_set([a, a], S), nth0(0, [a], C), select(a, [a], D)").
goal("sum_list([1], A), max_list([1], B), min_list([1], C), max_member(D, [1]), min_member(E, [1])").
goal("subtract([a], [b], A), intersection([a], [a], B), union([a], [b], C), delete([a], b, D), numlist(1, 3, E)").
goal("pairs_keys_values(P, [a], [b]), pairs_keys(P, K), pairs_values(P, V), append([[a]], L), reverse(L, R), nth1(1, L, X)").
goal("aggregate_all(sum(V), value(Image, P, V), S), aggregate_all(max(V1-P1), value(Image, P1, V1), M)").
goal("aggregate_all(bag(V), value(Image, P, V), S), aggregate_all(set(V1), value(Image, P1, V1), M)").
goal("aggregate_all(count, value(Image, P, V), S), aggregate_all(min(V1, P1), value(Image, P1, V1), M)").
goal("atom_number('1', N), atom_chars(abc, Cs), atom_codes(X, Cs), char_code(C, 65), upcase_atom(a, U), downcase_atom('A', D)").
goal("msort([b, a], L), sort(0, @>=, L, M), keysort([a-1], K), succ(X, 4), plus(1, 2, Y), copy_term(f(Z), T)").
