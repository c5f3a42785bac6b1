:- module(benchmark_proof, []).
:- use_module(library(apply), [foldl/4, maplist/2]).
:- use_module(library(filesex), [delete_directory_and_contents/1, directory_file_path/3]).
:- use_module(library(lists), [append/3, member/2, min_list/2, nth0/3, sum_list/2]).
:- use_module(library(main), [argv_options/3, main/0]).
:- use_module(library(random), [random/1, random_between/3, random_member/2]).
:- use_module('../prolog/proofsight/service').
:- use_module('../prolog/proofsight/vocabulary', []).

:- initialization(main, main).

/** <module> How fast explanations are

    swipl benchmarks/proof.pl [--propositions=60] [--rules=30] [--lines=150]
                              [--images=200] [--rounds=10] [--json]

makes a decision tree of that many leaves over random propositions, and a
program of that many lines of points, loads each as the workers do, and
explains random images: mean time per call, facts given as a term, the
answer as JSON text; the best of the rounds.
*/

main(Argv) :-
    argv_options(Argv, _, Options),
    option(propositions(P), Options, 60),
    option(rules(R), Options, 30),
    option(lines(L), Options, 150),
    option(images(N), Options, 200),
    option(rounds(Rounds), Options, 10),
    set_random(seed(20)),
    measured(write_tree(R), P, N, Rounds, TreeRows),
    measured(write_points(L), P, N, Rounds, PointsRows0),
    findall(Name-Value,
            ( member(Name0-Value, PointsRows0), atom_concat(points_, Name0, Name) ),
            PointsRows),
    append(TreeRows, PointsRows, Rows),
    (   option(json(true), Options)
    ->  findall(Text,
                ( member(Name-Value, Rows), format(string(Text), '"~w": ~w', [Name, Value]) ),
                Texts),
        atomic_list_concat(Texts, ', ', Body),
        format('{~w}~n', [Body])
    ;   forall(member(Name-Value, Rows), format('~w~t~40|~t~w~12+~n', [Name, Value]))
    ).

option(Option, Options) :-
    memberchk(Option, Options).
option(Option, Options, Default) :-
    (   memberchk(Option, Options)
    ->  true
    ;   arg(1, Option, Default)
    ).

measured(Write, P, N, Rounds, Rows) :-
    tmp_file(proofsight_benchmark, Directory),
    make_directory(Directory),
    write_quantiser(Directory, P),
    call(Write, Directory, P),
    call_cleanup(measure(Directory, P, N, Rounds, Rows),
                 delete_directory_and_contents(Directory)).

measure(Directory, P, N, Rounds, Rows) :-
    statistics(cputime, Load0),
    service_load(Directory, [], KB, Described),
    statistics(cputime, Load1),
    (   sub_string(Described, 0, _, _, "{\"error\"")
    ->  throw(error(benchmark(Described), _))
    ;   true
    ),
    Load is round((Load1 - Load0) * 1000),
    length(Images, N),
    maplist(random_facts(P), Images),
    sizes(KB, decision, Images, Nodes, Bytes),
    sizes(KB, class("c1"), Images, ClassNodes, ClassBytes),
    per_call(explain(KB, decision), Images, Rounds, Why),
    per_call(explain(KB, class("c1")), Images, Rounds, WhyNot),
    per_call(explain(KB, goal("class(Image, c1)")), Images, Rounds, Goal),
    per_call(query(KB, "decision(Image, C)"), Images, Rounds, Query),
    Rows = [ load_ms-Load,
             decision_nodes-Nodes, decision_bytes-Bytes, explain_decision_us-Why,
             class_nodes-ClassNodes, class_bytes-ClassBytes,
             explain_class_us-WhyNot,
             explain_goal_us-Goal, query_us-Query
           ].

per_call(Goal, Images, Rounds, Microseconds) :-
    forall(member(Facts, Images), call(Goal, Facts)),
    garbage_collect,
    findall(Seconds,
            ( between(1, Rounds, _),
              statistics(cputime, T0),
              forall(member(Facts, Images), call(Goal, Facts)),
              statistics(cputime, T1),
              Seconds is T1 - T0
            ),
            Times),
    min_list(Times, Least),             % the machine may have other work
    length(Images, N),
    Microseconds is round(Least * 10_000_000 / N) / 10.

