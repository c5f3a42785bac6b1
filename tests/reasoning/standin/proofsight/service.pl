:- module(proofsight_service,
          [ service_load/4,
            service_explain/5,
            service_query/6
          ]).
:- use_module(library(http/json), [atom_json_dict/3]).
:- use_module(library(apply), [maplist/3]).
:- use_module(library(lists), [numlist/3]).
:- use_module(library(readutil), [read_file_to_string/3]).

/** <module> A service that misbehaves on request

Stands in for the real one where a test wants a worker to die, hang, or say back exactly
what it was given.  The goal's text names the behaviour.
*/

:- meta_predicate service_query(+, +, +, +, 1, -).
:- dynamic kept/1.
:- table endless/1.

service_load(Directory, _Options, KB, Answer) :-
    atom_concat(Directory, '/rules.pl', File),
    (   exists_file(File)
    ->  read_file_to_string(File, Text, [encoding(utf8)])
    ;   Text = ""
    ),
    split_string(Text, "\n", " ", [Behaviour|_]),
    load(Behaviour, KB, Dict),
    json(Dict, Answer).

load("% refused", _, Dict) :-
    !,
    Issue = _{severity: "error", code: "syntax_error", file: "rules.pl", line: 3, column: 7,
              message: "end of clause expected"},
    Dict = _{error: _{reason: "BAD_PROGRAM", message: "rules.pl is refused", issues: [Issue]}}.
load("% crash", _, _) :-
    !,
    halt(3).
load("% hang", _, _) :-
    !,
    repeat,
    fail.
load("% bomb", _, _) :-
    !,
    grow(abcdefgh).
load("% empty", standin, Dict) :-
    !,
    description([], Dict).
load(_, standin, Dict) :-
    format(string(Padding), "~`xt~100000|", []),
    nb_setval(padding, Padding),
    description(["a", "b", "c"], Dict).

description(Propositions,
            _{propositions: Propositions, derived: ["d"], classes: ["cat", "dog"],
              policy: "ordered", default: "dog", rules: 2, user: ["pet/1"]}).

service_explain(KB, Facts, Question, Limits, Answer) :-
    (   Question = goal("fail")
    ->  fail
    ;   Question = goal(Text),
        misbehave(Text, Facts, Dict)
    ->  true
    ;   given(Facts, FactsGiven),
        given(Question, QuestionGiven),
        given(Limits, LimitsGiven),
        Dict = _{kb: KB, facts: FactsGiven, question: QuestionGiven, limits: LimitsGiven}
    ),
    json(Dict, Answer).

%   What was given, with the types that JSON would lose.
given(Term, [atom, Text]) :-
    atom(Term),
    !,
    atom_string(Term, Text).
given(Term, [string, Term]) :-
    string(Term),
    !.
given(Term, [number, Term]) :-
    number(Term),
    !.
given(Term, [list|Given]) :-
    is_list(Term),
    !,
    maplist(given, Term, Given).
given(Term, [compound, Text|Given]) :-
    compound_name_arguments(Term, Name, Arguments),
    atom_string(Name, Text),
    maplist(given, Arguments, Given).

service_query(_KB, Facts, Text, Limits, Emit, Answer) :-
    memberchk(solutions(N), Limits),
    memberchk(proofs(Proofs), Limits),
    split_string(Text, " ", " ", [Kind|_]),
    forall(between(1, N, I),
           (   emitted(Kind, I, Facts, Proofs, JSON),
               call(Emit, JSON)
           )),
    json(_{solutions: N, more: true, inferences: 7}, Answer).

emitted("big", I, _, _, JSON) :-
    !,
    nb_getval(padding, Padding),
    atomics_to_string(['{"bindings": [["X", "', I, Padding, '"]]}'], JSON).
emitted(Kind, I, Facts, Proofs, JSON) :-
    solution(Kind, I, Facts, Proofs, Solution),
    json(Solution, JSON).

solution("count", I, _, _, _{bindings: [["X", S]]}) :-
    number_string(I, S).
solution("slow", I, _, _, _{bindings: [["X", S]]}) :-
    sleep(0.005),
    number_string(I, S).
solution("endless", I, _, _, _{bindings: [["X", S]]}) :-
    (   I > 2
    ->  repeat, fail
    ;   number_string(I, S)
    ).
solution("facts", _, Facts, Proofs, _{bindings: [["X", S]], proof: _{root: 0, said: Proofs}}) :-
    format(string(S), "~q", [Facts]).
solution("limit", I, _, _, Solution) :-
    (   I =:= 3
    ->  throw(error(resource_error(private_table_space), _))
    ;   solution("count", I, _, _, Solution)
    ).

misbehave("halt", _, _) :-
    halt(4).
misbehave("abort", _, _) :-
    current_prolog_flag(pid, Pid),
    format(atom(Command), "kill -ABRT ~d", [Pid]),
    shell(Command),
    sleep(10).
misbehave("killed", _, _) :-
    current_prolog_flag(pid, Pid),
    format(atom(Command), "kill -KILL ~d", [Pid]),
    shell(Command),
    sleep(10).
misbehave("overrun", _, _) :-
    current_prolog_flag(pid, Pid),
    format(atom(Command), "kill -SEGV ~d", [Pid]),
    shell(Command),
    sleep(10).
misbehave("sleep", _, _{slept: true}) :-
    sleep(0.2).
misbehave("spin", _, _) :-
    repeat,
    fail.
misbehave("stubborn", _, _) :-
    stubborn.
misbehave("caught", _, _{caught: Text}) :-
    catch((repeat, fail), Ball, true),
    term_string(Ball, Text).
misbehave("throw", _, _) :-
    throw(oops(42)).
misbehave("stack", _, _) :-
    numlist(1, 1000000000, L),
    length(L, _).
misbehave("heap", _, _) :-
    grow(abcdefgh).
misbehave("table", _, _) :-
    endless(_).
misbehave("keep", _, _{kept: true}) :-
    forall(between(1, 500000, I), assertz(kept(f(I, I, I, I)))).
misbehave("words", _, _{}) :-
    format(user_error, "something to say~n", []),
    halt(5).
misbehave("echo", facts(Image, _, _), _{image: Image}).
misbehave(Text, _, _{error: _{reason: Reason, message: "as asked",
                              metadata: _{name: "cta", position: 4}}}) :-
    string_concat("error ", Reason, Text).

stubborn :-
    catch((repeat, fail), _, true),
    stubborn.

grow(A) :-
    atom_concat(A, A, B),
    grow(B).

endless(X) :-
    between(1, inf, I),
    X = f(I, I, I, I).

json(Dict, String) :-
    atom_json_dict(Atom, Dict, [as(string), width(0)]),
    atom_string(Atom, String).
