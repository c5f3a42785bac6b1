:- module(run_tests, []).
:- use_module(library(filesex), [directory_member/3]).
:- use_module(library(lists), [member/2]).
:- use_module(library(plunit), [run_tests/0]).

:- initialization(main, main).

/** <module> Runs the Prolog tests

    swipl tests/prolog/run.pl [--rewrite]

Exits with 1 where a test fails.  With --rewrite the golden proofs are
written anew instead of compared.
*/

:- create_prolog_flag(rewrite_golden, false, [type(boolean)]).
:- set_prolog_flag(verbose, silent).
:- set_prolog_flag(stack_limit, 256_000_000).

:- dynamic here/1.
:- prolog_load_context(directory, Directory),
   assertz(here(Directory)).

main :-
    current_prolog_flag(argv, Arguments),
    (   memberchk('--rewrite', Arguments)
    ->  set_prolog_flag(rewrite_golden, true)
    ;   true
    ),
    here(Here),
    findall(File,
            directory_member(Here, File, [matches('test_*.pl')]),
            Files0),
    msort(Files0, Files),
    forall(member(File, Files), load_files(user:File, [])),
    (   run_tests
    ->  format('prolog tests: all passed~n')
    ;   format('prolog tests: some FAILED~n'),
        halt(1)
    ).
