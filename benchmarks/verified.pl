:- use_module('../prolog/proofsight').
:- use_module(library(aggregate), [aggregate_all/3]).

:- initialization(main, main).

%   swipl verified.pl DIRECTORY: for each question its name, the milliseconds
%   that it took first and again, and what it found.

main([Directory]) :-
    statistics(walltime, [T0, _]),
    knowledge_base(Directory),
    statistics(walltime, [T1, _]),
    Load is T1 - T0,
    format("load ~w ~w 1~n", [Load, Load]),
    forall(question(Name, Goal), asked(Name, Goal)).

question(verified, verified(net, image, cat)).
question(altered, \+ verified(altered, image, cat)).
question(score, score(net, image, cat, 1023, _)).
question(entails, entails(net, image, cat, 4095)).
question(sufficient, aggregate_all(count, sufficient(net, image, cat, _), _)).
question(proof, ( proof(verified(net, image, cat), Proof), nonvar(Proof) )).

asked(Name, Goal) :-
    timed(Goal, First, Found),
    timed(Goal, Again, Found),
    format("~w ~3f ~3f ~w~n", [Name, First, Again, Found]).

timed(Goal, Milliseconds, Found) :-
    statistics(process_cputime, Before),
    (   \+ \+ call(user:Goal)
    ->  Found = 1
    ;   Found = 0
    ),
    statistics(process_cputime, After),
    Milliseconds is (After - Before) * 1000.