explain(KB, Question, Facts) :-
    service_explain(KB, Facts, Question, [], _).

query(KB, Goal, Facts) :-
    service_query(KB, Facts, Goal, [], ignored, _).

ignored(_).

sizes(KB, Question, Images, Nodes, Bytes) :-
    findall(Count-Length,
            ( member(Facts, Images),
              service_explain(KB, Facts, Question, [], Answer),
              string_length(Answer, Length),
              aggregate_all(count, sub_string(Answer, _, _, _, "{\"goal\""), Count)
            ),
            Pairs),
    findall(C, member(C-_, Pairs), Counts),
    findall(L, member(_-L, Pairs), Lengths),
    mean(Counts, Nodes),
    mean(Lengths, Bytes).

mean(Numbers, Mean) :-
    sum_list(Numbers, Sum),
    length(Numbers, N),
    Mean is round(10 * Sum / N) / 10.

random_facts(P, facts(img, Values, [c1-0.9])) :-
    findall(Value, ( between(1, P, _), random(Value) ), List),
    Values =.. [values|List].

classes(Classes) :-
    findall(Class, ( between(1, 10, K), atom_concat(c, K, Class) ), Classes).

write_quantiser(Directory, P) :-
    file(Directory, 'quantiser.pl', Quantiser),
    format(Quantiser, "layer(conv3, 'features.8', conv, ~d).~n", [P]),
    forall(between(1, P, K),
           ( C is K - 1,
             format(Quantiser, "proposition(conv3_c~d, channel(conv3, ~d, l1), 0.5).~n", [C, C])
           )),
    close(Quantiser).

%   Points: lines of one literal each, the same number for each class.

write_points(L, Directory, P) :-
    classes(Classes),
    file(Directory, 'rules.pl', Rules),
    forall(between(1, L, K),
           ( Index is K mod 10,
             nth0(Index, Classes, Class),
             Last is P - 1,
             random_between(0, Last, C),
             random_member(Sign, ['', '\\+ ']),
             random_member(Points, [-6, -4, -3, -2, -1, 1, 2, 3, 4, 6]),
             format(Rules,
                    "points(Image, ~w, ~d) :- rule(p~d, Image),~n    ~wactive(Image, conv3_c~d).~n",
                    [Class, Points, K, Sign, C])
           )),
    format(Rules, "policy(points).~nbase_points(c1, 2).~nclass_order(~w).~n", [Classes]),
    close(Rules).

%   A tree: leaves are split at random until there are enough; each path is a
%   rule.

write_tree(R, Directory, P) :-
    grow([[]], R, P, Leaves),
    classes(Classes),
    file(Directory, 'rules.pl', Rules),
    forall(nth0(K, Leaves, Path),
           ( Index is K mod 10,
             nth0(Index, Classes, Class),
             format(Rules, "class(Image, ~w) :- rule(r~d, Image)", [Class, K]),
             forall(member(Literal, Path), format(Rules, ",~n    ~w", [Literal])),
             format(Rules, ".~n", [])
           )),
    format(Rules, "policy(exclusive).~ndefault_class(c1).~nclass_order(~w).~n", [Classes]),
    close(Rules).

file(Directory, Name, Stream) :-
    directory_file_path(Directory, Name, Path),
    open(Path, write, Stream).

grow(Leaves, R, _, Leaves) :-
    length(Leaves, R),
    !.
grow([Leaf|Leaves], R, P, Result) :-
    Last is P - 1,
    repeat,
    random_between(0, Last, C),
    format(atom(Yes), 'active(Image, conv3_c~d)', [C]),
    format(atom(No), '\\+ active(Image, conv3_c~d)', [C]),
    \+ memberchk(Yes, Leaf),
    \+ memberchk(No, Leaf),
    !,
    append(Leaf, [Yes], LeafYes),
    append(Leaf, [No], LeafNo),
    append(Leaves, [LeafYes, LeafNo], More),
    grow(More, R, P, Result).
