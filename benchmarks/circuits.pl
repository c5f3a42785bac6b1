:- module(benchmark_circuits, []).
:- use_module(library(lists), [member/2]).
:- use_module(library(main), [main/0]).
:- use_module('../prolog/proofsight/service').
:- use_module('../prolog/proofsight/vocabulary', []).

:- initialization(main, main).

/** <module> How fast circuits are loaded and asked

    swipl benchmarks/circuits.pl DIRECTORY Layer Channel Source I

loads the revision in DIRECTORY, which has one circuit c1 that ends at
Layer-Channel, and asks about it.  Prints `NAME FIRST AGAIN`, milliseconds
of a question asked the first time, when SWI-Prolog makes the index for it,
and of the mean of the next ones; of loading, FIRST alone.
*/

main([Directory, Layer, Channel0, Source, I0]) :-
    atom_number(Channel0, Channel),
    atom_number(I0, I),
    timed(service_load(Directory, [], KB, Answer), Load),
    (   KB == none()
    ->  format(user_error, '~s~n', [Answer]),
        halt(1)
    ;   format('load ~3f ~3f~n', [Load, Load])
    ),
    forall(question(Name, Layer-Channel, Source-I, Times, Goal),
           ( asked(KB:Goal, First),
             timed(forall(between(1, Times, _), findall(x, KB:Goal, _)), All),
             Mean is All / Times,
             format('~w ~4f ~4f~n', [Name, First, Mean])
           )).

question(feeds_channel, _, S-I, 1000, kernel(c1, S, I, _, _, _, _, _)).
question(fed_by_channel, _, S-I, 1000, edge(c1, S, I, _, _)).
question(feeds_kernel, _, S-I, 100, feeds(c1, _, kernel(S, I, _, _))).
question(ancestors, L-O, _, 3, ancestors(c1, L, O, _)).
question(strongest_path, L-O, _, 3, strongest_path(c1, image, 0, L, O, _)).
question(avoids, L-O, S-I, 3, avoids(c1, L, O, S-I)).
question(bottlenecks, _, _, 3, bottleneck(c1, _)).

:- meta_predicate
    timed(0, -),
    asked(0, -).

timed(Goal, Milliseconds) :-
    statistics(cputime, Before),
    once(Goal),
    statistics(cputime, After),
    Milliseconds is (After - Before) * 1000.

asked(Goal, Milliseconds) :-
    timed(findall(x, Goal, _), Milliseconds).
